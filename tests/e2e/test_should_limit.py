"""ShouldLimit: what a gateway is told about a request, and what it costs."""

import math

import grpc
import pytest

from api import costs, headers_of, limiter_pb2, only, outcomes, raises, violated_field

# Two tokens, and one more each hour.
BUCKET = "rate: 24/day, strategy: {type: token_bucket, burst_size: 2}"
CLASSIC = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
IETF = {"RateLimit-Policy", "RateLimit"}


def policy_of(*throttles):
    return "throttles:\n" + "".join(f"  - {{{throttle}}}\n" for throttle in throttles)


@pytest.fixture
def gateway(start_sluiced, connect):
    """A client of a sluiced with these throttles: gateway("uid: a, rate: 1/day", ...)."""
    return lambda *throttles: connect(start_sluiced(policy_of(*throttles)))


def seconds(text):
    assert text.isdigit(), text
    return int(text)


def used(client, throttle, identifier):
    return only(client.stat(throttle, identifier)).stat.fixed_window.current_count


# The decision.


def test_all_that_applies_is_asked_in_the_configurations_order(gateway):
    client = gateway(
        "uid: wide, rate: 9/day", f"uid: narrow, {BUCKET}", "uid: free, rate: unlimited"
    )
    response = client.should_limit("/", identifier="alice")
    assert not response.should_limit and not response.limited_by
    assert response.http_status == 200 and response.wait_ms == 0
    assert response.config_generation == 1
    assert not response.body and not response.content_type
    assert outcomes(response) == {"wide": "ALLOWED", "narrow": "ALLOWED", "free": "UNLIMITED"}
    assert list(outcomes(response)) == ["wide", "narrow", "free"]
    assert costs(response) == {"wide": 1, "narrow": 1, "free": 0}
    assert [result.stat.hits_remaining for result in response.results] == [8, 1, math.inf]

    client.should_limit("/", identifier="alice")
    denied = client.should_limit("/", identifier="alice")
    assert denied.should_limit and denied.http_status == 429
    assert denied.limited_by == "narrow"
    assert denied.wait_ms == pytest.approx(3_600_000, abs=5000)
    assert outcomes(denied) == {"wide": "ALLOWED", "narrow": "DENIED", "free": "UNLIMITED"}
    assert costs(denied) == {"wide": 0, "narrow": 0, "free": 0}
    assert used(client, "wide", "alice") == 2


def test_costs_of_the_request(gateway):
    client = gateway("uid: a, rate: 9/day, cost: 2", "uid: b, rate: 9/day")
    ask = client.should_limit
    assert costs(ask("/", identifier="alice")) == {"a": 2, "b": 1}
    assert costs(ask("/", identifier="alice", cost=3)) == {"a": 3, "b": 3}
    assert costs(ask("/", identifier="alice", cost=1, costs={"b": 4})) == {"a": 1, "b": 4}
    assert (used(client, "a", "alice"), used(client, "b", "alice")) == (6, 8)
    nothing = ask("/", identifier="alice", cost=0)
    assert outcomes(nothing) == {"a": "NO_COST", "b": "NO_COST"}
    # A gateway need not know which throttles apply.
    assert costs(ask("/", identifier="alice", costs={"elsewhere": 7})) == {"a": 2, "b": 1}


def test_a_dry_run_charges_nothing(start_sluiced, connect):
    sluiced = start_sluiced("throttles: [{uid: a, rate: 3/day, response: {body: no}}]\n")
    client = connect(sluiced)
    for _ in range(5):
        looked = client.should_limit("/", identifier="alice", dry_run=True)
        assert not looked.should_limit and looked.http_status == 200
        assert outcomes(looked) == {"a": "ALLOWED"} and costs(looked) == {"a": 0}
        assert only(looked).stat.hits_remaining == 3
        assert headers_of(looked)["X-RateLimit-Remaining"] == "3"
    over = client.should_limit("/", identifier="alice", dry_run=True, cost=4)
    assert over.should_limit and over.http_status == 429 and over.limited_by == "a"
    assert over.body == b"no" and over.wait_ms == math.inf
    assert used(client, "a", "alice") == 0
    assert sluiced.metric("sluice_decisions_total", throttle="a") == 0
    assert client.should_limit("/", identifier="alice").http_status == 200
    assert used(client, "a", "alice") == 1
    assert sluiced.metric("sluice_decisions_total", throttle="a", outcome="allowed") == 1


@pytest.mark.parametrize(
    "detail, has_results, has_headers",
    [
        (limiter_pb2.DETAIL_UNSPECIFIED, True, True),
        (limiter_pb2.DETAIL_DECISION, False, False),
        (limiter_pb2.DETAIL_STAT, True, False),
        (limiter_pb2.DETAIL_FULL, True, True),
    ],
)
def test_detail_says_how_much_comes_back(gateway, detail, has_results, has_headers):
    client = gateway(f"uid: a, {BUCKET}, response: {{body: wait, headers: {{X-Why: limit}}}}")
    client.should_limit("/", identifier="alice", cost=2)
    denied = client.should_limit("/", identifier="alice", detail=detail)
    assert denied.should_limit and denied.http_status == 429 and denied.limited_by == "a"
    assert denied.wait_ms == pytest.approx(3_600_000, abs=5000)
    # What to send is no detail.
    assert denied.body == b"wait" and denied.content_type == "text/plain; charset=utf-8"
    assert bool(denied.results) == has_results
    assert bool(denied.headers) == has_headers
    assert headers_of(denied).get("X-Why") == ("limit" if has_headers else None)


def test_a_throttle_that_is_not_for_gateways_or_is_switched_off(gateway):
    client = gateway(
        "uid: shown, rate: 9/day",
        "uid: named, rate: 1/day, gateway: false",
        "uid: off, rate: 0/day, enabled: false",
    )
    for _ in range(3):
        response = client.should_limit("/", identifier="alice")
        assert not response.should_limit and outcomes(response) == {"shown": "ALLOWED"}
    assert used(client, "named", "alice") == 0
    assert client.hit("named", "alice").allowed
    assert not client.hit("named", "alice").allowed
    off = client.hit("off", "alice")
    assert off.allowed and outcomes(off) == {"off": "BYPASSED"} and not only(off).HasField("stat")


def test_a_shadow_never_denies_nor_drains_an_enforced_one(start_sluiced, connect):
    sluiced = start_sluiced(
        "throttles:\n  - {uid: shadow, rate: 1/day, shadow: true}\n  - {uid: real, rate: 4/day}\n"
    )
    client = connect(sluiced)
    for taken in range(1, 5):
        response = client.should_limit("/", identifier="alice")
        assert not response.should_limit and response.http_status == 200
        assert outcomes(response) == {
            "shadow": "ALLOWED" if taken == 1 else "SHADOW_DENIED",
            "real": "ALLOWED",
        }
        assert costs(response) == {"shadow": 1 if taken == 1 else 0, "real": 1}
        # Headers never speak of a shadow.
        assert headers_of(response)["X-RateLimit-Limit"] == "4"
        assert headers_of(response)["X-RateLimit-Remaining"] == str(4 - taken)
    denied = client.should_limit("/", identifier="alice")
    assert denied.should_limit and denied.limited_by == "real"
    assert outcomes(denied) == {"shadow": "SHADOW_DENIED", "real": "DENIED"}
    assert (used(client, "shadow", "alice"), used(client, "real", "alice")) == (1, 4)

    # And an enforced denial does not drain the shadow.
    client.hit("real", "bob", cost=4)
    assert client.should_limit("/", identifier="bob").should_limit
    assert used(client, "shadow", "bob") == 0

    def decisions(throttle):
        return {
            outcome: sluiced.metric("sluice_decisions_total", throttle=throttle, outcome=outcome)
            for outcome in ("allowed", "denied", "shadow_denied")
        }

    assert decisions("shadow") == {"allowed": 2, "denied": 0, "shadow_denied": 4}
    assert decisions("real") == {"allowed": 5, "denied": 2, "shadow_denied": 0}


# Which throttles.

RULED = (
    "uid: site, rate: 99/day, rules: [bypass: {path: /health, methods: [GET]}]",
    'uid: api, rate: 99/day, rules: [apply: {path: "/api/**"}]',
    "uid: writes, rate: 99/day, rules: [apply: {methods: [POST, PUT]}]",
    'uid: beta, rate: 99/day, rules: [apply: {match: {header.x-beta: {in: ["1", "2"]}}}]',
)


@pytest.fixture(scope="module")
def ruled(share):
    return share(policy_of(*RULED))[1]


@pytest.mark.parametrize(
    "method, path, beta, applying",
    [
        ("GET", "/", "0", ["site"]),
        ("GET", "/health", "0", []),
        ("GET", "/health/db?x=/api", "0", []),
        ("get", "/health/", "0", []),
        ("POST", "/health", "0", ["site", "writes"]),
        ("GET", "/healthy", "0", ["site"]),
        ("GET", "/api", "0", ["site", "api"]),
        ("GET", "/api/v1/users?page=2", "2", ["site", "api", "beta"]),
        ("PUT", "/apis", "1", ["site", "writes", "beta"]),
        # Who does not say is limited.
        ("GET", "/api", "", ["site", "api", "beta"]),
    ],
)
def test_rules(ruled, who, method, path, beta, applying):
    response = ruled.should_limit(path, method, identifier=who, headers={"x-beta": beta})
    assert outcomes(response) == dict.fromkeys(applying, "ALLOWED")
    assert response.http_status == 200


@pytest.fixture(scope="module")
def odd(share):
    throttles = (
        "uid: all, rate: 3/day, rules: [bypass: {path: /health}]",
        'uid: api, rate: 1/day, rules: [apply: {path: "/api/**"}]',
    )
    return share(policy_of(*throttles))[1]


@pytest.mark.parametrize(
    "path",
    [
        "//api",
        "//api//x",
        "/%61pi/x",
        "/%61%70%69",
        "/./api/x",
        "/health/../api/x",
        "/health/..;x/api",
        "/health/%2e%2e/api",
        "/health%2f..%2fapi",
        "\\api\\x",
        "http://elsewhere/api/x",
        "api/x",
    ],
)
def test_an_odd_path_does_not_slip_past(odd, who, path):
    assert outcomes(odd.should_limit(path, identifier=who)) == {"all": "ALLOWED", "api": "ALLOWED"}
    # As the plain path is: it is the same counter.
    for again in (path, "/api/x"):
        denied = odd.should_limit(again, identifier=who)
        assert denied.should_limit and denied.limited_by == "api"
    assert not odd.should_limit("/health", identifier=who).results


def test_a_request_without_a_path_or_a_method_is_limited(ruled, who):
    """A rule that speaks of what the request does not say is skipped."""
    response = ruled.should_limit("", "", identifier=who)
    assert outcomes(response) == dict.fromkeys(["site", "api", "writes", "beta"], "ALLOWED")
    # What it does say counts: a method that is not among them withholds.
    said = ruled.should_limit("", "GET", identifier=who)
    assert list(outcomes(said)) == ["site", "api", "beta"]


def test_fields_win_over_the_context(gateway):
    client = gateway(
        'uid: api, rate: 9/day, identifier: "{remote_address}", rules: [apply: {path: /api}]'
    )
    context = {"path": "/health", "method": "PUT", "remote_address": "192.0.2.99"}
    response = client.should_limit("/api", remote_address="192.0.2.1", context=context)
    assert "192.0.2.1}:api:" in only(response).stat.key


def test_nothing_applies(gateway):
    client = gateway("uid: api, rate: 0/day, rules: [apply: {path: /api}]")
    response = client.should_limit("/", identifier="alice")
    assert not response.should_limit and response.http_status == 200
    assert not response.results and not response.headers and response.wait_ms == 0


# Headers.


RETRY = {"Retry-After"}
NAMES = {"X-Quota", "X-Left", "X-Again"}
SERVICE = {"X-Service"}
# What a throttle says of headers: those of allowed answers, and those of denied ones.
POLICIES = {
    "always": (CLASSIC, CLASSIC | RETRY),
    "denied": (set(), CLASSIC | RETRY),
    "never": (set(), set()),
    "{format: classic}": (CLASSIC, CLASSIC | RETRY),
    "{format: ietf}": (IETF, IETF | RETRY),
    "{format: both}": (CLASSIC | IETF, CLASSIC | IETF | RETRY),
    "{when: denied, format: ietf}": (set(), IETF | RETRY),
    "{when: never, extra: {X-Service: api}}": (set(), set()),
    "{names: {limit: X-Quota, remaining: X-Left, reset: X-Again}}": (NAMES, NAMES | RETRY),
    "{extra: {X-Service: api}}": (CLASSIC | SERVICE, CLASSIC | SERVICE | RETRY),
    "{when: denied, extra: {X-Service: api}}": (set(), CLASSIC | SERVICE | RETRY),
}


@pytest.fixture(scope="module")
def headed(share):
    """A throttle for each of these, asked by its own path."""
    throttles = [
        f"uid: h{number}, {BUCKET}, headers: {policy}, rules: [apply: {{path: /h{number}}}]"
        for number, policy in enumerate(POLICIES)
    ]
    return share(policy_of(*throttles))[1]


@pytest.mark.parametrize("policy", POLICIES)
def test_which_headers(headed, who, policy):
    """Hit says the same as ShouldLimit."""
    uid = f"h{list(POLICIES).index(policy)}"
    for expected in POLICIES[policy]:
        asked = headed.should_limit(f"/{uid}", identifier=who)
        assert list(outcomes(asked)) == [uid]
        assert set(headers_of(asked)) == expected
        assert set(headers_of(headed.hit(uid, who))) == expected


def test_what_headers_say(gateway):
    policy = "{format: both, names: {limit: X-Quota}, extra: {X-Service: api}}"
    client = gateway(f"uid: a, {BUCKET}, headers: {policy}")
    assert headers_of(client.should_limit("/", identifier="alice")) == {
        "X-Quota": "24",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": "3600",
        "RateLimit-Policy": '"a";q=24;w=86400',
        "RateLimit": '"a";r=1;t=3600',
        "X-Service": "api",
    }
    client.should_limit("/", identifier="alice")
    denied = client.should_limit("/", identifier="alice")
    headers = headers_of(denied)
    assert headers["X-RateLimit-Remaining"] == "0"
    assert seconds(headers["X-RateLimit-Reset"]) == pytest.approx(7200, abs=5)
    assert headers["RateLimit"] == f'"a";r=0;t={headers["X-RateLimit-Reset"]}'
    assert seconds(headers["Retry-After"]) == math.ceil(denied.wait_ms / 1000)
    assert seconds(headers["Retry-After"]) == pytest.approx(3600, abs=5)


def test_the_reset_in_milliseconds(gateway):
    client = gateway(f"uid: a, {BUCKET}, headers: {{reset_ms: true}}")
    response = client.should_limit("/", identifier="alice")
    assert headers_of(response)["X-RateLimit-Reset"] == "3600000"
    assert only(response).stat.reset_ms == 3_600_000


def test_headers_only_when_little_is_left(gateway):
    client = gateway("uid: a, rate: 10/day, headers: {below: 0.3}")
    for left in range(9, -1, -1):
        headers = headers_of(client.should_limit("/", identifier="alice"))
        assert headers.get("X-RateLimit-Remaining") == (str(left) if left < 3 else None)
    assert "Retry-After" in headers_of(client.should_limit("/", identifier="alice"))


def test_headers_of_several_throttles(gateway):
    """The classic ones speak of the tightest, the newer ones of all that speak."""
    client = gateway(
        "uid: wide, rate: 500/day, headers: {format: both, extra: {X-From: wide}}",
        f"uid: tight, {BUCKET}, headers: {{format: both, extra: {{X-From: tight}}}}",
        "uid: mute, rate: 1/day, headers: never",
        "uid: shadow, rate: 1/day, shadow: true",
    )
    headers = headers_of(client.should_limit("/", identifier="alice"))
    assert headers["X-RateLimit-Limit"] == "24" and headers["X-RateLimit-Remaining"] == "1"
    assert headers["RateLimit-Policy"] == '"wide";q=500;w=86400, "tight";q=24;w=86400'
    assert headers["RateLimit"].startswith('"wide";r=499;t=')
    assert headers["RateLimit"].endswith(', "tight";r=1;t=3600')
    assert headers["X-From"] == "wide"
    # Denied by one of which headers never speak.
    mute = client.should_limit("/", identifier="alice")
    assert mute.limited_by == "mute" and "Retry-After" not in headers_of(mute)


# What to answer.


def test_the_answer_that_a_throttle_asks_for(gateway):
    answer = """{
        status: 503,
        content_type: application/problem+json,
        body: '{"title": "{throttle}", "in": {retry_after}}',
        headers: {X-Throttle: "{throttle}", X-Again: "{retry_after}", X-Plain: yes it is},
      }"""
    client = gateway(f'uid: "a:b", {BUCKET}, response: {answer}')
    allowed = client.should_limit("/", identifier="alice", cost=2)
    assert allowed.http_status == 200 and not allowed.body and not allowed.content_type
    assert "X-Plain" not in headers_of(allowed)

    denied = client.should_limit("/", identifier="alice")
    assert denied.http_status == 503
    assert denied.content_type == "application/problem+json"
    wait = math.ceil(denied.wait_ms / 1000)
    assert wait == pytest.approx(3600, abs=5)
    assert denied.body.decode() == f'{{"title": "a:b", "in": {wait}}}'
    headers = headers_of(denied)
    assert headers["X-Throttle"] == "a:b" and headers["X-Plain"] == "yes it is"
    assert headers["X-Again"] == headers["Retry-After"] == str(wait)
    # They are a gateway's: a service that names the throttle makes its own answer.
    assert "X-Plain" not in headers_of(client.hit("a:b", "alice"))


def test_the_answer_is_that_of_the_first_that_denies(gateway):
    client = gateway(
        "uid: first, rate: 1/day, response: {status: 420, body: one}",
        "uid: second, rate: 1/day, response: {status: 503, body: two}",
    )
    client.hit("second", "alice")
    alone = client.should_limit("/", identifier="alice")
    assert (alone.limited_by, alone.http_status, alone.body) == ("second", 503, b"two")
    client.hit("first", "alice")
    both = client.should_limit("/", identifier="alice")
    assert (both.limited_by, both.http_status, both.body) == ("first", 420, b"one")


def test_the_least_wait_is_told_everywhere(gateway):
    client = gateway(
        "uid: a, rate: 4/s, strategy: gcra, min_wait: 90s, response: {body: 'in {retry_after} s'}"
    )
    # One each 250 ms: of some in a row, one is denied.
    answers = (client.should_limit("/", identifier="alice") for _ in range(50))
    denied = next(answer for answer in answers if answer.should_limit)
    assert denied.limited_by == "a"
    assert denied.wait_ms == 90_000
    assert only(denied).stat.wait_ms == 90_000
    assert headers_of(denied)["Retry-After"] == "90"
    assert denied.body == b"in 90 s"
    # A wait without end stays as it is.
    assert client.hit("a", "alice", cost=1000).wait_ms == math.inf


# What is refused.


@pytest.mark.parametrize(
    "field, fields",
    [
        ("identifier", {"identifier": "i" * 1025}),
        ("tenant", {"tenant": "t" * 257}),
        ("method", {"method": "M" * 65}),
        ("path", {"path": "/" * 8193}),
        ("remote_address", {"remote_address": "1" * 257}),
        ("cost", {"cost": 2**52 + 1}),
        ("costs", {"costs": {"window": 2**52 + 1}}),
        ("headers", {"headers": {f"x-{i}": "v" for i in range(257)}}),
        ("context", {"context": {"k": "v" * 1024}}),
    ],
)
def test_what_is_too_large_is_refused_by_name(client, field, fields):
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        client.should_limit(**fields)
    assert violated_field(caught.value)[0] == field
