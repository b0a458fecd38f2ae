"""Minutes of a Redis that comes and goes: does sluiced stay up, small and in time?

make soak, or SOAK_MINUTES=2 make soak. It fails when sluiced dies, when an answer comes later than
its deadline allows, or when its memory grows after the second minute by more than a tenth and by
more than 8 MiB.
"""

import asyncio
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "build" / "e2e" / "gen"), str(ROOT / "tests" / "e2e")]

import grpc  # noqa: E402
from sluice.v1 import limiter_pb2, limiter_pb2_grpc  # noqa: E402

from harness import Sluiced  # noqa: E402
from redis_servers import Redis  # noqa: E402

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
RATE = 300  # calls a second, sent whether answers come or not
CALLERS = 500
UP_S, DOWN_S = 3.0, 2.0
DEADLINE_S, GRACE_S = 0.015, 0.100
SAMPLE_S = 5.0
WARM_MINUTES = 2
GROWTH, GROWTH_KB = 1.10, 8 * 1024

POLICY = """\
backends:
  shared: {type: redis, addresses: ["%s"], deadline: 15ms}
  local: {type: memory, max_keys: 100_000}
default_backend: shared
throttles:
  - {uid: bucket, rate: 600/min, strategy: {type: token_bucket, burst_size: 20}}
  - {uid: falls, rate: 100/min, on_error: {fallback: local}}
  - {uid: log, rate: 20/min, strategy: sliding_window_log, on_error: allow}
"""
THROTTLES = (["bucket"], ["falls"], ["log"], ["bucket", "log"])


def by_policy(result):
    """Whether on_error has answered, of itself or by a fallback."""
    errors = (limiter_pb2.OUTCOME_ERROR_ALLOWED, limiter_pb2.OUTCOME_ERROR_DENIED)
    return result.outcome in errors or ":fallback" in result.stat.key


class Minute:
    def __init__(self):
        self.rss_kb = 0
        self.seconds = []
        self.by_policy = 0  # answered by on_error
        self.errors = 0
        self.late = 0

    def p99_ms(self):
        ordered = sorted(self.seconds)
        return 1000 * ordered[len(ordered) * 99 // 100] if ordered else 0.0


class Soak:
    def __init__(self, sluiced, redis):
        self.sluiced = sluiced
        self.redis = redis
        self.began = time.monotonic()
        self.minutes = {}
        self.samples = []  # (minutes since the start, RSS in KiB)
        self.over = threading.Event()
        self.trouble = []  # what the other thread could not do

    def minute(self):
        number = int((time.monotonic() - self.began) / 60) + 1
        return self.minutes.setdefault(number, Minute())

    def break_redis(self):
        """Up and down, until it is over."""
        try:
            while not self.over.wait(UP_S):
                self.redis.kill()
                self.over.wait(DOWN_S)
                self.redis.restart()
        except Exception as error:  # an assertion in a thread would be lost
            self.trouble.append(f"Redis did not come back: {error}")

    async def ask(self, stub, number):
        request = limiter_pb2.HitRequest(
            throttles=THROTTLES[number % len(THROTTLES)],
            identifier=f"caller-{number % CALLERS}",
            detail=limiter_pb2.DETAIL_STAT,
        )
        minute = self.minute()
        began = time.monotonic()
        try:
            response = await stub.Hit(request, timeout=5)
            minute.by_policy += any(map(by_policy, response.results))
        except grpc.RpcError:
            minute.errors += 1
        took = time.monotonic() - began
        minute.seconds.append(took)
        minute.late += took > DEADLINE_S + GRACE_S

    async def sample(self):
        while self.sluiced.running():
            kb = rss_kb(self.sluiced.process.pid)
            self.minute().rss_kb = kb
            self.samples.append(((time.monotonic() - self.began) / 60, kb))
            await asyncio.sleep(SAMPLE_S)

    async def load(self):
        async with grpc.aio.insecure_channel(self.sluiced.grpc_address) as channel:
            stub = limiter_pb2_grpc.LimiterStub(channel)
            await stub.Hit(limiter_pb2.HitRequest(throttles=["falls"], identifier="first"))
            sampler = asyncio.create_task(self.sample())
            asked = set()
            number = 0
            self.began = time.monotonic()
            while time.monotonic() < self.began + 60 * MINUTES and self.sluiced.running():
                task = asyncio.create_task(self.ask(stub, number))
                asked.add(task)
                task.add_done_callback(asked.discard)
                number += 1
                await asyncio.sleep(max(0.0, self.began + number / RATE - time.monotonic()))
            await asyncio.gather(*asked)
            sampler.cancel()

    def run(self):
        breaker = threading.Thread(target=self.break_redis)
        breaker.start()
        try:
            asyncio.run(self.load())
        finally:
            self.over.set()
            breaker.join()

    def print_table(self):
        print("minute   rss KiB  answered  by policy  errors  late  p99 ms")
        for number, minute in sorted(self.minutes.items()):
            print(
                f"{number:6d} {minute.rss_kb:9d} {len(minute.seconds) - minute.errors:9d}"
                f" {minute.by_policy:10d} {minute.errors:7d} {minute.late:5d}"
                f" {minute.p99_ms():7.1f}"
            )

    def failures(self):
        found = list(self.trouble)
        if not self.sluiced.running():
            found.append(f"sluiced died:\n{self.sluiced.log()[-4000:]}")
        late = sum(minute.late for minute in self.minutes.values())
        if late:
            found.append(f"{late} answers came later than {DEADLINE_S + GRACE_S:.3f} s")
        errors = sum(minute.errors for minute in self.minutes.values())
        if errors:
            found.append(f"{errors} calls failed, though every throttle has an on_error")
        if not sum(minute.by_policy for minute in self.minutes.values()):
            found.append("Redis was never missed")
        warm = [kb for when, kb in self.samples if when >= WARM_MINUTES]
        if warm and max(warm) > max(warm[0] * GROWTH, warm[0] + GROWTH_KB):
            found.append(f"after minute {WARM_MINUTES} it grew from {warm[0]} to {max(warm)} KiB")
        return found


def rss_kb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def main():
    with tempfile.TemporaryDirectory(prefix="sluice-soak-") as folder:
        redis = Redis(Path(folder))
        try:
            sluiced = Sluiced(Path(folder), POLICY % redis.address)
            try:
                soak = Soak(sluiced, redis)
                soak.run()
                soak.print_table()
                failures = soak.failures()
            finally:
                sluiced.kill()
        finally:
            redis.kill()
    for failure in failures:
        print(f"soak: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
