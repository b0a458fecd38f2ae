"""Fixtures: a server that tests share, servers of their own, and callers nobody else uses."""

import datetime
import itertools
import os
import shutil
import time

import pytest

from api import Client
from harness import POLICIES, SLUICED, Program, Sluiced, free_port
from redis_servers import Redis, RedisCluster


@pytest.fixture(scope="session", autouse=True)
def clear_of_midnight():
    """Keeps the suite clear of midnight UTC, where windows of a day or more turn."""
    now = datetime.datetime.now(datetime.timezone.utc)
    midnight = (now + datetime.timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    left = (midnight - now).total_seconds()
    if left < 300:
        time.sleep(left + 1)


@pytest.fixture(scope="session", autouse=True)
def clear_of_our_environment():
    """What the shell that runs the suite has set says nothing to the servers that it starts."""
    for variable in list(os.environ):
        if variable in ("GRPC_PORT", "PORT", "RUNTIME_ROOT") or variable.startswith("REDIS_"):
            del os.environ[variable]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One sluiced with policies/, for every test that brings identifiers of its own."""
    directory = tmp_path_factory.mktemp("server")
    shutil.copytree(POLICIES / "ratelimit", directory / "ratelimit")
    sluiced = Sluiced(directory, (POLICIES / "policy.yaml").read_text())
    yield sluiced
    sluiced.stop()


@pytest.fixture(scope="session")
def client(server):
    shared = Client(server.grpc_address, server.admin_address)
    yield shared
    shared.close()


@pytest.fixture
def cleanup():
    """Programs and clients appended here are stopped at the end of the test, the last one first."""
    started = []
    yield started
    for each in reversed(started):
        each.stop() if isinstance(each, Program) else each.close()


@pytest.fixture
def start_sluiced(tmp_path, cleanup):
    """Starts a sluiced of the test's own: start_sluiced(policy, ...) -> Sluiced."""

    def start(policy, **options):
        sluiced = Sluiced(tmp_path, policy, **options)
        cleanup.append(sluiced)
        return sluiced

    return start


@pytest.fixture
def start_from_environment(tmp_path, cleanup, monkeypatch):
    """Starts a sluiced without --config: start_from_environment(variables) -> (Program, Client)."""

    def start(variables):
        grpc_port, http_port = free_port(), free_port()
        for variable, value in {**variables, "GRPC_PORT": grpc_port, "PORT": http_port}.items():
            monkeypatch.setenv(variable, str(value))
        sluiced = Program(f"sluiced-{http_port}", [SLUICED], tmp_path)
        cleanup.append(sluiced)
        sluiced.wait_ready(http_port, "/readyz")
        client = Client(f"127.0.0.1:{grpc_port}")
        cleanup.append(client)
        return sluiced, client

    return start


@pytest.fixture
def connect(cleanup):
    """Connects to a sluiced: connect(sluiced) -> Client."""

    def start(sluiced):
        connected = Client(sluiced.grpc_address, sluiced.admin_address)
        cleanup.append(connected)
        return connected

    return start


@pytest.fixture(scope="module")
def share(tmp_path_factory):
    """Starts a sluiced for all tests of a file: share(policy, ...) -> (Sluiced, Client).

    For tests that bring identifiers of their own, and leave the configuration as it is.
    """
    started = []

    def start(policy, **options):
        sluiced = Sluiced(tmp_path_factory.mktemp("shared"), policy, **options)
        started.append(sluiced)
        started.append(Client(sluiced.grpc_address, sluiced.admin_address))
        return sluiced, started[-1]

    yield start
    for each in reversed(started):
        each.stop() if isinstance(each, Program) else each.close()


_callers = itertools.count(1)


@pytest.fixture
def who():
    """An identifier that no other test uses."""
    return f"caller-{next(_callers)}"


@pytest.fixture
def start_redis(tmp_path, cleanup):
    """Starts a redis-server of the test's own: start_redis(...) -> Redis."""

    def start(name="redis", **options):
        redis = Redis(tmp_path, name, **options)
        cleanup.append(redis)
        return redis

    return start


@pytest.fixture
def start_redis_cluster(tmp_path, cleanup):
    """Starts six nodes of the test's own: start_redis_cluster(...) -> RedisCluster."""

    def start(**options):
        cluster = RedisCluster(tmp_path, **options)
        cleanup.append(cluster)
        return cluster

    return start
