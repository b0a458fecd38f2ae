"""Requests that cannot be decided: the status, and google.rpc details in the trailer."""

import contextlib
import socket
import time

import grpc
import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
from google.rpc import error_details_pb2

from api import Client, detail_of, limiter_pb2, raises, violated_field

INVALID = grpc.StatusCode.INVALID_ARGUMENT
TOO_MUCH = 2**52 + 1


@pytest.fixture(params=["hit", "check", "stat"])
def ask(client, request):
    """Each of the three methods: they refuse the same requests."""
    return getattr(client, request.param)


def test_no_throttle_named(ask, who):
    with raises(INVALID) as caught:
        ask([], who)
    assert violated_field(caught.value)[0] == "throttles"


def test_a_cost_above_2_to_52(ask, who):
    with raises(INVALID) as caught:
        ask("window", who, cost=TOO_MUCH)
    field, description = violated_field(caught.value)
    assert field == "cost"
    assert "4503599627370496" in description or "2^52" in description


def test_a_cost_of_a_throttle_above_2_to_52(ask, who):
    with raises(INVALID) as caught:
        ask("window", who, costs={"window": TOO_MUCH})
    assert violated_field(caught.value)[0].startswith("costs")


def test_an_identifier_over_1_kib(ask):
    assert ask("wide", "i" * 1024).results
    with raises(INVALID) as caught:
        ask("wide", "i" * 1025)
    field, description = violated_field(caught.value)
    assert field == "identifier"
    assert "1024" in description or "1 KiB" in description


def test_a_context_of_more_than_64_entries(ask, who):
    assert ask("wide", who, context={f"key{i}": "v" for i in range(64)}).results
    with raises(INVALID) as caught:
        ask("wide", who, context={f"key{i}": "v" for i in range(65)})
    field, description = violated_field(caught.value)
    assert field == "context"
    assert "64" in description


def test_a_context_entry_over_1_kib_key_and_value_together(ask, who):
    assert ask("wide", who, context={"k" * 24: "v" * 1000}).results
    with raises(INVALID) as caught:
        ask("wide", who, context={"k" * 24: "v" * 1001})
    field, description = violated_field(caught.value)
    assert field.startswith("context")
    assert "1024" in description or "1 KiB" in description


def test_an_unknown_throttle(ask, who):
    with raises(grpc.StatusCode.NOT_FOUND) as caught:
        ask(["wide", "widest"], who)
    assert "widest" in caught.value.details()
    info = detail_of(caught.value, error_details_pb2.ErrorInfo)
    assert "THROTTLE" in info.reason
    assert info.domain
    assert "widest" in info.metadata.values()


def test_an_idempotency_key_is_not_ignored(client, who):
    """It is not supported yet: to ignore it would charge a retry twice."""
    with raises(grpc.StatusCode.UNIMPLEMENTED) as caught:
        client.hit("window", who, idempotency_key="once")
    assert "idempotency_key" in caught.value.details()


def test_an_error_takes_nothing(client, who):
    with raises(grpc.StatusCode.NOT_FOUND):
        client.hit(["window", "no-such"], who)
    assert client.stat("window", who).results[0].stat.fixed_window.current_count == 0


def test_a_request_larger_than_any_honest_one(client, who):
    with pytest.raises(grpc.RpcError) as caught:
        client.hit("wide", who, context={"k": "v" * (8 << 20)})
    assert caught.value.code() in (INVALID, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert client.check("wide", who).allowed


class SlowCall:
    """A Hit by hand, whose message follows its headers after a pause of seconds."""

    def __init__(self, port, request, deadline_ms, pause):
        self._connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        )
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._connection.initiate_connection()
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": "/sluice.v1.Limiter/Hit",
            ":authority": "test",
            "te": "trailers",
            "content-type": "application/grpc",
            "grpc-timeout": f"{deadline_ms}m",
        }
        self._connection.send_headers(1, list(headers.items()))
        self._flush()
        time.sleep(pause)
        message = request.SerializeToString()
        framed = b"\0" + len(message).to_bytes(4, "big") + message
        self._connection.send_data(1, framed, end_stream=True)
        self._flush()

    def _flush(self):
        self._socket.sendall(self._connection.data_to_send())

    def grpc_status(self):
        """None when the server reset the stream."""
        status = None
        with self._socket, contextlib.suppress(h2.exceptions.StreamClosedError):
            while received := self._socket.recv(65536):
                for event in self._connection.receive_data(received):
                    match event:
                        case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                            status = dict(event.headers).get("grpc-status", status)
                        case h2.events.StreamEnded() | h2.events.StreamReset():
                            return status
                self._flush()
        return status


def test_a_call_whose_deadline_is_over_on_arrival_is_not_decided(server, client, who):
    def count():
        return client.stat("wide", who).results[0].stat.fixed_window.current_count

    request = limiter_pb2.HitRequest(throttles=["wide"], identifier=who)
    late = SlowCall(server.grpc_port, request, deadline_ms=20, pause=0.1)
    deadline_exceeded, cancelled = "4", "1"
    assert late.grpc_status() in (deadline_exceeded, cancelled, None)
    assert count() == 0

    in_time = SlowCall(server.grpc_port, request, deadline_ms=10_000, pause=0.1)
    assert in_time.grpc_status() == "0"
    assert count() == 1


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="http1"),
        pytest.param(bytes(range(256)) * 64, id="bytes"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4096, id="broken frames"),
    ],
)
def test_the_server_goes_on_after_garbage(server, who, garbage):
    with socket.create_connection(("127.0.0.1", server.grpc_port), timeout=10) as peer:
        try:
            peer.sendall(garbage)
            while peer.recv(65536):
                pass
        except ConnectionError:
            pass  # cut off: what garbage deserves
        except TimeoutError:
            pytest.fail("the server keeps a connection that speaks garbage")
    assert_answers(server, who)


def test_the_server_goes_on_beside_half_open_connections(server, who):
    peers = [socket.create_connection(("127.0.0.1", server.grpc_port)) for _ in range(50)]
    try:
        for peer in peers[:25]:
            peer.sendall(b"PRI * HT")
        assert_answers(server, who)
    finally:
        for peer in peers:
            peer.close()
    assert_answers(server, who)


def test_a_message_that_is_no_protobuf(server, client, who):
    hit = client.channel.unary_unary("/sluice.v1.Limiter/Hit")
    with pytest.raises(grpc.RpcError) as caught:
        hit(b"\xff\xff\xff\xff", timeout=10)
    assert caught.value.code() not in (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    )
    assert_answers(server, who)


def assert_answers(server, who):
    fresh = Client(server.grpc_address)
    try:
        assert fresh.check("window", who).allowed
    finally:
        fresh.close()
    assert server.running()
