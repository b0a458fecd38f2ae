"""A real Envoy 1.40 whose ratelimit filter asks a real sluiced about real HTTP requests."""

import collections
import http.server
import re
import shutil
import signal
import textwrap
import threading
import time

import pytest

from api import descriptor
from bootstrap import bootstrap, by_header
from harness import EXAMPLES, Envoy, POLICIES, free_port, http_call, wait_until
from readme import block

BODY = b"x" * 400
PER_CALLER = [by_header("x-caller", "plain")]
EXAMPLE = (EXAMPLES / "envoy" / "envoy.yaml").read_text()


class Upstream:
    """An HTTP server that counts what reaches it."""

    def __init__(self):
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                upstream.requests += 1
                self.send_response(200)
                self.send_header("content-length", str(len(BODY)))
                self.end_headers()
                self.wfile.write(BODY)

            def log_message(self, *_):
                pass

        self.requests = 0
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Edge(Envoy):
    """An Envoy in front of an upstream, and in front of both a way to ask."""

    def __init__(self, directory, upstream, sluiceds, rate_limits=PER_CALLER, **intervals):
        self.port, admin = free_port(), free_port()
        config = bootstrap(
            listener=self.port,
            admin=admin,
            upstream=upstream.port,
            sluiceds=[sluiced.grpc_port for sluiced in sluiceds],
            rate_limits=rate_limits,
            **intervals,
        )
        super().__init__(directory, config, admin)

    def get(self, caller, **headers):
        """(status, headers) of a request of this caller."""
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        return http_call(self.port, "/", headers={"x-caller": caller, **named})[:2]

    def statuses(self, caller, times):
        return [self.get(caller)[0] for _ in range(times)]


@pytest.fixture
def upstream(cleanup):
    started = Upstream()
    cleanup.append(started)
    return started


@pytest.fixture
def start_server(start_sluiced, tmp_path):
    """A sluiced of the test's own with policies/."""
    shutil.copytree(POLICIES / "ratelimit", tmp_path / "ratelimit")
    policy = (POLICIES / "policy.yaml").read_text()
    return lambda **options: start_sluiced(policy, **options)


@pytest.fixture
def start_edge(tmp_path, upstream, cleanup):
    def start(*sluiceds, **options):
        edge = Edge(tmp_path, upstream, sluiceds, **options)
        cleanup.append(edge)
        return edge

    return start


@pytest.fixture
def start_example(tmp_path, cleanup):
    """Starts an Envoy on the example's configuration or one like it, but for the ports: the port
    that it listens on."""

    def start(sluiced, config):
        edge, app, admin = free_port(), free_port(), free_port()
        for printed, port in (
            (8081, sluiced.grpc_port),
            (10000, edge),
            (10001, app),
            (9901, admin),
        ):
            config, replaced = re.subn(rf"port_value: {printed}\b", f"port_value: {port}", config)
            assert replaced, printed
        cleanup.append(Envoy(tmp_path, config, admin))
        return edge

    return start


def test_exactly_n_requests_pass_and_then_none(server, start_edge, upstream, who):
    edge = start_edge(server)
    for remaining in range(9, -1, -1):
        status, headers = edge.get(who)
        assert status == 200
        assert headers["x-ratelimit-limit"] == "10, 10;w=86400"
        assert headers["x-ratelimit-remaining"] == str(remaining)
        assert 1 <= int(headers["x-ratelimit-reset"]) <= 86_400

    for _ in range(5):
        status, headers = edge.get(who)
        assert status == 429
        assert headers["x-ratelimit-limit"] == "10, 10;w=86400"
        assert headers["x-ratelimit-remaining"] == "0"
        assert 1 <= int(headers["x-ratelimit-reset"]) <= 86_400
    assert upstream.requests == 10

    assert edge.get(f"other than {who}")[0] == 200
    assert edge.stat("cluster.upstream.ratelimit.ok") == 11
    assert edge.stat("cluster.upstream.ratelimit.over_limit") == 5
    assert edge.stat("cluster.upstream.ratelimit.error") == 0


def test_many_at_once_get_exactly_n(server, start_edge, upstream, who):
    edge = start_edge(server)
    answers = collections.Counter()
    callers = [
        threading.Thread(target=lambda: answers.update(edge.statuses(who, 5))) for _ in range(16)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert answers == {200: 10, 429: 70}
    assert upstream.requests == 10


def test_a_request_without_a_limit_passes(server, start_edge):
    edge = start_edge(server)
    status, _, body = http_call(edge.port, "/")
    assert (status, body) == (200, BODY.decode())


def test_a_server_that_was_killed_is_used_again(start_server, start_edge, who):
    first = start_server()
    edge = start_edge(first)
    assert edge.statuses(who, 11) == [200] * 10 + [429]

    first.kill()
    # failure_mode_deny: with nobody to ask, nobody passes.
    assert wait_until(lambda: edge.get(who)[0] == 500, "Envoy sees that we are gone")

    start_server(ports=(first.grpc_port, first.http_port))
    stranger = f"{who} again"
    wait_until(lambda: edge.get(f"probe of {who}")[0] != 500, "Envoy asks us again")
    assert edge.statuses(stranger, 11) == [200] * 10 + [429]


def test_sigterm_under_traffic_loses_no_request(start_server, start_edge, upstream, who):
    """Two servers, one after the other stopped and started, as in a rolling update."""
    servers = [start_server(name=f"sluiced-{i}", drain_delay="2s") for i in range(2)]
    edge = start_edge(*servers, health_interval="0.25s")
    answers = collections.Counter()
    over = threading.Event()

    def ask():
        while not over.is_set():
            answers[edge.get(who)[0]] += 1
            time.sleep(0.005)

    def asked_more():
        so_far = sum(answers.values())
        wait_until(lambda: sum(answers.values()) > so_far + 50, "traffic goes on")

    traffic = [threading.Thread(target=ask) for _ in range(4)]
    for thread in traffic:
        thread.start()
    try:
        for number, leaving in enumerate(servers):
            asked_more()
            leaving.signal(signal.SIGTERM)
            assert leaving.wait() == 0
            asked_more()
            ports = leaving.grpc_port, leaving.http_port
            start_server(name=f"sluiced-{number}-again", ports=ports)
            healthy = "cluster.sluice.membership_healthy"
            wait_until(lambda: edge.stat(healthy) == 2, "both servers are healthy")
        asked_more()
    finally:
        over.set()
        for thread in traffic:
            thread.join()

    assert set(answers) == {200, 429}
    assert edge.stat("cluster.upstream.ratelimit.error") == 0
    assert upstream.requests == answers[200]
    # Each of the four processes counted for itself, and all of them were asked.
    assert answers[200] == 40


def test_keepalive_pings_are_borne(start_server, start_edge, who):
    edge = start_edge(start_server(), pings="0.05s")
    assert edge.get(who)[0] == 200
    received = "cluster.sluice.upstream_cx_rx_bytes_total"
    before = edge.stat(received)
    ping_bytes = 9 + 8
    wait_until(lambda: edge.stat(received) >= before + 30 * ping_bytes, "30 pings are answered")
    assert edge.get(who)[0] == 200
    assert edge.stat("cluster.sluice.upstream_cx_total") == 1


def test_hits_addend_of_the_filter_is_charged_whole(server, start_edge, who):
    costly = by_header("x-caller", "plain", hits_addend={"format": "%REQ(x-cost)%"})
    edge = start_edge(server, rate_limits=[costly])
    assert [edge.get(who, x_cost=cost)[0] for cost in (4, 4)] == [200, 200]
    status, headers = edge.get(who, x_cost=4)
    assert (status, headers["x-ratelimit-remaining"]) == (429, "0")
    assert edge.get(who, x_cost=1)[0] == 429


def test_a_cost_known_after_the_response(server, client, start_edge, who):
    """Envoy looks first, and reports the bytes that it sent when the response is done."""
    look = by_header("x-caller", "bytes", hits_addend={"number": 0})
    report = by_header(
        "x-caller",
        "bytes",
        hits_addend={"format": "%BYTES_SENT%"},
        apply_on_stream_done=True,
    )
    edge = start_edge(server, rate_limits=[look, report])

    def left():
        looked = descriptor(("bytes", who), hits=0)
        return client.should_rate_limit("edge", looked).statuses[0].limit_remaining

    for remaining in (600, 200, 0):
        assert edge.get(who)[0] == 200
        wait_until(lambda: left() == remaining, "Envoy has reported")
    # 1,200 of 1,000 bytes.
    assert edge.get(who)[0] == 429


def test_the_example_works_as_it_is_printed(start_sluiced, start_example, tmp_path):
    """But for its ports, and the addresses that its server listens on."""
    shutil.copytree(EXAMPLES / "envoy" / "ratelimit", tmp_path / "ratelimit")
    policy = (EXAMPLES / "envoy" / "sluice.yaml").read_text()
    without_server = re.sub(r"^server:\n(?:[ #].*\n)+", "", policy, flags=re.MULTILINE)
    assert without_server != policy
    edge = start_example(start_sluiced(without_server), EXAMPLE)

    wait_out_the_minute(seconds=10)
    statuses = [http_call(edge, f"/login?try={number}")[0] for number in range(6)]
    assert statuses == [200] * 5 + [429]
    status, headers, body = http_call(edge, "/elsewhere")
    assert (status, body) == (200, "hello\n")
    assert headers["x-ratelimit-limit"] == "50, 50;w=1"


def test_the_filters_and_the_domain_of_the_readme(start_sluiced, start_example, tmp_path):
    (tmp_path / "ratelimit").mkdir()
    (tmp_path / "ratelimit" / "edge.yaml").write_text(block("yaml", "domain: edge\ndescriptors:"))
    sluiced = start_sluiced('domains: {files: ["ratelimit/*.yaml"]}\n')

    filters = block("yaml", "# The path without its query")
    # Far above Envoy's default of 20 ms, which a test machine may well miss.
    assert filters.count("    domain: edge\n") == 1
    filters = filters.replace("    domain: edge\n", "    domain: edge\n    timeout: 2s\n")
    before, example_filters, after = re.split(
        r"(?<=http_filters:\n)(.*?)(?=^ *- name: envoy\.filters\.http\.router$)",
        EXAMPLE,
        maxsplit=1,
        flags=re.DOTALL | re.MULTILINE,
    )
    indent = re.match(" *", example_filters)[0]
    edge = start_example(sluiced, before + textwrap.indent(filters, indent) + after)

    wait_out_the_minute(seconds=10)
    for remaining in (4, 3, 2, 1, 0):
        status, headers, _ = http_call(edge, "/login")
        assert (status, headers["x-ratelimit-remaining"]) == (200, str(remaining))
    for path in ("/login", "/login?a=b"):
        status, headers, _ = http_call(edge, path)
        assert (status, headers["x-ratelimit-limit"]) == (429, "5, 5;w=60")
        assert headers["x-ratelimit-remaining"] == "0"
        assert 1 <= int(headers["x-ratelimit-reset"]) <= 60
    assert http_call(edge, "/elsewhere")[0] == 200


def wait_out_the_minute(seconds):
    """Waits for the next minute of the clock where this one has fewer seconds left."""
    left = 60 - time.time() % 60
    if left < seconds:
        time.sleep(left)
