"""deploy/examples: each loads without a word, and does what its comments say."""

import json
import math
import os
import re
import shutil
import subprocess

import grpc
import pytest

from api import costs, headers_of, only, outcomes, raises
from harness import EXAMPLES, ROOT, SLUICECTL, example, sluicectl

TOKEN = "open-sesame"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
CLASSIC = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}


@pytest.fixture
def serve(tmp_path, start_sluiced, connect, monkeypatch):
    """Starts a sluiced on an example: serve(name) -> (Sluiced, Client)."""

    def start(name):
        monkeypatch.setenv("ADMIN_TOKEN", TOKEN)
        shutil.copytree(EXAMPLES / "secrets", tmp_path / "secrets")
        sluiced = start_sluiced(example(name))
        return sluiced, connect(sluiced)

    return start


def classic(response):
    """(limit, remaining, reset) of the classic headers, as numbers."""
    headers = headers_of(response)
    return tuple(int(headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid_and_gives_no_warning(name, monkeypatch):
    monkeypatch.setenv("ADMIN_TOKEN", TOKEN)
    checked = sluicectl("validate", EXAMPLES / f"{name}.yaml")
    assert checked.returncode == 0, checked.stdout
    assert re.fullmatch(rf"\S+{name}\.yaml: ok, [1-9]\d* throttles, 0 domains\n", checked.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_what_to_try_and_leaves_the_ports_as_they_are(name):
    text = example(name)
    assert text.startswith("# ")
    assert len(re.findall(r"^#   sluicectl ", text, re.MULTILINE)) >= 2
    assert not re.search(r"^server:", text, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_what_an_example_says_to_try_can_be_tried(name, serve):
    """The commands of its comments are understood, and name throttles that there are."""
    sluiced, _ = serve(name)
    text = re.sub(r" \\\n# +", " ", example(name))
    commands = re.findall(r"^#   sluicectl ((?:hit|stat) .*?)(?:  .*)?$", text, re.MULTILINE)
    for command in commands:
        ran = sluicectl(*command.split(), "--addr", sluiced.grpc_address)
        assert ran.returncode == 0, (command, ran.stdout, ran.stderr)


def test_costs_by_method(serve):
    _, client = serve("costs-by-method")

    def cost(method, **fields):
        return only(client.hit("api:budget", "alice", context={"method": method}, **fields)).cost

    first = client.hit("api:budget", "alice", context={"method": "GET"})
    assert first.allowed and costs(first) == {"api:budget": 1}
    stat = only(first).stat
    assert (stat.hits_remaining, stat.rate.text, stat.strategy) == (99, "100/h", "token_bucket")
    assert stat.key.startswith("{costs::alice}:api%3Abudget:")
    assert classic(first) == (100, 99, 36)

    assert cost("POST") == 5
    assert cost("DELETE") == 10
    assert cost("PATCH") == 2
    assert cost("POST", cost=3) == 3
    assert only(client.stat("api:budget", "alice")).stat.hits_remaining == 100 - 21
    head = client.hit("api:budget", "alice", context={"method": "HEAD"})
    assert outcomes(head) == {"api:budget": "NO_COST"}
    assert not only(head).HasField("stat") and not headers_of(head)

    gateway = client.should_limit("/orders", "POST", identifier="alice")
    assert not gateway.should_limit and gateway.http_status == 200
    assert costs(gateway) == {"api:budget": 5}
    assert only(gateway).stat.hits_remaining == 74
    assert classic(gateway)[:2] == (100, 74)

    client.hit("api:budget", "alice", cost=70)
    denied = client.should_limit("/orders/7", "DELETE", identifier="alice")
    assert denied.should_limit and denied.http_status == 429
    assert denied.limited_by == "api:budget"
    assert costs(denied) == {"api:budget": 0}
    assert only(denied).stat.hits_remaining == 4
    # Six tokens are missing, and one comes each 36 s.
    assert denied.wait_ms == pytest.approx(6 * 36_000, abs=5000)
    assert headers_of(denied)["Retry-After"] == str(math.ceil(denied.wait_ms / 1000))
    assert client.should_limit("/orders", "GET", identifier="alice").http_status == 200


def test_burst_and_sustained(serve):
    _, client = serve("burst-and-sustained")
    both = ["api:burst", "api:sustained"]

    def left(identifier):
        response = client.stat(both, identifier)
        return [result.stat.hits_remaining for result in response.results]

    for taken in range(1, 21):
        response = client.hit(both, "alice")
        assert response.allowed and costs(response) == dict.fromkeys(both, 1)
        assert [result.stat.hits_remaining for result in response.results] == [
            20 - taken,
            500 - taken,
        ]
    denied = client.hit(both, "alice")
    assert not denied.allowed and denied.limited_by == "api:burst"
    assert outcomes(denied) == {"api:burst": "DENIED", "api:sustained": "ALLOWED"}
    assert costs(denied) == dict.fromkeys(both, 0)
    assert denied.wait_ms == pytest.approx(60_000, abs=5000)
    headers = headers_of(denied)
    assert headers["RateLimit-Policy"] == '"api:burst";q=60;w=3600, "api:sustained";q=500;w=86400'
    assert re.fullmatch(r'"api:burst";r=0;t=\d+, "api:sustained";r=480;t=\d+', headers["RateLimit"])
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("60", "0")
    assert headers["Retry-After"] == str(math.ceil(denied.wait_ms / 1000))
    assert left("alice") == [0, 480]

    # And the other way round.
    client.hit("api:sustained", "bob", cost=500)
    spent = client.should_limit("/", identifier="bob")
    assert spent.should_limit and spent.limited_by == "api:sustained"
    assert outcomes(spent) == {"api:burst": "ALLOWED", "api:sustained": "DENIED"}
    assert headers_of(spent)["X-RateLimit-Limit"] == "500"
    assert left("bob") == [20, 0]


def test_admin_token(serve):
    sluiced, client = serve("admin-token")

    def gateway(**headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.should_limit("/", identifier="alice", headers=sent)

    for remaining in (4, 3, 2, 1, 0):
        response = gateway(x_admin_token="open-says-me", x_deploy_token="")
        assert not response.should_limit and only(response).stat.hits_remaining == remaining
    denied = gateway()
    assert denied.should_limit and denied.http_status == 429
    assert classic(denied)[:2] == (60, 0)
    assert int(headers_of(denied)["Retry-After"]) == pytest.approx(60, abs=5)

    deploy_token = (EXAMPLES / "secrets" / "deploy-token").read_text().rstrip("\n")
    for response in (
        gateway(x_admin_token=TOKEN),
        gateway(x_deploy_token=deploy_token),
        client.hit("api:calls", "alice", context={"header.x-admin-token": TOKEN}),
    ):
        assert outcomes(response) == {"api:calls": "EXEMPT"}
        assert costs(response) == {"api:calls": 0}
        assert not only(response).HasField("stat") and not headers_of(response)
    assert gateway(x_admin_token=TOKEN).http_status == 200
    # One token is not the other, and nothing is not one either.
    for response in (gateway(x_deploy_token=TOKEN), gateway(x_admin_token=deploy_token), gateway()):
        assert response.should_limit and response.limited_by == "api:calls"

    shown = client.ask_admin("GetPolicy").yaml
    assert TOKEN not in shown and deploy_token not in shown
    assert TOKEN not in sluiced.log() and deploy_token not in sluiced.log()


def test_the_admin_token_has_to_be_set():
    """A token that is nobody's must not become one that everybody knows."""
    environment = {name: value for name, value in os.environ.items() if name != "ADMIN_TOKEN"}
    refused = subprocess.run(
        [SLUICECTL, "validate", "deploy/examples/admin-token.yaml"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert refused.returncode == 1
    line = 1 + example("admin-token").splitlines().index(
        '      - {header.x-admin-token: {equals: "${ADMIN_TOKEN}"}}'
    )
    (error,) = refused.stdout.splitlines()
    assert error.startswith(f"deploy/examples/admin-token.yaml:{line}:")
    assert "ADMIN_TOKEN" in error


def test_tiers(serve):
    _, client = serve("tiers")

    def ask(identifier, tier="", **fields):
        context = {"tier": tier} if tier else {}
        return client.hit("api:calls", identifier, context=context, **fields)

    everybody = only(ask("alice")).stat
    assert (everybody.rate.text, everybody.hits_remaining) == ("60/h", 59)
    premium = ask("bob", "premium")
    assert only(premium).stat.rate.text == "1000/h"
    assert classic(premium)[:2] == (1000, 999)
    # Another plan is another limit on the same use.
    assert only(client.stat("api:calls", "bob", context={"tier": "no such"})).stat.rate.limit == 60

    enterprise = ask("carol", "enterprise", cost=1_000_000)
    assert outcomes(enterprise) == {"api:calls": "UNLIMITED"}
    assert costs(enterprise) == {"api:calls": 0}
    assert only(enterprise).stat.hits_remaining == math.inf
    assert not headers_of(enterprise)

    acme = ask("dora", tenant="acme")
    assert (only(acme).stat.rate.text, only(acme).stat.hits_remaining) == ("1000/h", 999)
    assert only(acme).stat.key.startswith("{acme:acme:dora}:")
    # What the request says wins over what the tenant says.
    assert outcomes(ask("dora", "enterprise", tenant="acme")) == {"api:calls": "UNLIMITED"}

    gateway = client.should_limit("/", identifier="emil", tenant="acme", cost=1001)
    assert gateway.should_limit and gateway.limited_by == "api:calls"
    assert gateway.wait_ms == math.inf and "Retry-After" not in headers_of(gateway)
    with raises(grpc.StatusCode.NOT_FOUND):
        ask("emil", tenant="initech")


def test_internal_networks(serve):
    _, client = serve("internal-networks")

    def gateway(peer, forwarded=None):
        headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
        return client.should_limit("/", remote_address=peer, headers=headers)

    def remaining(peer, forwarded=None):
        return only(gateway(peer, forwarded)).stat.hits_remaining

    # The same client, however it comes here; and a port is no part of it.
    assert remaining("203.0.113.7") == 4
    assert remaining("10.0.0.1", "203.0.113.7") == 3
    assert remaining("10.0.0.1", "198.51.100.9, 203.0.113.7, 10.2.0.2") == 2
    assert remaining("203.0.113.7:50123") == 1
    assert remaining("203.0.113.7", "198.51.100.9") == 0
    denied = gateway("10.0.0.1", "203.0.113.7")
    assert denied.should_limit and denied.http_status == 429 and denied.limited_by == "web:pages"
    assert only(denied).stat.key.startswith("{networks::203.0.113.7}:web%3Apages:")
    assert int(headers_of(denied)["Retry-After"]) == pytest.approx(60, abs=5)

    # One /64 is one client.
    assert remaining("2001:db8:7:7::1") == 4
    assert remaining("2001:db8:7:7:ffff::2") == 3
    assert remaining("2001:db8:7:8::1") == 4

    for response in (
        gateway("198.51.100.9"),
        gateway("::ffff:198.51.100.9"),
        gateway("2001:db8:100:7::1"),
        gateway("10.0.0.1", "198.51.100.9"),
        client.hit("web:pages", "", context={"remote_address": "198.51.100.9"}),
    ):
        assert outcomes(response) == {"web:pages": "EXEMPT"}
    for response in (gateway("198.51.101.9"), gateway("10.0.0.1"), gateway("10.0.0.1", "junk")):
        assert outcomes(response) == {"web:pages": "ALLOWED"}

    context = {"remote_address": "10.0.0.1", "header.x-forwarded-for": "203.0.113.7"}
    assert not client.hit("web:pages", "", context=context).allowed


def test_tenant_backends(serve):
    sluiced, client = serve("tenant-backends")

    def keys():
        names = ("acme", "globex", "others")
        return [sluiced.metric("sluice_keys", backend=name) for name in names]

    def remaining(identifier, tenant):
        return only(client.hit("api:calls", identifier, tenant=tenant)).stat.hits_remaining

    assert keys() == [0, 0, 0]
    assert [remaining("alice", "acme"), remaining("alice", "acme")] == [9, 8]
    assert keys() == [1, 0, 0]
    assert remaining("alice", "globex") == 9
    assert [remaining("alice", "initech"), remaining("alice", "hooli")] == [9, 9]
    assert keys() == [1, 1, 2]

    gateway = client.should_limit("/", identifier="alice", headers={"x-tenant": "acme"})
    assert only(gateway).stat.hits_remaining == 7
    assert only(gateway).stat.key.startswith("{acme:acme:alice}:api%3Acalls:")
    # The field wins over the header.
    named = client.should_limit(
        "/", identifier="alice", tenant="globex", headers={"x-tenant": "acme"}
    )
    assert only(named).stat.hits_remaining == 8
    assert only(named).stat.key.startswith("{globex:globex:alice}:")
    nobody = client.should_limit("/", identifier="alice")
    assert only(nobody).stat.hits_remaining == 9
    assert only(nobody).stat.key.startswith("{customers::alice}:")
    assert keys() == [1, 1, 3]

    (throttle,) = client.ask_admin("ListThrottles").throttles
    assert throttle.tenant_backends == {
        "": "others",
        "acme": "acme",
        "globex": "globex",
        "*": "others",
    }


def test_observe_only(serve):
    sluiced, client = serve("observe-only")
    every = ["usage:requests", "usage:bytes", "trial:logins"]
    for taken in range(1, 6):
        response = client.hit(every, "alice", context={"bytes": "2048"})
        assert response.allowed and not headers_of(response)
        assert costs(response) == {
            "usage:requests": 1,
            "usage:bytes": 2048,
            "trial:logins": 1 if taken <= 3 else 0,
        }
        assert outcomes(response)["trial:logins"] == ("ALLOWED" if taken <= 3 else "SHADOW_DENIED")
    used = client.stat(every, "alice", cost=1)
    assert [result.stat.fixed_window.current_count for result in used.results] == [5, 10240, 3]
    assert used.results[0].stat.hits_remaining == 1_000_000_000 - 5

    def decisions(outcome):
        return sluiced.metric("sluice_decisions_total", throttle="trial:logins", outcome=outcome)

    assert (decisions("allowed"), decisions("shadow_denied"), decisions("denied")) == (3, 2, 0)

    gateway = client.should_limit("/", identifier="alice")
    assert not gateway.should_limit and gateway.http_status == 200 and not gateway.headers
    assert outcomes(gateway) == {
        "usage:requests": "ALLOWED",
        "usage:bytes": "NO_COST",
        "trial:logins": "SHADOW_DENIED",
    }


def test_paths(serve):
    _, client = serve("paths")

    def gateway(path, method="GET"):
        return client.should_limit(path, method, identifier="alice")

    health = gateway("/health/db?verbose=1")
    assert health.http_status == 200 and not health.results and not health.headers
    assert outcomes(gateway("/health", "POST")) == {"site:all": "ALLOWED"}
    assert outcomes(gateway("/healthz")) == {"site:all": "ALLOWED"}
    page = gateway("/index.html")
    assert outcomes(page) == {"site:all": "ALLOWED"}
    assert classic(page)[:2] == (100, 97)

    for path, remaining in (("/api", 2), ("//api/orders", 1), ("/health/../%61pi", 0)):
        response = gateway(path)
        assert outcomes(response) == {"site:all": "ALLOWED", "api:calls": "ALLOWED"}
        assert classic(response)[:2] == (3, remaining)
    denied = gateway("/api/orders")
    assert denied.should_limit and denied.http_status == 429
    assert denied.limited_by == "api:calls"
    assert denied.content_type == "application/json"
    wait = math.ceil(denied.wait_ms / 1000)
    assert json.loads(denied.body) == {"error": "api:calls is used up", "retry_after": wait}
    assert headers_of(denied)["Retry-After"] == str(wait)
    assert set(headers_of(denied)) == CLASSIC | {"Retry-After"}
    # The denied request cost nothing.
    assert only(client.stat("site:all", "alice")).stat.hits_remaining == 94

    # Who names a throttle and says nothing of a path is limited.
    assert not client.hit("api:calls", "alice").allowed
    named = client.hit("site:all", "alice", context={"path": "/health", "method": "GET"})
    assert outcomes(named) == {"site:all": "BYPASSED"}


def test_cost_by_size(serve):
    _, client = serve("cost-by-size")

    def cost(**context):
        return only(client.hit("upload:kib", "alice", context=context)).cost

    first = client.hit("upload:kib", "alice", context={"content_length": "10000"})
    assert costs(first) == {"upload:kib": 10}
    assert only(first).stat.hits_remaining == 1014
    assert classic(first)[:2] == (1024, 1014)
    assert cost(content_length="1024") == 1
    assert cost(content_length="1025") == 2
    assert cost(content_length="0") == 1
    assert cost() == 64
    assert cost(content_length="huge") == 64
    assert cost(content_length="-5000") == 1

    def upload(length, **fields):
        return client.should_limit(
            "/up", "POST", identifier="alice", headers={"content-length": length}, **fields
        )

    assert costs(upload("4096")) == {"upload:kib": 4}
    assert costs(upload("4096", cost=7)) == {"upload:kib": 7}
    large = upload(str(2 << 20))
    assert large.should_limit and large.wait_ms == math.inf
    assert "Retry-After" not in headers_of(large)
    assert only(client.stat("upload:kib", "alice")).stat.hits_remaining == 1024 - 154
