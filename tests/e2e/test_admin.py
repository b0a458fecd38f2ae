"""Admin, on its own address: look at the policy, change it for a while, forget, and ask why."""

import time

import grpc
import pytest
from google.rpc import error_details_pb2

from api import (
    detail_of,
    headers_of,
    limiter_pb2,
    only,
    outcomes,
    raises,
    violated_field,
)
from harness import wait_until

POLICY = """\
namespace: admin
tenant: "{header.x-tenant}"
tenants:
  acme: {namespace: acme, default_context: {tier: premium}}
throttles:
  - uid: window
    rate: 3/day
  - uid: ruled
    rate: {by: tier, values: {premium: 30/day, enterprise: unlimited}, default: 3/day}
    cost: {by: method, values: {GET: 1, POST: 3}, default: 2}
    identifier: "user:{user_id|identifier}"
    exempt:
      - {header.x-admin-token: {equals: "open-sesame"}}
    rules:
      - bypass: {path: /health}
      - apply: {path: "/api/**"}
  - {uid: shadow, rate: 2/day, shadow: true}
  - {uid: "off", rate: 0/day, enabled: false}
  - {uid: named, rate: 5/day, gateway: false, strategy: {type: token_bucket, burst_size: 2}}
"""


@pytest.fixture(scope="module")
def shared(share):
    """For tests that only look."""
    return share(POLICY)


@pytest.fixture
def sluiced(shared):
    return shared[0]


@pytest.fixture
def admin(shared):
    return shared[1]


@pytest.fixture
def own_sluiced(start_sluiced):
    """For tests that change something."""
    return start_sluiced(POLICY)


@pytest.fixture
def own(own_sluiced, connect):
    return connect(own_sluiced)


def line_of(sluiced, text):
    """FILE:LINE of the first line of the configuration that has this text."""
    lines = sluiced.config.read_text().splitlines()
    return f"{sluiced.config}:{1 + next(i for i, line in enumerate(lines) if text in line)}"


def left(client, throttle, identifier, **fields):
    return only(client.stat(throttle, identifier, **fields)).stat.hits_remaining


# The policy.


def test_get_policy_tells_all_but_secrets(sluiced, admin):
    policy = admin.ask_admin("GetPolicy")
    assert policy.generation == 1 and not policy.stale
    assert not policy.errors and not policy.overrides
    assert len(policy.content_hash) == 64 and int(policy.content_hash, 16)
    assert policy.loaded_at.ToMilliseconds() == pytest.approx(time.time() * 1000, abs=30_000)
    for told in ("uid: window", "3/day", "namespace: acme", "path: /health", "x-admin-token"):
        assert told in policy.yaml
    assert "***" in policy.yaml and "open-sesame" not in policy.yaml
    # It is YAML that loads.
    assert not admin.ask_admin("ValidatePolicy", yaml=policy.yaml).errors


def test_reload_policy(own_sluiced, own):
    first = own.ask_admin("GetPolicy")
    same = own.ask_admin("ReloadPolicy")
    assert same.generation == 2 and not same.errors
    assert own.ask_admin("GetPolicy").content_hash == first.content_hash

    own_sluiced.write(POLICY.replace("rate: 3/day", "rate: 4/day", 1))
    changed = own.ask_admin("ReloadPolicy").generation
    assert changed > 2
    response = own.hit("window", "alice")
    assert response.config_generation == changed
    assert only(response).stat.hits_remaining == 3
    assert own.ask_admin("GetPolicy").content_hash != first.content_hash


def test_a_reload_that_fails_tells_why_and_changes_nothing(own_sluiced, own):
    own.hit("window", "alice")
    own_sluiced.write("throttles:\n  - {uid: a, rate: 3/fortnight}\n  - {uid: b, rat: 3/day}\n")
    failed = own.ask_admin("ReloadPolicy")
    assert failed.generation == 1
    assert [(error.line, error.column > 1) for error in failed.errors][:2] == [(3, True), (4, True)]
    assert all(error.file == str(own_sluiced.config) for error in failed.errors)
    assert "fortnight" in failed.errors[0].message
    policy = own.ask_admin("GetPolicy")
    assert policy.stale and policy.generation == 1
    assert [error.message for error in policy.errors] == [error.message for error in failed.errors]
    assert "uid: window" in policy.yaml
    response = own.hit("window", "alice")
    assert response.config_generation == 1 and only(response).stat.hits_remaining == 1

    own_sluiced.write(POLICY)
    assert not own.ask_admin("ReloadPolicy").errors
    assert not own.ask_admin("GetPolicy").stale
    assert left(own, "window", "alice") == 1


def test_validate_policy(admin):
    def ask(text):
        return admin.ask_admin("ValidatePolicy", yaml=text)

    fine = ask(POLICY)
    assert not fine.errors and not fine.warnings
    (error,) = ask("throttles:\n  - uid: a\n    rate: 1/s\n    strateggy: gcra\n").errors
    assert (error.line, error.column) == (4, 5)
    assert "strateggy" in error.message and "strategy" in error.hint
    several = ask("throttles: [{uid: a, rate: x}, {uid: a, rate: 1/s, shadow: maybe}]\nnope: 1\n")
    assert len(several.errors) == 4
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        ask("#" * ((1 << 20) + 1))
    assert violated_field(caught.value)[0] == "yaml"


def test_list_throttles(admin):
    rows = admin.ask_admin("ListThrottles").throttles
    assert [row.uid for row in rows] == ["window", "ruled", "shadow", "off", "named"]
    by_uid = {row.uid: row for row in rows}
    window = by_uid["window"]
    assert (window.rate.limit, window.rate.period_ms, window.rate.text) == (3, 86_400_000, "3/d")
    assert by_uid["ruled"].rate.text == "3/d"
    assert [row.strategy for row in rows] == ["fixed_window"] * 4 + ["token_bucket"]
    assert [row.enabled for row in rows] == [True, True, True, False, True]
    assert [row.shadow for row in rows] == [False, False, True, False, False]
    assert dict(window.tenant_backends) == {"": "local", "acme": "local"}


# Why.


def explain_hit(admin, throttles, **fields):
    named = [throttles] if isinstance(throttles, str) else throttles
    request = limiter_pb2.HitRequest(throttles=named, **fields)
    return list(admin.ask_admin("Explain", hit=request).rows)


def explain_gateway(admin, **fields):
    request = limiter_pb2.ShouldLimitRequest(**fields)
    return {row.throttle: row for row in admin.ask_admin("Explain", should_limit=request).rows}


def test_explain_tells_what_decided_and_where_it_stands(sluiced, admin):
    rows = explain_gateway(admin, path="/api/x", method="POST", identifier="alice")
    assert list(rows) == ["window", "ruled", "shadow", "off", "named"]
    ruled = rows["ruled"]
    assert ruled.applies and not ruled.reason and not ruled.shadow
    assert ruled.position == line_of(sluiced, "uid: ruled")
    assert ruled.rule.position == line_of(sluiced, "apply: {path")
    assert ruled.rule.text == 'apply: {path: "/api/**"}'
    assert ruled.cost == 3
    assert (ruled.cost_source.text, ruled.cost_source.position) == (
        "method is POST",
        line_of(sluiced, "cost: {by: method"),
    )
    assert ruled.identifier == "user:alice"
    assert ruled.identifier_source.text == "user:{user_id|identifier}"
    assert ruled.identifier_source.position == line_of(sluiced, "identifier: ")
    assert (ruled.rate, ruled.rate_source.text) == ("3/d", "default")
    assert ruled.rate_source.position == line_of(sluiced, "rate: {by: tier")
    assert ruled.tenant == "" and ruled.tenant_source.text == "the default tenant"
    assert ruled.backend == "local" and ruled.backend_source.text == "the tenant's"
    assert ruled.key.startswith("{admin::user%3Aalice}:ruled:")
    assert not ruled.HasField("exemption")

    assert rows["shadow"].applies and rows["shadow"].shadow
    assert (rows["off"].applies, rows["off"].reason) == (False, "it is switched off")
    assert (rows["named"].applies, rows["named"].reason) == (False, "it is not for gateways")
    # It charged nothing.
    assert left(admin, "window", "alice") == 3


def test_explain_a_bypass_and_no_match(sluiced, admin):
    bypassed = explain_gateway(admin, path="/health", method="GET", identifier="alice")["ruled"]
    assert not bypassed.applies and bypassed.reason == "a rule bypasses it"
    assert bypassed.rule.position == line_of(sluiced, "bypass: {path")
    assert bypassed.cost == 0 and not bypassed.key and not bypassed.HasField("cost_source")
    unmatched = explain_gateway(admin, path="/other", method="GET", identifier="alice")["ruled"]
    assert not unmatched.applies and unmatched.reason == "no 'apply' rule matches"
    assert not unmatched.HasField("rule")


def test_explain_an_exemption_without_its_secret(sluiced, admin):
    headers = {"x-admin-token": "open-sesame"}
    ruled = explain_gateway(admin, path="/api", identifier="alice", headers=headers)["ruled"]
    assert not ruled.applies and ruled.reason == "the caller is exempt"
    assert ruled.exemption.position == line_of(sluiced, "header.x-admin-token")
    assert "x-admin-token" in ruled.exemption.text and "***" in ruled.exemption.text
    assert "open-sesame" not in ruled.exemption.text
    assert ruled.cost == 2 and ruled.cost_source.text == "default"


def test_explain_a_tenant_a_tier_and_a_cost_of_the_request(sluiced, admin):
    headers = {"x-tenant": "acme"}
    rows = explain_gateway(admin, path="/api", identifier="alice", headers=headers, cost=7)
    ruled = rows["ruled"]
    assert ruled.tenant == "acme"
    assert ruled.tenant_source.text == "{header.x-tenant}"
    assert ruled.tenant_source.position == line_of(sluiced, "tenant: ")
    assert (ruled.rate, ruled.rate_source.text) == ("30/d", "tier is premium")
    assert (ruled.cost, ruled.cost_source.text) == (7, "the request")
    assert ruled.cost_source.position == ""
    assert ruled.key.startswith("{acme:acme:user%3Aalice}:ruled:")


def test_explain_a_hit(sluiced, admin):
    row, window = explain_hit(admin, ["ruled", "window"], identifier="alice", tenant="acme")
    assert row.applies and row.rate == "30/d" and row.tenant_source.text == "the request"
    assert (row.cost, row.cost_source.text) == (2, "default")
    assert window.identifier == "alice" and window.identifier_source.position == ""
    (nothing,) = explain_hit(admin, "window", identifier="alice", cost=0)
    assert not nothing.applies and nothing.reason == "the cost is 0"
    with raises(grpc.StatusCode.NOT_FOUND):
        explain_hit(admin, "no-such", identifier="alice")
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        admin.ask_admin("Explain")
    assert violated_field(caught.value)[0] == "request"


# Overrides.


def test_an_override_of_the_rate_ends_by_itself(own):
    own.hit("window", "alice", cost=3)
    made = own.set_override("window", 1.5, rate="10/day")
    ends = time.time() + 1.5
    assert made.throttle == "window" and made.rate == "10/d"
    assert not any(made.HasField(field) for field in ("shadow", "enabled", "cost"))
    assert made.ends_at.ToMilliseconds() / 1000 == pytest.approx(ends, abs=1)
    # What was used stays used.
    response = own.hit("window", "alice")
    assert response.allowed and only(response).stat.hits_remaining == 6
    assert headers_of(response)["X-RateLimit-Limit"] == "10"
    (listed,) = own.ask_admin("GetPolicy").overrides
    assert listed == made

    wait_until(lambda: not own.check("window", "alice").allowed, "the override ends")
    assert time.time() >= ends - 0.5
    assert not own.ask_admin("GetPolicy").overrides
    assert headers_of(own.hit("window", "alice"))["X-RateLimit-Limit"] == "3"


def test_overrides_of_shadow_enabled_and_cost(own):
    own.hit("window", "alice", cost=3)
    own.set_override("window", 60, shadow=True)
    passed = own.hit("window", "alice")
    assert passed.allowed and outcomes(passed) == {"window": "SHADOW_DENIED"}

    own.set_override("window", 60, enabled=False)
    (listed,) = own.ask_admin("GetPolicy").overrides
    assert listed.enabled is False and not listed.HasField("shadow")
    assert outcomes(own.hit("window", "alice")) == {"window": "BYPASSED"}
    assert "window" not in outcomes(own.should_limit("/", identifier="alice"))

    own.set_override("window", 60, cost=2, rate="9/day")
    response = own.hit("window", "alice")
    assert only(response).cost == 2 and only(response).stat.hits_remaining == 4
    assert only(own.hit("window", "alice", cost=1)).cost == 1

    # 0 ends it.
    own.set_override("window", 0)
    assert not own.ask_admin("GetPolicy").overrides
    assert not own.hit("window", "alice").allowed


def test_an_override_can_switch_on_what_is_off(own):
    assert "off" not in outcomes(own.should_limit("/", identifier="alice"))
    own.set_override("off", 60, enabled=True, rate="1/day")
    assert own.hit("off", "alice").allowed
    denied = own.should_limit("/", identifier="alice")
    assert denied.should_limit and denied.limited_by == "off"


def test_an_override_survives_a_reload(own_sluiced, own):
    own.set_override("window", 60, rate="10/day")
    own_sluiced.write(POLICY.replace("rate: 3/day", "rate: 4/day", 1))
    assert not own.ask_admin("ReloadPolicy").errors
    assert left(own, "window", "alice") == 10
    (listed,) = own.ask_admin("GetPolicy").overrides
    assert (listed.throttle, listed.rate) == ("window", "10/d")
    own.set_override("window", 0)
    assert left(own, "window", "alice") == 4


def test_an_override_of_all(own):
    """A throttle's own wins over it."""
    own.set_override("*", 60, shadow=True)
    own.set_override("window", 60, shadow=False)
    own.hit(["window", "ruled", "named"], "alice", costs={"window": 3, "ruled": 3, "named": 2})
    response = own.hit(["ruled", "named"], "alice")
    assert response.allowed
    assert outcomes(response) == {"ruled": "SHADOW_DENIED", "named": "SHADOW_DENIED"}
    assert not own.hit("window", "alice").allowed
    listed = {each.throttle: each.shadow for each in own.ask_admin("GetPolicy").overrides}
    assert listed == {"*": True, "window": False}
    own.set_override("*", 0)
    assert not own.hit("named", "alice").allowed


@pytest.mark.parametrize(
    "throttle, changes, seconds, code, field",
    [
        ("no-such", {"shadow": True}, 60, grpc.StatusCode.NOT_FOUND, None),
        ("", {"shadow": True}, 60, grpc.StatusCode.INVALID_ARGUMENT, "override.throttle"),
        ("window", {"rate": "fast"}, 60, grpc.StatusCode.INVALID_ARGUMENT, "override.rate"),
        ("window", {"cost": 2**52 + 1}, 60, grpc.StatusCode.INVALID_ARGUMENT, "override.cost"),
        ("window", {}, 60, grpc.StatusCode.INVALID_ARGUMENT, "override"),
        ("window", {"shadow": True}, -1, grpc.StatusCode.INVALID_ARGUMENT, "duration"),
        ("window", {"shadow": True}, 367 * 86400, grpc.StatusCode.INVALID_ARGUMENT, "duration"),
    ],
)
def test_overrides_that_are_refused(admin, throttle, changes, seconds, code, field):
    with raises(code) as caught:
        admin.set_override(throttle, seconds, **changes)
    if field is None:
        info = detail_of(caught.value, error_details_pb2.ErrorInfo)
        assert info.reason == "THROTTLE_NOT_FOUND"
    else:
        assert violated_field(caught.value)[0] == field
    assert not admin.ask_admin("GetPolicy").overrides


# Forgetting.


def fill(client):
    """Two throttles, three callers each, of the default tenant; one of acme."""
    for identifier in ("alice", "bob", "carol"):
        client.hit(["window", "named"], identifier)
    client.hit(["window", "named"], "alice", tenant="acme")


def all_left(client):
    return [
        [left(client, throttle, who, tenant=tenant) for who, tenant in callers]
        for callers in [[("alice", ""), ("bob", ""), ("carol", ""), ("alice", "acme")]]
        for throttle in ("window", "named")
    ]


@pytest.mark.parametrize(
    "scope, forgotten, window, named",
    [
        ({"throttle": "window"}, 4, [3, 3, 3, 3], [1, 1, 1, 1]),
        ({"tenant": "acme"}, 2, [2, 2, 2, 3], [1, 1, 1, 2]),
        ({"throttle": "named", "tenant": "acme"}, 1, [2, 2, 2, 2], [1, 1, 1, 2]),
        ({"throttle": "no-such"}, 0, [2, 2, 2, 2], [1, 1, 1, 1]),
    ],
)
def test_reset_all(own, scope, forgotten, window, named):
    fill(own)
    assert own.ask_admin("ResetAll", **scope).keys_reset == forgotten
    assert all_left(own) == [window, named]
    assert own.ask_admin("ResetAll", **scope).keys_reset == 0


def test_reset_all_of_everything_is_refused(own):
    fill(own)
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        own.ask_admin("ResetAll")
    assert violated_field(caught.value)[0] == "throttle"
    assert all_left(own) == [[2, 2, 2, 2], [1, 1, 1, 1]]


# What is not built yet, and where Admin is not.


def test_what_is_not_built_yet(admin):
    with raises(grpc.StatusCode.UNIMPLEMENTED) as caught:
        admin.ask_admin("TopKeys", n=10)
    assert "TopKeys" in caught.value.details()


def test_a_backend_in_memory_has_no_breaker(admin):
    with raises(grpc.StatusCode.FAILED_PRECONDITION) as caught:
        admin.ask_admin("SetBreaker", backend="local")
    assert "'local' is in memory, and has no breaker" in caught.value.details()
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        admin.ask_admin("SetBreaker", backend="locla")
    assert "did you mean 'local'?" in caught.value.details()
