"""gRPC health, server reflection, and the two ways to end a server."""

import queue
import signal
import socket
import threading
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from api import raises
from harness import http_status, wait_until

SERVICES = [
    "",
    "sluice.v1.Limiter",
    "envoy.service.ratelimit.v3.RateLimitService",
    "ratelimit",
]
Serving = health_pb2.HealthCheckResponse.ServingStatus
POLICY = "throttles: [{uid: wide, rate: 500/day}]\n"


def check(channel, service):
    request = health_pb2.HealthCheckRequest(service=service)
    return health_pb2_grpc.HealthStub(channel).Check(request, timeout=10).status


class Watch:
    """A Watch whose statuses can be waited for."""

    def __init__(self, channel, service):
        request = health_pb2.HealthCheckRequest(service=service)
        self._call = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=60)
        self._statuses = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for response in self._call:
                self._statuses.put(response.status)
        except grpc.RpcError:
            pass  # cancelled, or the server went away

    def next(self):
        return self._statuses.get(timeout=10)

    def close(self):
        self._call.cancel()


@pytest.mark.parametrize("service", SERVICES)
def test_check_knows_the_services(client, service):
    assert check(client.channel, service) == Serving.SERVING


def test_check_of_a_service_that_is_not_here(client):
    with raises(grpc.StatusCode.NOT_FOUND):
        check(client.channel, "sluice.v1.NoSuch")


@pytest.mark.parametrize("service", SERVICES)
def test_watch_tells_the_status_now(client, cleanup, service):
    watch = Watch(client.channel, service)
    cleanup.append(watch)
    assert watch.next() == Serving.SERVING


def test_watch_of_a_service_that_is_not_here(client, cleanup):
    watch = Watch(client.channel, "sluice.v1.NoSuch")
    cleanup.append(watch)
    assert watch.next() == Serving.SERVICE_UNKNOWN


def test_reflection_lists_the_services_and_their_files(client):
    database = ProtoReflectionDescriptorDatabase(client.channel)
    assert set(database.get_services()) >= {
        "sluice.v1.Limiter",
        "envoy.service.ratelimit.v3.RateLimitService",
        "grpc.health.v1.Health",
    }
    limiter = database.FindFileContainingSymbol("sluice.v1.Limiter")
    assert limiter.name == "sluice/v1/limiter.proto"
    for dependency in limiter.dependency:
        assert database.FindFileByName(dependency).name == dependency


def test_sigterm_drains(start_sluiced, connect, cleanup, who):
    sluiced = start_sluiced(POLICY, drain_delay="4s")
    connected = connect(sluiced)
    watches = [Watch(connected.channel, service) for service in SERVICES]
    cleanup.extend(watches)
    assert [watch.next() for watch in watches] == [Serving.SERVING] * len(SERVICES)
    assert connected.hit("wide", who).allowed

    began = time.monotonic()
    sluiced.signal(signal.SIGTERM)
    assert [watch.next() for watch in watches] == [Serving.NOT_SERVING] * len(SERVICES)

    # Answered on, for those who are connected and for those who come now.
    newcomer = connect(sluiced)
    assert check(newcomer.channel, "") == Serving.NOT_SERVING
    assert connected.hit("wide", who).allowed
    assert newcomer.hit("wide", who).allowed
    assert http_status(sluiced.http_port, "/readyz") == 503
    assert http_status(sluiced.http_port, "/livez") == 200
    assert time.monotonic() - began < 4, "too slow a machine to see the drain delay"

    assert sluiced.wait() == 0
    assert time.monotonic() - began >= 4
    with raises(grpc.StatusCode.UNAVAILABLE):
        newcomer.hit("wide", who)


def test_sigterm_ends_in_time_although_a_watch_stays_open(start_sluiced, connect, cleanup):
    sluiced = start_sluiced(POLICY, drain_delay="100ms")
    watch = Watch(connect(sluiced).channel, "")
    cleanup.append(watch)
    assert watch.next() == Serving.SERVING
    sluiced.signal(signal.SIGTERM)
    # drain_delay, then the drain_grace of the harness, and something for a busy machine.
    assert sluiced.wait(timeout=0.1 + 5 + 5) == 0


def test_silent_connections_do_not_keep_the_server_from_ending(start_sluiced):
    sluiced = start_sluiced(POLICY)
    ports = (sluiced.grpc_port, sluiced.http_port)
    silent = [socket.create_connection(("127.0.0.1", port)) for port in ports for _ in range(4)]
    sluiced.signal(signal.SIGINT)
    assert sluiced.wait(timeout=5 + 5) == 0
    for each in silent:
        each.close()


def test_a_second_sigterm_does_not_cut_the_delay_short(start_sluiced, connect, who):
    sluiced = start_sluiced(POLICY, drain_delay="3s")
    connected = connect(sluiced)
    began = time.monotonic()
    for _ in range(2):
        sluiced.signal(signal.SIGTERM)
        wait_until(lambda: http_status(sluiced.http_port, "/readyz") == 503, "draining")

    answered = 0
    while time.monotonic() - began < 2.5:
        assert connected.check("wide", who).allowed
        answered += 1
    assert answered, "too slow a machine to see the drain delay"
    assert sluiced.wait() == 0
    assert time.monotonic() - began >= 3


@pytest.mark.parametrize("before", [[], [signal.SIGTERM]], ids=["alone", "after SIGTERM"])
def test_sigint_skips_the_delay(start_sluiced, connect, who, before):
    sluiced = start_sluiced(POLICY, drain_delay="60s")
    assert connect(sluiced).hit("wide", who).allowed
    for number in before:
        sluiced.signal(number)
        wait_until(lambda: http_status(sluiced.http_port, "/readyz") == 503, "draining")
    sluiced.signal(signal.SIGINT)
    assert sluiced.wait(timeout=15) == 0


def test_the_ports_are_free_for_the_next_server(start_sluiced, connect, who):
    first = start_sluiced(POLICY)
    assert connect(first).hit("wide", who).allowed
    first.stop()
    second = start_sluiced(POLICY, ports=(first.grpc_port, first.http_port))
    assert connect(second).hit("wide", who).allowed
