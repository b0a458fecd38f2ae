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


@pytest.fixture
def resettable(start_sluiced, connect):
    return connect(start_sluiced(POLICY, server={"allow_reset": True}))


def left(client, throttle, identifier, **fields):
    return only(client.stat(throttle, identifier, **fields)).stat.hits_remaining


@pytest.mark.parametrize("throttle, full", [("window", 3), ("bucket", 2), ("log", 3)])
def test_that_identifier_and_no_other(resettable, throttle, full):
    client = resettable
    for identifier in ("alice", "bob"):
        client.hit(throttle, identifier, cost=full)
        assert not client.hit(throttle, identifier).allowed
    assert client.reset(throttle, "alice") == 1
    assert left(client, throttle, "alice") == full
    assert left(client, throttle, "bob") == 0
    assert client.hit(throttle, "alice", cost=full).allowed
    assert not client.hit(throttle, "bob").allowed


def test_what_was_not_there_is_not_counted(resettable):
    client = resettable
    assert client.reset("window", "alice") == 0
    client.hit("window", "alice")
    assert client.reset(["window", "log"], "alice") == 1
    assert client.reset(["window", "log"], "alice") == 0


def test_several_throttles_on_several_backends(resettable):
    client = resettable
    client.hit(["window", "bucket", "log"], "alice")
    assert client.reset(["bucket", "window"], "alice") == 2
    assert left(client, "window", "alice") == 3
    assert left(client, "bucket", "alice") == 2
    assert left(client, "log", "alice") == 2


def test_those_of_the_tenant(resettable):
    client = resettable
    client.hit("window", "alice")
    client.hit("window", "alice", tenant="acme")
    assert client.reset("window", "alice", tenant="acme") == 1
    assert left(client, "window", "alice", tenant="acme") == 3
    assert left(client, "window", "alice") == 2


def test_the_context_says_which_counter(resettable):
    client = resettable
    mars, moon = {"region": "mars"}, {"region": "moon"}
    client.hit("by-region", "alice", context=mars)
    client.hit("by-region", "alice", context=moon)
    assert client.reset("by-region", "alice", context=mars) == 1
    assert left(client, "by-region", "alice", context=mars) == 3
    assert left(client, "by-region", "alice", context=moon) == 2

    client.hit("by-user", "any", context={"user_id": "u1"})
    assert client.reset("by-user", "any") == 0
    assert client.reset("by-user", "other", context={"user_id": "u1"}) == 1


def test_tiers(resettable):
    """A tier of tiered_rate is a counter of its own; the rates of `by` share one."""
    client = resettable
    client.hit("tiers", "alice", context={"tier": "pro"}, cost=5)
    client.hit("tiers", "alice", context={"tier": "free"})
    assert client.reset("tiers", "alice", context={"tier": "pro"}) == 1
    assert left(client, "tiers", "alice", context={"tier": "pro"}) == 20
    assert left(client, "tiers", "alice", context={"tier": "free"}) == 1

    client.hit("plans", "alice", context={"plan": "gold"}, cost=2)
    assert left(client, "plans", "alice") == 1
    # Unlimited: nothing is kept, and so there is nothing to forget.
    assert client.reset("plans", "alice", context={"plan": "free"}) == 0
    assert client.reset("plans", "alice") == 1
    assert left(client, "plans", "alice", context={"plan": "gold"}) == 30


def test_it_is_refused_unless_the_configuration_allows_it(client, who):
    client.hit("window", who)
    with raises(grpc.StatusCode.PERMISSION_DENIED) as caught:
        client.reset("window", who)
    assert "server.allow_reset" in caught.value.details()
    info = detail_of(caught.value, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("NOT_ALLOWED", "sluice")
    assert left(client, "window", who) == 2


def test_what_cannot_be_reset(resettable):
    client = resettable
    client.hit("window", "alice")
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        client.reset([], "alice")
    assert violated_field(caught.value)[0] == "throttles"
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        client.reset("window", "i" * 1025)
    assert violated_field(caught.value)[0] == "identifier"
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        client.reset(["window", "no-such"], "alice")
    assert detail_of(caught.value, error_details_pb2.ErrorInfo).reason == "THROTTLE_NOT_FOUND"
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        client.reset("window", "alice", tenant="initech")
    assert detail_of(caught.value, error_details_pb2.ErrorInfo).reason == "TENANT_NOT_FOUND"
    assert left(client, "window", "alice") == 2
