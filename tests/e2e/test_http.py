"""The HTTP port: health for orchestrators, metrics, and envoyproxy/ratelimit's JSON."""

import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import descriptor
from harness import http_call


def ask(server, request, method="POST"):
    body = request if isinstance(request, (str, bytes)) else json.dumps(request)
    return http_call(server.http_port, "/json", method, body)


def question(key, value, **fields):
    return {
        "domain": "edge",
        "descriptors": [{"entries": [{"key": key, "value": value}]}],
        **fields,
    }


def samples(server):
    """Every sample of /metrics: name -> list of (labels, value)."""
    status, headers, text = server.get("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(server, name, **labels):
    """The sum of the samples that carry these labels."""
    return sum(
        number
        for having, number in samples(server).get(name, [])
        if having.items() >= labels.items()
    )


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes(server, path):
    assert server.get(path)[0] == 200


def test_healthcheck_says_ok(server):
    status, _, body = server.get("/healthcheck")
    assert (status, body) == (200, "OK")


def test_an_unknown_path(server):
    assert server.get("/no-such-page")[0] == 404


def test_connections_that_say_nothing_keep_nobody_out(server):
    """A probe that is not answered makes an orchestrator kill a healthy server."""
    silent = [socket.create_connection(("127.0.0.1", server.http_port)) for _ in range(32)]
    try:
        assert http_call(server.http_port, "/livez", timeout=5)[0] == 200
    finally:
        for each in silent:
            each.close()


def drip(port):
    """Sends a body byte by byte: the seconds until the server answers or hangs up."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=0.1) as peer:
        peer.sendall(b"POST /json HTTP/1.1\r\nHost: sluice\r\nContent-Length: 1000\r\n\r\n")
        # A server that hangs up on bytes that it has not read resets the connection.
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 30:
                peer.sendall(b" ")
                with contextlib.suppress(TimeoutError):
                    peer.recv(4096)
                    break
    return time.monotonic() - began


def test_bodies_that_drip_are_cut_and_keep_nobody_out(server):
    with ThreadPoolExecutor(32) as pool:
        dripping = [pool.submit(drip, server.http_port) for _ in range(32)]
        answered = 0
        while not any(each.done() for each in dripping):
            assert http_call(server.http_port, "/livez", timeout=5)[0] == 200
            answered += 1
        taken = [each.result() for each in dripping]
    assert answered
    # A second is the server's patience; the rest is for a busy machine.
    assert 1 <= min(taken) and max(taken) < 5


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/json", "/no-such-page"])
def test_every_answer_ends_its_connection(server, path):
    assert server.get(path)[1]["connection"] == "close"


@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_json_allows_and_denies(server, who, method):
    asked = question("single", f"{who} {method}")
    status, headers, body = ask(server, asked, method)
    assert status == 200
    assert headers["content-type"].startswith("application/json")
    answer = json.loads(body)
    reset = answer["statuses"][0].pop("durationUntilReset")
    assert reset.endswith("s") and int(reset[:-1]) >= 1
    # Fields that are 0 are left out: limitRemaining here.
    assert answer == {
        "overallCode": "OK",
        "statuses": [{"code": "OK", "currentLimit": {"requestsPerUnit": 1, "unit": "DAY"}}],
    }

    status, _, body = ask(server, asked, method)
    assert status == 429
    answer = json.loads(body)
    assert answer["overallCode"] == "OVER_LIMIT"
    assert answer["statuses"][0]["code"] == "OVER_LIMIT"


def test_json_understands_addends_and_names_of_both_kinds(server, client, who):
    status, _, body = ask(server, question("plain", who, hitsAddend=3))
    assert (status, json.loads(body)["statuses"][0]["limitRemaining"]) == (200, 7)
    status, _, body = ask(server, question("plain", who, hits_addend=2))
    assert (status, json.loads(body)["statuses"][0]["limitRemaining"]) == (200, 5)
    # The same counter as over gRPC.
    response = client.should_rate_limit("edge", descriptor(("plain", who)))
    assert response.statuses[0].limit_remaining == 4


def test_json_without_a_limit_is_bare_ok(server, who):
    status, _, body = ask(server, question("unknown", who))
    assert status == 200
    assert json.loads(body) == {"overallCode": "OK", "statuses": [{"code": "OK"}]}


@pytest.mark.parametrize(
    "request_body",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="broken"),
        pytest.param("[]", id="no object"),
        pytest.param(b"\xff\xfe", id="bytes"),
        pytest.param({"domain": "edge", "descriptors": [], "colour": "red"}, id="unknown field"),
        pytest.param({"domain": 7}, id="wrong type"),
        pytest.param({"domain": "", "descriptors": [{"entries": []}]}, id="empty domain"),
        pytest.param({"domain": "edge"}, id="no descriptors"),
        pytest.param({"domain": "edge", "descriptors": [{"limit": {"unit": 0}}]}, id="no unit"),
        pytest.param('{"a":' * 500 + "1" + "}" * 500, id="deep"),
    ],
)
def test_json_of_any_other_kind_is_a_bad_request(server, request_body):
    status, headers, body = ask(server, request_body)
    assert (status, body) == (400, "Bad Request\n")
    assert headers["content-type"] == "text/plain; charset=utf-8"


def test_rlconfig_lists_the_limits(server):
    status, _, body = server.get("/rlconfig")
    assert status == 200
    lines = body.splitlines()
    for limit, shadow in (
        ("edge.plain: unit=DAY requests_per_unit=10", "false"),
        ("edge.shadow: unit=DAY requests_per_unit=1", "true"),
        ("edge.path_/exact: unit=DAY requests_per_unit=1", "false"),
        ("edge.nested.who.verb_POST: unit=DAY requests_per_unit=2", "false"),
        ("edge.per_year: unit=YEAR requests_per_unit=4294967295", "false"),
    ):
        assert f"{limit}, shadow_mode: {shadow}, quota_mode: false" in lines
    assert not any(line.startswith("edge.nested:") for line in lines)


def test_metrics_count_decisions_of_hits_alone(server, client, who):
    def decisions(outcome):
        return value(server, "sluice_decisions_total", throttle="narrow", outcome=outcome)

    before = decisions("allowed"), decisions("denied")
    client.hit("narrow", who)
    client.hit("narrow", who)
    client.check("narrow", who)
    client.stat("narrow", who)
    assert (decisions("allowed"), decisions("denied")) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize(
    "throttle, outcome",
    [
        ("endless", "unlimited"),
        ("closed", "denied"),
        ("switched-off", "bypassed"),
    ],
)
def test_metrics_tell_outcomes_in_lower_case(server, client, who, throttle, outcome):
    labels = {"throttle": throttle, "outcome": outcome, "tenant": "acme"}
    before = value(server, "sluice_decisions_total", **labels)
    client.hit(throttle, who, tenant="acme")
    assert value(server, "sluice_decisions_total", **labels) == before + 1


def test_metrics_count_rls_hits_by_domain_and_key(server, client, who):
    def hits(result, key="plain"):
        return value(server, "sluice_rls_hits_total", domain="edge", key=key, result=result)

    results = ("total", "within_limit", "near_limit", "over_limit")
    before = [hits(result) for result in results]
    client.should_rate_limit("edge", descriptor(("plain", who)), hits=7)
    client.should_rate_limit("edge", descriptor(("plain", who)), hits=3)
    client.should_rate_limit("edge", descriptor(("plain", who)), hits=1)
    total, within, near, over = (hits(result) - was for result, was in zip(results, before))
    # The near threshold is 8 of 10: two of the ten admitted hits lie above it.
    assert (total, within, near, over) == (11, 10, 2, 1)

    shadow = hits("shadow", "shadow")
    client.should_rate_limit("edge", descriptor(("shadow", who)))
    client.should_rate_limit("edge", descriptor(("shadow", who)))
    assert hits("shadow", "shadow") == shadow + 1


def test_metrics_count_what_has_no_limit(server, client, who):
    def unmatched(domain):
        return value(server, "sluice_rls_unmatched_total", domain=domain)

    before = unmatched("edge"), unmatched("unknown")
    client.should_rate_limit("edge", descriptor(("unknown", who)))
    client.should_rate_limit("no-such-domain", descriptor(("plain", who)))
    assert (unmatched("edge"), unmatched("unknown")) == (before[0] + 1, before[1] + 1)


def test_no_label_comes_from_a_caller(server, client, who):
    stranger = f"stranger of {who}"
    client.hit("window", stranger, context={"colour": stranger})
    client.should_rate_limit(stranger, descriptor(("plain", stranger)))
    with pytest.raises(grpc.RpcError):
        client.hit(stranger, stranger, tenant=stranger)
    assert stranger not in server.get("/metrics")[2]


def test_metrics_tell_of_requests_by_method_and_code(server, client, who):
    client.hit("window", who)
    found = samples(server)
    for labels, _ in found["sluice_requests_total"]:
        assert set(labels) == {"method", "code"}
    assert any("Hit" in labels["method"] for labels, _ in found["sluice_requests_total"])
    assert any(
        "Hit" in labels["method"] for labels, _ in found["sluice_request_duration_seconds_count"]
    )
    assert all("le" in labels for labels, _ in found["sluice_request_duration_seconds_bucket"])


def test_metrics_tell_of_the_backend_and_the_configuration(server, client, who):
    client.hit("window", who)
    assert value(server, "sluice_keys", backend="local") >= 1
    found = samples(server)
    assert value(server, "sluice_backend_up", backend="local") == 1
    for name in ("sluice_evictions_total", "sluice_full_total"):
        assert ({"backend": "local"}, 0) in found[name]
    assert value(server, "sluice_config_generation") == 1
    assert value(server, "sluice_config_stale") == 0
    assert value(server, "sluice_config_loads_total", result="success") == 1
    ((labels, one),) = found["sluice_build_info"]
    assert one == 1
    assert set(labels) == {"version", "commit"}
    assert labels["version"]
