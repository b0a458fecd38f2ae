"""Hit, Check and Stat: outcomes, states, headers, costs, identifiers and tenants."""

import math
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc import error_details_pb2

from api import Client, Outcome, detail_of, headers_of, limiter_pb2, raises

DAY_MS = 86_400_000.0


def now_ms():
    return time.time() * 1000


def ms_to_midnight():
    return DAY_MS - now_ms() % DAY_MS


def only(response):
    assert len(response.results) == 1, response
    return response.results[0]


def window_count(client, throttle, identifier, **fields):
    return only(client.stat(throttle, identifier, **fields)).stat.fixed_window.current_count


def test_a_hit_is_allowed_until_the_limit_and_then_denied(client, who):
    for taken in (1, 2, 3):
        response = client.hit("window", who)
        assert response.allowed and not response.limited_by and response.wait_ms == 0
        assert response.config_generation == 1
        result = only(response)
        assert result.throttle == "window"
        assert result.outcome == Outcome.OUTCOME_ALLOWED
        assert result.cost == 1
        assert result.stat.hits_remaining == 3 - taken

    denied = client.hit("window", who)
    assert not denied.allowed
    assert denied.limited_by == "window"
    assert denied.wait_ms == pytest.approx(ms_to_midnight(), abs=5000)
    result = only(denied)
    assert result.outcome == Outcome.OUTCOME_DENIED
    assert result.cost == 0
    assert result.stat.hits_remaining == 0
    assert result.stat.wait_ms == denied.wait_ms


def test_check_and_stat_take_nothing(client, who):
    client.hit("window", who, cost=2)
    for _ in range(4):
        checked = client.check("window", who)
        assert checked.allowed
        assert only(checked).outcome == Outcome.OUTCOME_ALLOWED
        assert only(client.stat("window", who)).stat.hits_remaining == 1

    assert not client.check("window", who, cost=2).allowed
    assert only(client.stat("window", who, cost=2)).outcome == Outcome.OUTCOME_DENIED
    assert client.hit("window", who).allowed
    assert only(client.stat("window", who)).outcome == Outcome.OUTCOME_DENIED


def test_a_cost_of_zero_touches_nothing(client, who):
    assert client.hit("window", who, cost=3).allowed
    response = client.hit("window", who, cost=0)
    assert response.allowed
    result = only(response)
    assert result.outcome == Outcome.OUTCOME_NO_COST
    assert not result.HasField("stat")
    assert result.cost == 0
    assert "X-RateLimit-Limit" not in headers_of(response)


def test_an_unlimited_rate_has_a_state_without_metadata(client, who):
    response = client.hit("endless", who, cost=1_000_000)
    assert response.allowed
    result = only(response)
    assert result.outcome == Outcome.OUTCOME_UNLIMITED
    assert result.stat.hits_remaining == math.inf
    assert result.stat.rate.unlimited
    assert result.stat.WhichOneof("metadata") is None
    assert "X-RateLimit-Limit" not in headers_of(response)


def test_a_shadow_throttle_would_deny_and_does_not(client, who):
    assert only(client.hit("shadow", who)).outcome == Outcome.OUTCOME_ALLOWED
    response = client.hit("shadow", who)
    assert response.allowed and not response.limited_by
    assert only(response).outcome == Outcome.OUTCOME_SHADOW_DENIED
    assert only(response).cost == 0
    assert "X-RateLimit-Limit" not in headers_of(response)


def test_a_throttle_that_is_switched_off_is_bypassed(client, who):
    for _ in range(3):
        response = client.hit("switched-off", who)
        assert response.allowed
        assert only(response).outcome == Outcome.OUTCOME_BYPASSED
        assert not only(response).HasField("stat")


def test_what_can_never_pass_waits_for_ever(client, who):
    for response in (client.hit("closed", who), client.hit("window", who, cost=4)):
        assert not response.allowed
        assert response.wait_ms == math.inf
        assert "Retry-After" not in headers_of(response)
    assert window_count(client, "window", who) == 0


def test_the_wait_is_true(client, who):
    assert client.hit("brisk", who).allowed
    denied = client.hit("brisk", who)
    assert not denied.allowed
    assert 0 < denied.wait_ms <= 250
    time.sleep(denied.wait_ms / 1000)
    assert client.hit("brisk", who).allowed


def test_fixed_window_tells_its_window(client, who):
    client.hit("window", who, cost=2)
    stat = only(client.stat("window", who)).stat
    assert stat.strategy == "fixed_window"
    assert (stat.rate.limit, stat.rate.period_ms, stat.rate.text) == (3, DAY_MS, "3/d")
    assert stat.reset_ms == pytest.approx(ms_to_midnight(), abs=5000)
    assert stat.WhichOneof("metadata") == "fixed_window"
    window = stat.fixed_window
    assert window.strategy == "fixed_window"
    assert window.window_start_ms % DAY_MS == 0
    assert window.window_start_ms <= now_ms() < window.window_end_ms
    assert window.window_end_ms == window.window_start_ms + DAY_MS
    assert window.current_count == 2


def test_token_bucket_tells_its_tokens(client, who):
    client.hit("bucket", who, cost=2)
    stat = only(client.stat("bucket", who)).stat
    assert stat.strategy == "token_bucket"
    assert stat.hits_remaining == 3
    assert stat.reset_ms == pytest.approx(120_000, abs=5000)
    assert stat.WhichOneof("metadata") == "token_bucket"
    bucket = stat.token_bucket
    assert bucket.strategy == "token_bucket"
    assert 3 <= bucket.tokens < 3.2
    assert bucket.capacity == 5
    assert bucket.refill_rate_per_ms == pytest.approx(60 / 3_600_000)
    assert bucket.last_refill_ms == pytest.approx(now_ms(), abs=5000)


def test_gcra_tells_its_arrival_time(client, who):
    client.hit("cells", who)
    stat = only(client.stat("cells", who)).stat
    assert stat.strategy == "gcra"
    assert stat.hits_remaining == 1
    assert stat.WhichOneof("metadata") == "gcra"
    assert stat.gcra.strategy == "gcra"
    assert stat.gcra.tat_ms == pytest.approx(now_ms() + 3_600_000, abs=5000)
    assert stat.gcra.emission_interval_ms == 3_600_000
    assert stat.gcra.burst_tolerance_ms == 3_600_000
    assert stat.gcra.conformant

    client.hit("cells", who)
    denied = client.hit("cells", who)
    assert not denied.allowed
    assert denied.wait_ms == pytest.approx(3_600_000, abs=5000)
    assert not only(denied).stat.gcra.conformant


@pytest.mark.parametrize(
    "detail, has_results, has_headers",
    [
        (limiter_pb2.DETAIL_UNSPECIFIED, True, True),
        (limiter_pb2.DETAIL_DECISION, False, False),
        (limiter_pb2.DETAIL_STAT, True, False),
        (limiter_pb2.DETAIL_FULL, True, True),
    ],
)
def test_detail_says_how_much_comes_back(client, who, detail, has_results, has_headers):
    allowed = client.hit("narrow", who, detail=detail)
    assert allowed.allowed
    for response in (
        client.hit("narrow", who, detail=detail),
        client.check("narrow", who, detail=detail),
    ):
        assert not response.allowed
        assert response.limited_by == "narrow"
        assert response.wait_ms > 0
        assert bool(response.results) == has_results
        assert bool(response.headers) == has_headers


def test_several_throttles_are_taken_all_or_none(client, who):
    assert client.hit(["wide", "narrow"], who).allowed
    denied = client.hit(["wide", "narrow"], who)
    assert not denied.allowed
    assert denied.limited_by == "narrow"
    assert [result.outcome for result in denied.results] == [
        Outcome.OUTCOME_ALLOWED,
        Outcome.OUTCOME_DENIED,
    ]
    assert [result.cost for result in denied.results] == [0, 0]
    assert denied.results[0].stat.fixed_window.current_count == 1
    assert window_count(client, "wide", who) == 1


def test_the_first_denial_in_the_requests_order_is_told_and_the_longest_wait(client, who):
    client.hit(["cells", "narrow"], who, costs={"cells": 2})
    denied = client.hit(["cells", "narrow"], who)
    assert denied.limited_by == "cells"
    waits = [result.stat.wait_ms for result in denied.results]
    assert all(wait > 0 for wait in waits)
    assert denied.wait_ms == max(waits)


def test_a_throttle_named_twice_is_charged_twice_and_judged_as_one(client, who):
    assert client.hit(["window", "window"], who).allowed
    assert window_count(client, "window", who) == 2
    assert not client.hit(["window", "window"], who).allowed
    assert window_count(client, "window", who) == 2


def test_a_shadow_throttle_never_keeps_an_enforced_one_from_being_taken(client, who):
    client.hit("shadow", who)
    response = client.hit(["shadow", "window"], who)
    assert response.allowed
    assert response.results[0].outcome == Outcome.OUTCOME_SHADOW_DENIED
    assert window_count(client, "window", who) == 1


def test_hit_and_check_agree_on_a_shadow_throttle_named_twice(client, who):
    """One a day: two are too many, whoever asks."""
    for ask in (client.check, client.hit, client.check):
        response = ask(["shadow", "shadow"], who)
        assert response.allowed
        outcomes = [result.outcome for result in response.results]
        assert outcomes == [Outcome.OUTCOME_SHADOW_DENIED] * 2
    assert window_count(client, "shadow", who) == 0


def test_cost_comes_from_the_throttle_then_the_request_then_costs(client, who):
    assert only(client.hit("heavy", who)).cost == 4
    assert only(client.hit("heavy", who, cost=1)).cost == 1
    response = client.hit(["heavy", "wide"], who, cost=2, costs={"wide": 300})
    assert [result.cost for result in response.results] == [2, 300]
    assert window_count(client, "heavy", who) == 7
    assert window_count(client, "wide", who) == 300

    short = client.check(["heavy", "wide"], who, costs={"wide": 201})
    assert short.limited_by == "heavy"
    assert [result.outcome for result in short.results] == [Outcome.OUTCOME_DENIED] * 2


def test_costs_of_stat_say_what_is_asked(client, who):
    client.hit("window", who)
    response = client.stat(["window", "wide"], who, costs={"window": 3, "wide": 0})
    assert response.results[0].outcome == Outcome.OUTCOME_DENIED
    assert response.results[0].stat.hits_remaining == 2
    assert response.results[1].outcome == Outcome.OUTCOME_NO_COST


def test_classic_headers_speak_of_the_tightest_throttle(client, who):
    headers = headers_of(client.hit(["wide", "window"], who))
    assert set(headers) == {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
    assert headers["X-RateLimit-Limit"] == "3"
    assert headers["X-RateLimit-Remaining"] == "2"
    assert int(headers["X-RateLimit-Reset"]) == pytest.approx(ms_to_midnight() / 1000, abs=5)

    client.hit("window", who, cost=2)
    denied = client.hit(["wide", "window"], who)
    headers = headers_of(denied)
    assert headers["X-RateLimit-Limit"] == "3"
    assert headers["X-RateLimit-Remaining"] == "0"
    assert int(headers["Retry-After"]) == math.ceil(denied.wait_ms / 1000)


def test_headers_stay_away_where_the_throttle_says_so(client, who):
    assert not headers_of(client.hit("unheard", who))
    assert not headers_of(client.hit("unheard", who))
    assert not headers_of(client.hit("heard-when-denied", who))
    assert headers_of(client.hit("heard-when-denied", who)).keys() >= {
        "X-RateLimit-Limit",
        "Retry-After",
    }


def test_ietf_headers(client, who):
    headers = headers_of(client.hit("ietf", who))
    assert set(headers) == {"RateLimit-Policy", "RateLimit"}
    assert headers["RateLimit-Policy"] == '"ietf";q=2;w=86400'
    policy, remaining, reset = headers["RateLimit"].split(";")
    assert (policy, remaining) == ('"ietf"', "r=1")
    assert int(reset.removeprefix("t=")) == pytest.approx(ms_to_midnight() / 1000, abs=5)

    client.hit("ietf", who)
    denied = headers_of(client.hit("ietf", who))
    assert denied["RateLimit"].startswith('"ietf";r=0;t=')
    assert int(denied["Retry-After"]) > 0


def test_both_header_formats_stand_together(client, who):
    assert set(headers_of(client.hit("both-formats", who))) == {
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "RateLimit-Policy",
        "RateLimit",
    }


def test_the_identifier_template_takes_the_first_key_that_is_not_empty(client, who):
    user = {"user_id": who, "remote_address": "192.0.2.1"}
    assert client.hit("by-user", "one", context=user).allowed
    assert client.hit("by-user", "two", context=user).allowed
    assert not client.hit("by-user", "three", context=user).allowed

    address = {"user_id": "", "remote_address": f"address of {who}"}
    assert client.hit("by-user", "one", context=address).allowed
    assert window_count(client, "by-user", "other", context=address) == 1


def test_callers_of_whom_nothing_is_known_share_one_counter(client):
    client.hit("by-user", "one")
    client.hit("by-user", "two")
    response = client.hit("by-user", "three")
    assert not response.allowed
    assert "__anonymous__" in only(response).stat.key


def test_key_by_splits_the_counter(client, who):
    client.hit("by-region", who, cost=2)
    assert not client.hit("by-region", who, context={"region": "earth"}).allowed
    assert client.hit("by-region", who, context={"region": "mars"}).allowed


def test_the_requests_context_wins_over_the_throttles_and_that_over_the_tenants(client, who):
    client.hit("by-region", who, tenant="globex", cost=2)
    assert window_count(client, "by-region", who, tenant="globex", context={"region": "moon"}) == 0
    assert window_count(client, "by-region", who, tenant="globex", context={"region": "earth"}) == 2

    # Neither the request nor the throttle says who the user is: the tenant does.
    client.hit("by-user", who, tenant="globex")
    gustav = {"user_id": "gustav"}
    assert window_count(client, "by-user", "anyone", tenant="globex", context=gustav) == 1


def test_tenants_have_counters_of_their_own(client, who):
    client.hit("narrow", who)
    response = client.hit("narrow", who, tenant="acme")
    assert response.allowed
    assert "acme" in only(response).stat.key
    assert not client.hit("narrow", who, tenant="acme").allowed


def test_an_unknown_tenant_is_not_found(client, who):
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        client.hit("narrow", who, tenant="initech")
    info = detail_of(caught.value, error_details_pb2.ErrorInfo)
    assert "TENANT" in info.reason
    assert "initech" in info.metadata.values()


def test_a_row_for_all_other_tenants(start_sluiced, connect, who):
    policy = """
tenants:
  acme: {namespace: acme}
  "*": {}
throttles:
  - {uid: narrow, rate: 1/day}
"""
    others = connect(start_sluiced(policy))
    assert others.hit("narrow", who, tenant="initech").allowed
    assert not others.hit("narrow", who, tenant="initech").allowed
    assert others.hit("narrow", who, tenant="acme").allowed


def test_64_clients_at_once_get_exactly_what_there_is(server, client, who):
    def ask(_):
        mine = Client(server.grpc_address)
        try:
            return sum(mine.hit("wide", who).allowed for _ in range(10))
        finally:
            mine.close()

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(ask, range(64))) == 500
    assert window_count(client, "wide", who) == 500
