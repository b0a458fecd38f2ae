"""BatchHit, BatchCheck and BatchStat: many requests in one call, each as if it came alone."""

import math

import grpc
import pytest

from api import costs, headers_of, limiter_pb2, only, outcomes, raises, violated_field

INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED = 3, 5, 12
FULL = {"detail": limiter_pb2.DETAIL_FULL}


def kinds(results):
    return [result.WhichOneof("result") for result in results]


def test_answers_come_in_the_order_of_the_requests(client, who):
    results = client.batch_hit(
        ("window", who, {"cost": 3, **FULL}),
        ("wide", who, FULL),
        ("closed", who, FULL),
        ("window", f"{who}-other", FULL),
        ("endless", who, FULL),
    )
    assert kinds(results) == ["response"] * 5
    answers = [result.response for result in results]
    assert [only(answer).throttle for answer in answers] == [
        "window",
        "wide",
        "closed",
        "window",
        "endless",
    ]
    assert [answer.allowed for answer in answers] == [True, True, False, True, True]
    remaining = [only(answer).stat.hits_remaining for answer in answers]
    assert remaining == [0, 499, 0, 2, math.inf]
    assert [only(answer).cost for answer in answers] == [3, 1, 0, 1, 0]
    assert answers[2].limited_by == "closed" and answers[2].wait_ms == math.inf
    assert {answer.config_generation for answer in answers} == {1}


def test_a_bad_request_spoils_no_other(client, who):
    results = client.batch_hit(
        ("window", who, FULL),
        ("no-such", who),
        ([], who),
        ("window", who, {"cost": 2**52 + 1}),
        ("window", who, {"tenant": "initech"}),
        ("window", who, {"idempotency_key": "once"}),
        ("window", who, FULL),
    )
    assert kinds(results) == ["response"] + ["error"] * 5 + ["response"]
    codes = [result.error.code for result in results[1:6]]
    assert codes == [NOT_FOUND, INVALID_ARGUMENT, INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED]
    for result, word in zip(
        results[1:6], ("no-such", "throttles", "cost", "initech", "idempotency_key"), strict=True
    ):
        assert word in result.error.message
    remaining = [only(results[i].response).stat.hits_remaining for i in (0, 6)]
    assert remaining == [2, 1]


def test_a_denial_in_the_middle_stops_nothing(client, who):
    results = client.batch_hit(
        ("window", who, {"cost": 2}), ("window", who, {"cost": 2}), ("window", who)
    )
    assert [result.response.allowed for result in results] == [True, False, True]
    assert results[1].response.limited_by == "window"
    assert only(client.stat("window", who)).stat.fixed_window.current_count == 3


def test_one_limit_hit_often_in_one_batch(client, who):
    """Exactly as many as there are pass, the first ones."""
    results = client.batch_hit(*[("window", who, FULL)] * 10)
    assert [result.response.allowed for result in results] == [True] * 3 + [False] * 7
    remaining = [only(result.response).stat.hits_remaining for result in results]
    assert remaining == [2, 1, 0] + [0] * 7
    assert only(client.stat("window", who)).stat.fixed_window.current_count == 3


def test_a_request_of_a_batch_may_name_several_throttles(client, who):
    client.hit("narrow", who)
    (result,) = client.batch_hit((["wide", "narrow"], who, FULL))
    assert outcomes(result.response) == {"wide": "ALLOWED", "narrow": "DENIED"}
    assert costs(result.response) == {"wide": 0, "narrow": 0}
    assert result.response.limited_by == "narrow"
    assert only(client.stat("wide", who)).stat.fixed_window.current_count == 0


@pytest.mark.parametrize("ask", ["batch_hit", "batch_check"])
def test_the_decision_alone_comes_back_unless_more_is_asked(client, who, ask):
    client.hit("narrow", who)
    asked = [limiter_pb2.DETAIL_DECISION, limiter_pb2.DETAIL_STAT, limiter_pb2.DETAIL_FULL]
    results = getattr(client, ask)(
        ("narrow", who), *[("narrow", who, {"detail": detail}) for detail in asked]
    )
    answers = [result.response for result in results]
    for answer in answers:
        assert not answer.allowed and answer.limited_by == "narrow" and answer.wait_ms > 0
    assert [bool(answer.results) for answer in answers] == [False, False, True, True]
    assert [bool(answer.headers) for answer in answers] == [False, False, False, True]
    assert headers_of(answers[3])["X-RateLimit-Remaining"] == "0"


def test_batch_check_takes_nothing(client, who):
    checks = client.batch_check(
        ("window", who),
        ("window", who, {"cost": 3}),
        ("window", who, {"cost": 4}),
        ("no-such", who),
    )
    assert [check.response.allowed for check in checks[:3]] == [True, True, False]
    assert checks[2].response.limited_by == "window"
    assert checks[3].error.code == NOT_FOUND
    assert only(client.stat("window", who)).stat.fixed_window.current_count == 0


def test_batch_stat_tells_states(client, who):
    client.hit("window", who, cost=2)
    stats = client.batch_stat(
        ("window", who, FULL),
        (["window", "wide"], who),
        ("no-such", who),
        ("window", "stranger", FULL),
    )
    assert kinds(stats) == ["response", "response", "error", "response"]
    assert only(stats[0].response).stat.fixed_window.current_count == 2
    assert outcomes(stats[1].response) == {"window": "ALLOWED", "wide": "ALLOWED"}
    assert not any(result.HasField("stat") for result in stats[1].response.results)
    assert stats[2].error.code == NOT_FOUND and "no-such" in stats[2].error.message
    assert only(stats[3].response).stat.hits_remaining == 3


@pytest.mark.parametrize("ask", ["batch_hit", "batch_check", "batch_stat"])
def test_a_thousand_fit_and_one_more_does_not(client, who, ask):
    results = getattr(client, ask)(*[("wide", who)] * 1000)
    assert len(results) == 1000 and set(kinds(results)) == {"response"}
    if ask == "batch_hit":
        assert [result.response.allowed for result in results] == [True] * 500 + [False] * 500
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        getattr(client, ask)(*[("wide", f"{who}-more")] * 1001)
    field, description = violated_field(caught.value)
    assert field == "requests"
    assert "1001" in description and "1000" in description
    assert only(client.stat("wide", f"{who}-more")).stat.fixed_window.current_count == 0


@pytest.mark.parametrize("ask", ["batch_hit", "batch_check", "batch_stat"])
def test_an_empty_batch(client, ask):
    assert getattr(client, ask)() == []


def test_metrics_count_each_hit_of_a_batch(server, client, who):
    def decisions():
        return [
            server.metric("sluice_decisions_total", throttle="narrow", outcome=outcome)
            for outcome in ("allowed", "denied")
        ]

    before = decisions()
    client.batch_hit(*[("narrow", who)] * 4)
    client.batch_check(*[("narrow", who)] * 4)
    client.batch_stat(*[("narrow", who)] * 4)
    assert decisions() == [before[0] + 1, before[1] + 3]
