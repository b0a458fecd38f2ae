"""Reset: the state of one identifier, forgotten."""

import grpc
import pytest
from google.rpc import error_details_pb2

from api import detail_of, only, raises, violated_field

POLICY = """\
backends: {first: {type: memory}, second: {type: memory}}
default_backend: first
tenants:
  acme: {namespace: acme, backend: second}
throttles:
  - {uid: window, rate: 3/day}
  - {uid: bucket, rate: 24/day, strategy: {type: token_bucket, burst_size: 2}, backend: second}
  - {uid: log, rate: 3/day, strategy: sliding_window_log}
  - {uid: by-region, rate: 3/day, key_by: [region]}
  - {uid: by-user, rate: 3/day, identifier: "user:{user_id|identifier}"}
  - {uid: plans, rate: {by: plan, values: {gold: 30/day, free: unlimited}, default: 3/day}}
  - uid: tiers
    rate: 4/day
    strategy: {type: tiered_rate, tiers: {free: 0.5, pro: 5}, default_tier: free}
"""


@pytest.fixture(scope="module")
def resettable(share):
    return share(POLICY, server={"allow_reset": True})[1]


def left(client, throttle, identifier, **fields):
    return only(client.stat(throttle, identifier, **fields)).stat.hits_remaining


@pytest.mark.parametrize("throttle, full", [("window", 3), ("bucket", 2), ("log", 3)])
def test_that_identifier_and_no_other(resettable, who, throttle, full):
    client = resettable
    for identifier in (who, f"{who}-other"):
        client.hit(throttle, identifier, cost=full)
        assert not client.hit(throttle, identifier).allowed
    assert client.reset(throttle, who) == 1
    assert left(client, throttle, who) == full
    assert left(client, throttle, f"{who}-other") == 0
    assert client.hit(throttle, who, cost=full).allowed
    assert not client.hit(throttle, f"{who}-other").allowed


def test_what_was_not_there_is_not_counted(resettable, who):
    client = resettable
    assert client.reset("window", who) == 0
    client.hit("window", who)
    assert client.reset(["window", "log"], who) == 1
    assert client.reset(["window", "log"], who) == 0


def test_several_throttles_on_several_backends(resettable, who):
    client = resettable
    client.hit(["window", "bucket", "log"], who)
    assert client.reset(["bucket", "window"], who) == 2
    assert left(client, "window", who) == 3
    assert left(client, "bucket", who) == 2
    assert left(client, "log", who) == 2


def test_those_of_the_tenant(resettable, who):
    client = resettable
    client.hit("window", who)
    client.hit("window", who, tenant="acme")
    assert client.reset("window", who, tenant="acme") == 1
    assert left(client, "window", who, tenant="acme") == 3
    assert left(client, "window", who) == 2


def test_the_context_says_which_counter(resettable, who):
    client = resettable
    mars, moon = {"region": "mars"}, {"region": "moon"}
    client.hit("by-region", who, context=mars)
    client.hit("by-region", who, context=moon)
    assert client.reset("by-region", who, context=mars) == 1
    assert left(client, "by-region", who, context=mars) == 3
    assert left(client, "by-region", who, context=moon) == 2

    client.hit("by-user", who, context={"user_id": f"user of {who}"})
    assert client.reset("by-user", who) == 0
    assert client.reset("by-user", f"{who}-other", context={"user_id": f"user of {who}"}) == 1


def test_tiers(resettable, who):
    """A tier of tiered_rate is a counter of its own; the rates of `by` share one."""
    client = resettable
    client.hit("tiers", who, context={"tier": "pro"}, cost=5)
    client.hit("tiers", who, context={"tier": "free"})
    assert client.reset("tiers", who, context={"tier": "pro"}) == 1
    assert left(client, "tiers", who, context={"tier": "pro"}) == 20
    assert left(client, "tiers", who, context={"tier": "free"}) == 1

    client.hit("plans", who, context={"plan": "gold"}, cost=2)
    assert left(client, "plans", who) == 1
    # Unlimited: nothing is kept, and so there is nothing to forget.
    assert client.reset("plans", who, context={"plan": "free"}) == 0
    assert client.reset("plans", who) == 1
    assert left(client, "plans", who, context={"plan": "gold"}) == 30


def test_it_is_refused_unless_the_configuration_allows_it(client, who):
    client.hit("window", who)
    with raises(grpc.StatusCode.PERMISSION_DENIED) as caught:
        client.reset("window", who)
    assert "server.allow_reset" in caught.value.details()
    info = detail_of(caught.value, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("NOT_ALLOWED", "sluice")
    assert left(client, "window", who) == 2


def test_what_cannot_be_reset(resettable, who):
    client = resettable
    client.hit("window", who)
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        client.reset([], who)
    assert violated_field(caught.value)[0] == "throttles"
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        client.reset("window", "i" * 1025)
    assert violated_field(caught.value)[0] == "identifier"
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        client.reset(["window", "no-such"], who)
    assert detail_of(caught.value, error_details_pb2.ErrorInfo).reason == "THROTTLE_NOT_FOUND"
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        client.reset("window", who, tenant="initech")
    assert detail_of(caught.value, error_details_pb2.ErrorInfo).reason == "TENANT_NOT_FOUND"
    assert left(client, "window", who) == 2
