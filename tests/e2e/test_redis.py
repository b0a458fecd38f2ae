"""Servers over one Redis: what they share, and what they answer while it is not there."""

import concurrent.futures
import json
import threading
import time

import grpc
import pytest
from sluice.v1 import limiter_pb2

from api import Client, only, outcomes
from harness import sluicectl, wait_until

DECISION = limiter_pb2.DETAIL_DECISION
DEADLINE_S = 0.015
# What a busy test machine may add to a deadline.
GRACE_S = 0.1

POLICY = """\
namespace: shop
backends:
  shared: {type: redis, addresses: ["%s"], deadline: %s%s}
  local: {type: memory}
default_backend: shared
throttles:
  - {uid: calls, rate: 10000/day}
  - {uid: bucket, rate: 24/day, strategy: {type: token_bucket, burst_size: 5}}
  - {uid: log, rate: 3/day, strategy: sliding_window_log}
  - {uid: falls, rate: 5/day, on_error: {fallback: local}}
  - {uid: passes, rate: 5/day, on_error: allow}
  - {uid: raises, rate: 5/day, on_error: raise}
"""


def policy(address, deadline="15ms", more=""):
    return POLICY % (address, deadline, more)


def is_up(sluiced, backend="shared"):
    return sluiced.metric("sluice_backend_up", backend=backend) == 1


def wait_up(sluiced, timeout=5.0):
    wait_until(lambda: is_up(sluiced), "Redis is found", timeout)


def outcome(response):
    return only_value(outcomes(response))


def only_value(mapping):
    (value,) = mapping.values()
    return value


def timed(call):
    """(seconds, outcome), or the status of an error."""
    began = time.monotonic()
    try:
        result = outcome(call())
    except grpc.RpcError as error:
        result = error.code().name
    return time.monotonic() - began, result


def test_four_servers_admit_exactly_the_limit(start_redis, start_sluiced, connect):
    redis = start_redis()
    servers = [
        start_sluiced(policy(redis.address, "10s"), name=f"sluiced-{number}") for number in range(4)
    ]
    for sluiced in servers:
        wait_up(sluiced)
    clients = [connect(sluiced) for sluiced in servers]
    hit = limiter_pb2.HitRequest(throttles=["calls"], identifier="alice", detail=DECISION)
    batch = limiter_pb2.BatchHitRequest(requests=[hit] * 500)

    def work(number):
        client = clients[number % len(clients)]
        allowed = denied = 0
        for result in client.limiter.BatchHit(batch, timeout=60).results:
            assert result.WhichOneof("result") == "response", result
            allowed += result.response.allowed
            denied += not result.response.allowed
        return allowed, denied

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(work, range(200)))
    assert sum(allowed for allowed, _ in counts) == 10_000
    assert sum(denied for _, denied in counts) == 90_000
    for sluiced, client in zip(servers, clients):
        assert only(client.stat("calls", "alice")).stat.hits_remaining == 0
        # Redis has denied them all.
        denied = sluiced.metric("sluice_decisions_total", throttle="calls", outcome="denied")
        assert denied + sluiced.metric(
            "sluice_decisions_total", throttle="calls", outcome="allowed"
        ) == 25_000


def test_each_tenant_has_its_redis(start_redis, start_sluiced, connect):
    first, second = start_redis("first"), start_redis("second")
    sluiced = start_sluiced(
        f"""\
backends:
  first: {{type: redis, addresses: ["{first.address}"], deadline: 1s}}
  second: {{type: redis, addresses: ["{second.address}"], deadline: 1s}}
  local: {{type: memory}}
default_backend: local
tenants:
  acme: {{backend: first, namespace: acme}}
  globex: {{backend: second, namespace: globex}}
throttles:
  - {{uid: calls, rate: 3/day}}
"""
    )
    for backend in ("first", "second"):
        wait_until(lambda: is_up(sluiced, backend), f"{backend} is found")
    client = connect(sluiced)

    def remaining(tenant):
        return only(client.hit("calls", "alice", tenant=tenant)).stat.hits_remaining

    assert [remaining("acme"), remaining("acme"), remaining("globex"), remaining("")] == [2, 1, 2, 2]
    assert [key.partition("}")[0] for key in first.keys()] == ["{acme:acme:alice"]
    assert [key.partition("}")[0] for key in second.keys()] == ["{globex:globex:alice"]
    # What one loses is not the others' loss.
    second.kill()
    assert [remaining("acme"), remaining("")] == [0, 1]


def test_sluicectl_and_the_keys_that_people_read(start_redis, start_sluiced):
    redis = start_redis()
    sluiced = start_sluiced(policy(redis.address, "1s"), server={"allow_reset": True})
    wait_up(sluiced)

    def ask(command, *arguments):
        ran = sluicectl(
            command, *arguments, "--addr", sluiced.grpc_address, "--output", "json"
        )
        return ran.returncode, json.loads(ran.stdout)

    for number in range(5):
        code, hit = ask("hit", "bucket", "--id", "al:ice")
        assert (code, hit["results"][0]["stat"]["hits_remaining"]) == (0, 4 - number)
    assert ask("hit", "bucket", "--id", "al:ice")[0] == 1
    assert ask("check", "bucket", "--id", "al:ice")[0] == 1
    code, stat = ask("stat", "bucket", "--id", "al:ice")
    assert code == 0
    key = stat["results"][0]["stat"]["key"]
    assert key.startswith("{shop::al%3Aice}:bucket:token_bucket.1")
    assert redis.keys() == [key]

    # It is gone from Redis when it is as if never used, and not much later.
    reset_ms = float(stat["results"][0]["stat"]["reset_ms"])
    assert reset_ms - 5000 <= int(redis.cli("PTTL", key)) <= reset_ms + 1000

    assert ask("reset", "bucket", "--id", "al:ice")[0] == 0
    assert redis.keys() == []
    assert ask("check", "bucket", "--id", "al:ice")[0] == 0


def test_every_write_expires(start_redis, start_sluiced, connect):
    redis = start_redis()
    sluiced = start_sluiced(policy(redis.address, "1s"))
    wait_up(sluiced)
    connect(sluiced).hit(["calls", "bucket", "log"], "alice")
    assert len(redis.keys()) >= 3
    for key in redis.keys():
        assert 0 < int(redis.cli("PTTL", key)) <= 86_401_000, key


def test_it_starts_without_redis_and_finds_it_later(start_redis, start_sluiced, connect):
    redis = start_redis()
    redis.kill()
    sluiced = start_sluiced(policy(redis.address))
    client = connect(sluiced)
    assert sluiced.get("/readyz")[0] == 200
    assert not is_up(sluiced)
    assert outcome(client.hit("calls", "alice")) == "ERROR_DENIED"
    assert outcome(client.hit("passes", "alice")) == "ERROR_ALLOWED"
    assert outcome(client.hit("falls", "alice")) == "ALLOWED"
    assert timed(lambda: client.hit("raises", "alice"))[1] == "UNAVAILABLE"
    assert f"backend=shared cannot connect to {redis.address}: Connection refused" in sluiced.log()
    assert "redis is reached" not in sluiced.log()
    redis.restart()
    wait_up(sluiced)
    wait_until(
        lambda: outcome(client.hit("calls", "alice")) == "ALLOWED", "Redis decides", timeout=2.0
    )
    assert any(key.startswith("{shop::alice}:calls:") for key in redis.keys())
    assert "backend=shared redis is reached" in sluiced.log()


def test_servers_without_a_config_share_the_redis_of_the_environment(
    start_redis, start_from_environment
):
    redis = start_redis(config=["requirepass right-8204"], password="right-8204")
    variables = {"REDIS_URL": redis.address, "REDIS_AUTH": "right-8204", "REDIS_POOL_SIZE": 10}
    for sluiced, client in [start_from_environment(variables) for _ in range(2)]:
        wait_until(lambda: "backend=redis redis is reached" in sluiced.log(), "Redis is reached")
        wait_until(lambda: outcome(client.hit("api:burst", "alice")) == "ALLOWED", "Redis decides")
        assert f"mode=single addresses={redis.address}" in sluiced.log()
        assert "REDIS_POOL_SIZE" in sluiced.log()
        assert "right-8204" not in sluiced.log()
    (key,) = [key for key in redis.keys() if ":api%3Aburst:" in key]
    assert key.startswith("{quickstart::alice}:")
    # Both servers' hits, in units of 1/period: an hour's microseconds each.
    backlog = int(redis.cli("GET", key).split()[1])
    assert backlog > 1.5 * 3_600_000_000


def test_a_cluster_of_the_environment(start_redis_cluster, start_from_environment):
    cluster = start_redis_cluster()
    variables = {"REDIS_TYPE": "CLUSTER", "REDIS_URL": ",".join(cluster.addresses[:2])}
    sluiced, client = start_from_environment(variables)
    wait_until(lambda: "backend=redis redis is reached" in sluiced.log(), "Redis is reached")
    for name in ("alice", "bob", "carol", "dave"):
        wait_until(lambda: outcome(client.hit("api:burst", name)) == "ALLOWED", "Redis decides")
        owner = cluster.owner_of(f"{{quickstart::{name}}}")
        assert any(key.startswith(f"{{quickstart::{name}}}:") for key in owner.keys())


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_no_answer_is_late_and_it_recovers(fault, start_redis, start_sluiced, connect):
    redis = start_redis()
    sluiced = start_sluiced(policy(redis.address))
    wait_up(sluiced)
    answers = []  # (when, seconds, outcome)
    stop = threading.Event()

    def ask(number):
        client = Client(sluiced.grpc_address, sluiced.admin_address)
        while not stop.is_set():
            began = time.monotonic()
            answers.append((began, *timed(lambda: client.hit("calls", f"caller-{number}"))))
            time.sleep(0.01)
        client.close()

    callers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    try:
        for _ in range(2):
            time.sleep(0.5)
            getattr(redis, fault)()
            time.sleep(1.5)
            redis.restart() if fault == "kill" else redis.thaw()
            back = time.monotonic()
            wait_until(
                lambda: any(
                    when > back and result == "ALLOWED" for when, _, result in list(answers)
                ),
                "Redis decides again",
                timeout=2.0,
            )
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    assert sluiced.running()
    assert {result for _, _, result in answers} == {"ALLOWED", "ERROR_DENIED"}
    assert max(seconds for _, seconds, _ in answers) <= DEADLINE_S + GRACE_S


def test_what_was_counted_in_memory_is_forgotten_when_redis_is_back(
    start_redis, start_sluiced, connect
):
    redis = start_redis()
    sluiced = start_sluiced(policy(redis.address))
    wait_up(sluiced)
    client = connect(sluiced)

    def local_keys():
        return sluiced.metric("sluice_keys", backend="local")

    redis.kill()
    wait_until(
        lambda: client.hit("falls", "alice")
        and sluiced.metric("sluice_breaker_state", backend="shared") == 2,
        "the breaker opens",
    )
    assert local_keys() == 1
    redis.restart()
    wait_until(lambda: client.hit("falls", "bob") and redis.keys(), "Redis counts", timeout=2.0)
    # The breaker closes after a second success.
    wait_until(lambda: client.hit("falls", "bob") and local_keys() == 0, "memory forgets")


def test_a_wrong_password_and_a_right_one(start_redis, start_sluiced, connect, tmp_path):
    redis = start_redis(config=["requirepass right"], password="right")
    secret = tmp_path / "secret"
    secret.write_text("wrong-5319\n")
    sluiced = start_sluiced(policy(redis.address, "15ms", f", password_file: {secret}"))
    client = connect(sluiced)
    seconds, result = timed(lambda: client.hit("calls", "alice"))
    assert result == "ERROR_DENIED" and seconds <= DEADLINE_S + GRACE_S
    assert not is_up(sluiced)
    # The file is read on each connect.
    secret.write_text("right\n")
    wait_until(lambda: outcome(client.hit("calls", "alice")) == "ALLOWED", "it may come in")
    assert "refused the login: WRONGPASS" in sluiced.log()
    assert "backend=shared redis is reached" in sluiced.log()
    assert "wrong-5319" not in sluiced.log()


def test_a_replica_answers_who_only_looks(start_redis, start_sluiced, connect):
    primary = start_redis("primary")
    replica = start_redis("replica", config=[f"replicaof 127.0.0.1 {primary.port}"])
    first = start_sluiced(policy(primary.address, "1s"), name="first")
    second = start_sluiced(policy(replica.address, "1s"), name="second")
    wait_up(first)
    connect(first).hit("bucket", "alice", cost=3)
    wait_until(lambda: len(replica.keys()) == 1, "the replica has it")
    client = connect(second)
    wait_until(lambda: outcome(client.stat("bucket", "alice")) == "ALLOWED", "the replica answers")
    assert only(client.stat("bucket", "alice")).stat.hits_remaining == pytest.approx(2, abs=0.1)
    assert not client.check("bucket", "alice", cost=3).allowed
    assert client.check("bucket", "alice", cost=2).allowed
    assert outcome(client.hit("bucket", "alice")) == "ERROR_DENIED"
    replica.cli("REPLICAOF", "NO", "ONE")
    wait_until(lambda: outcome(client.hit("bucket", "alice")) == "ALLOWED", "it takes writes")


def test_a_cluster_loses_a_primary(start_redis_cluster, start_sluiced, connect):
    cluster = start_redis_cluster()
    addresses = '", "'.join(cluster.addresses[:3])
    sluiced = start_sluiced(policy(addresses, "15ms", ", mode: cluster"))
    client = connect(sluiced)
    wait_until(lambda: outcome(client.hit("calls", "alice")) == "ALLOWED", "the cluster is found")
    key = only(client.stat("calls", "alice")).stat.key
    cluster.owner_of(key).kill()
    worst, result = 0.0, ""
    end = time.monotonic() + 8.0
    while time.monotonic() < end and not (worst and result == "ALLOWED"):
        seconds, result = timed(lambda: client.hit("calls", "alice"))
        worst = max(worst, seconds)
        time.sleep(0.01)
    assert result == "ALLOWED"
    assert worst <= DEADLINE_S + GRACE_S
