"""Who the tenant is: the request says so, or the configuration's template, or nobody."""

import grpc
import pytest
from google.rpc import error_details_pb2

from api import detail_of, only, raises

POLICY = """\
namespace: own
backends: {small: {type: memory}, large: {type: memory}}
default_backend: small
tenant: "{header.x-tenant|tenant}"
tenants:
  acme: {namespace: acme, backend: large}
  globex: {default_context: {region: moon}}
%s
throttles:
  - {uid: calls, rate: 3/day}
  - {uid: by-region, rate: 3/day, key_by: [region]}
"""
OTHERS = '  "*": {namespace: others}'


@pytest.fixture(scope="module")
def client(share):
    """Of a sluiced that refuses tenants without a row."""
    return share(POLICY % "")[1]


def key_of(response):
    """Namespace, tenant and identifier of the counter's key."""
    return only(response).stat.key.partition("}")[0].removeprefix("{").split(":")


def test_the_request_says(client, who):
    assert key_of(client.hit("calls", who)) == ["own", "", who]
    assert key_of(client.hit("calls", who, tenant="acme")) == ["acme", "acme", who]
    assert key_of(client.hit("calls", who, tenant="globex")) == ["own", "globex", who]
    for tenant in ("", "acme", "globex"):
        assert only(client.stat("calls", who, tenant=tenant)).stat.hits_remaining == 2


def test_the_template_says_when_the_request_does_not(client, who):
    """A header first, then a key of the context; for every method."""
    header = {"header.x-tenant": "acme"}
    assert key_of(client.hit("calls", who, context=header)) == ["acme", "acme", who]
    assert key_of(client.check("calls", who, context={"tenant": "acme"})) == ["acme", "acme", who]
    both = {"header.x-tenant": "globex", "tenant": "acme"}
    assert key_of(client.stat("calls", who, context=both)) == ["own", "globex", who]
    gateway = client.should_limit("/", identifier=who, headers={"x-tenant": "acme"})
    calls, by_region = gateway.results
    assert calls.stat.key.startswith(f"{{acme:acme:{who}}}:calls:")
    assert (calls.stat.hits_remaining, by_region.stat.hits_remaining) == (1, 2)


def test_the_request_wins_over_the_template(client, who):
    response = client.hit("calls", who, tenant="globex", context={"header.x-tenant": "acme"})
    assert key_of(response) == ["own", "globex", who]


def test_the_tenants_context(client, who):
    client.hit("by-region", who, tenant="globex")
    moon = client.stat("by-region", who, tenant="globex", context={"region": "moon"})
    assert only(moon).stat.hits_remaining == 2
    earth = client.stat("by-region", who, tenant="globex", context={"region": "earth"})
    assert only(earth).stat.hits_remaining == 3


@pytest.mark.parametrize("fields", [{"tenant": "initech"}, {"context": {"tenant": "initech"}}])
@pytest.mark.parametrize("ask", ["hit", "check", "stat"])
def test_an_unknown_tenant_is_refused(client, who, ask, fields):
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        getattr(client, ask)("calls", who, **fields)
    info = detail_of(caught.value, error_details_pb2.ErrorInfo)
    assert info.reason == "TENANT_NOT_FOUND"
    assert info.metadata == {"tenant": "initech"}


def test_a_gateways_unknown_tenant_is_refused(client, who):
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        client.should_limit("/", identifier=who, headers={"x-tenant": "initech"})
    assert detail_of(caught.value, error_details_pb2.ErrorInfo).reason == "TENANT_NOT_FOUND"


def test_nobody_is_called_star(client, who):
    with raises(grpc.StatusCode.NOT_FOUND):
        client.hit("calls", who, tenant="*")


def test_a_row_for_all_others(start_sluiced, connect):
    """They share its settings, and no counter."""
    sluiced = start_sluiced(POLICY % OTHERS)
    client = connect(sluiced)
    for tenant in ("initech", "hooli"):
        response = client.hit("calls", "alice", tenant=tenant)
        assert key_of(response) == ["others", tenant, "alice"]
        assert only(response).stat.hits_remaining == 2
    assert key_of(client.hit("calls", "alice")) == ["own", "", "alice"]
    assert key_of(client.hit("calls", "alice", tenant="acme")) == ["acme", "acme", "alice"]
    # Metrics know the row, never what a caller said.
    assert sluiced.metric("sluice_decisions_total", throttle="calls", tenant="*") == 2
    assert "initech" not in sluiced.get("/metrics")[2]
    # Each row has its backend.
    keys = [sluiced.metric("sluice_keys", backend=name) for name in ("small", "large")]
    assert keys == [3, 1]
    with raises(grpc.StatusCode.NOT_FOUND):
        client.hit("calls", "alice", tenant="*")
