"""A configuration that changes while it is in use."""

import itertools
import json
import os
import signal
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import Client
from harness import SLUICED, Program, free_port, http_call, wait_until

POLICY = """\
throttles:
  - {uid: steady, rate: 5/day}
  - {uid: moving, rate: %s}
"""


def samples(http_port):
    """Every sample of /metrics by its name and its label values."""
    text = http_call(http_port, "/metrics")[2]
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def generation(sluiced):
    return samples(sluiced.http_port)["sluice_config_generation",]


def wait_for_generation(sluiced, number):
    wait_until(lambda: generation(sluiced) == number, f"generation {number}")


def limit_of(client):
    return client.stat("moving", "nobody").results[0].stat.hits_remaining


def test_sighup_loads_again(start_sluiced):
    sluiced = start_sluiced(POLICY % "5/day")
    assert generation(sluiced) == 1
    sluiced.signal(signal.SIGHUP)
    wait_for_generation(sluiced, 2)
    wait_until(lambda: "reloaded generation=2 hash=" in sluiced.log(), "the log tells")
    assert samples(sluiced.http_port)["sluice_config_loads_total", "success"] == 2
    assert sluiced.running()


def test_a_change_of_the_file_takes_effect(start_sluiced, connect):
    sluiced = start_sluiced(POLICY % "5/day")
    client = connect(sluiced)
    assert limit_of(client) == 5
    sluiced.write(POLICY % "7/day")
    wait_until(lambda: limit_of(client) == 7, "the new limit")
    assert client.hit("moving", "alice").config_generation == 2
    # As editors and packagers write.
    replaced = sluiced.config.with_suffix(".new")
    replaced.write_text(sluiced.config.read_text().replace("7/day", "9/day"))
    replaced.rename(sluiced.config)
    wait_until(lambda: limit_of(client) == 9, "the newer limit")


def test_a_counter_goes_on_under_a_throttle_that_stays(start_sluiced, connect, who):
    sluiced = start_sluiced(POLICY % "5/day")
    client = connect(sluiced)
    for _ in range(3):
        assert client.hit(["steady", "moving"], who).allowed
    sluiced.write(POLICY % "4/day")
    wait_for_generation(sluiced, 2)
    stats = {each.throttle: each.stat for each in client.stat(["steady", "moving"], who).results}
    assert stats["steady"].hits_remaining == 2
    assert stats["moving"].hits_remaining == 1


def test_a_bad_file_keeps_the_old_policy_and_is_told(start_sluiced, connect, who):
    sluiced = start_sluiced(POLICY % "5/day")
    client = connect(sluiced)
    before = sluiced.config.read_text()
    sluiced.write(POLICY % "5/fortnight")
    wait_until(lambda: samples(sluiced.http_port)["sluice_config_stale",] == 1, "stale")
    shown = samples(sluiced.http_port)
    assert shown["sluice_config_generation",] == 1
    assert shown["sluice_config_loads_total", "error"] == 1

    assert client.hit("moving", who).allowed
    status, _, body = sluiced.get("/readyz")
    assert status == 200
    first, second, error = body.splitlines()
    assert (first, second) == ("ready", "stale policy: generation 1 goes on")
    assert error.startswith(f"{sluiced.config}:4:25: rate '5/fortnight'")
    wait_until(lambda: "the policy of generation 1 goes on" in sluiced.log(), "the log tells")
    assert any(" error " in line and error in line for line in sluiced.log().splitlines())

    sluiced.config.write_text(before)
    wait_until(lambda: sluiced.get("/readyz")[2] == "ready\n", "no longer stale")
    shown = samples(sluiced.http_port)
    assert (shown["sluice_config_stale",], shown["sluice_config_generation",]) == (0, 1)
    wait_until(lambda: "restored generation=1" in sluiced.log(), "the log tells")


def test_an_empty_file_changes_nothing(start_sluiced, connect, who):
    sluiced = start_sluiced(POLICY % "5/day")
    sluiced.config.write_text("")
    wait_until(lambda: "the file is empty" in sluiced.get("/readyz")[2], "the error")
    assert connect(sluiced).hit("moving", who).allowed


def test_addresses_wait_for_the_next_start(start_sluiced):
    sluiced = start_sluiced(POLICY % "5/day")
    port = free_port()
    text = sluiced.config.read_text()
    sluiced.config.write_text(text.replace(sluiced.grpc_address, f"127.0.0.1:{port}"))
    told = f"server.grpc: the address '127.0.0.1:{port}' takes effect at the next start"
    wait_until(lambda: told in sluiced.log(), "the warning")
    assert "server.http: the address" not in sluiced.log()


def test_backends_come_and_go(start_sluiced, connect, who):
    one = "backends: {first: {type: memory}}\nthrottles: [{uid: a, rate: 5/day}]\n"
    both = one.replace("}}", "}, second: {type: memory}}\ndefault_backend: second", 1)
    sluiced = start_sluiced(one)
    client = connect(sluiced)

    def remaining():
        return client.hit("a", who).results[0].stat.hits_remaining

    def keys():
        shown = samples(sluiced.http_port)
        return [shown.get(("sluice_keys", name)) for name in ("first", "second")]

    assert remaining() == 4
    sluiced.write(both)
    wait_for_generation(sluiced, 2)
    assert remaining() == 4
    assert keys() == [1, 1]
    sluiced.write(one)
    wait_for_generation(sluiced, 3)
    assert remaining() == 3
    assert keys() == [1, None]


class Hammer(threading.Thread):
    """Hits as fast as it is answered until it is told to stop, on a connection of its own."""

    def __init__(self, sluiced, stop):
        super().__init__(daemon=True)
        self.client = Client(sluiced.grpc_address, sluiced.admin_address)
        self.stop = stop
        self.hits = 0
        self.denied = 0
        self.moving = set()  # limits of the throttle that changes
        self.generations = []
        self.failure = None

    def run(self):
        try:
            while not self.stop.is_set():
                response = self.client.hit(["steady", "moving"], "everybody")
                self.hits += 1
                self.denied += not response.allowed
                self.generations.append(response.config_generation)
                self.moving.add(response.results[1].stat.rate.limit)
        except Exception as failure:
            self.failure = failure
        finally:
            self.client.close()


@pytest.mark.parametrize("by", ["ReloadPolicy", "SIGHUP"])
def test_reloads_under_load_lose_nothing(start_sluiced, connect, by):
    """200 reloads while four callers hit: each is answered by one policy, and counted once."""
    limit = 1_000_000
    reloads = 200
    policies = [
        POLICY.replace("5/day", f"{limit}/day") % f"{moving}/day" for moving in (700_000, 800_000)
    ]
    sluiced = start_sluiced(policies[0])
    client = connect(sluiced)
    stop = threading.Event()
    callers = [Hammer(sluiced, stop) for _ in range(4)]
    for caller in callers:
        caller.start()
    for number, policy in zip(range(reloads), itertools.cycle(policies[::-1])):
        sluiced.replace(policy)
        if by == "ReloadPolicy":
            answer = client.ask_admin("ReloadPolicy")
            assert not answer.errors
        else:
            seen = generation(sluiced)
            sluiced.signal(signal.SIGHUP)
            wait_until(lambda: generation(sluiced) > seen, f"reload {number}")
    last = generation(sluiced)
    stop.set()
    for caller in callers:
        caller.join(20)
        assert not caller.is_alive() and caller.failure is None, caller.failure

    # The watcher loads by itself, too, when it comes first.
    assert last >= 1 + reloads
    assert samples(sluiced.http_port)["sluice_config_loads_total", "error"] == 0
    hits = sum(caller.hits for caller in callers)
    assert hits > reloads
    assert sum(caller.denied for caller in callers) == 0
    for caller in callers:
        # One policy after the other, never back.
        assert caller.generations == sorted(caller.generations)
        assert 1 <= caller.generations[0] and caller.generations[-1] <= last
        assert caller.moving == {700_000, 800_000}
    assert len(set().union(*(caller.generations for caller in callers))) > 10
    told = client.stat(["steady", "moving"], "everybody")
    steady, moving = (result.stat for result in told.results)
    assert steady.fixed_window.current_count == hits
    assert steady.hits_remaining == limit - hits
    # A limit that changes keeps what was used.
    assert moving.fixed_window.current_count == hits
    assert sluiced.metric("sluice_decisions_total", throttle="steady", outcome="allowed") == hits


class Started(Program):
    """A sluiced on a configuration that a test laid out by itself."""

    def __init__(self, directory, config, ports):
        self.grpc_port, self.http_port = ports
        super().__init__("sluiced", [SLUICED, "--config", config], directory)
        self.wait_ready(self.http_port, "/readyz")

    def get(self, path):
        return http_call(self.http_port, path)


@pytest.fixture
def start(tmp_path, cleanup):
    """start(config, ports) -> (Started, Client)"""

    def start_it(config, ports):
        sluiced = Started(tmp_path, config, ports)
        cleanup.append(sluiced)
        client = Client(f"127.0.0.1:{sluiced.grpc_port}")
        cleanup.append(client)
        return sluiced, client

    return start_it


def server_section(ports):
    addresses = [{"address": f"127.0.0.1:{port}"} for port in ports]
    server = {"grpc": addresses[0], "http": addresses[1], "drain_delay": "0s"}
    return f"server: {json.dumps(server)}\n"


def test_a_config_map_is_swapped_as_kubernetes_does(tmp_path, start):
    ports = free_port(), free_port()
    mount = tmp_path / "mount"
    for version, rate in (("..v1", "5/day"), ("..v2", "7/day")):
        (mount / version).mkdir(parents=True)
        (mount / version / "sluice.yaml").write_text(server_section(ports) + POLICY % rate)
    (mount / "..data").symlink_to("..v1")
    (mount / "sluice.yaml").symlink_to("..data/sluice.yaml")
    _, client = start(mount / "sluice.yaml", ports)
    assert limit_of(client) == 5
    (mount / "..data_tmp").symlink_to("..v2")
    os.rename(mount / "..data_tmp", mount / "..data")
    wait_until(lambda: limit_of(client) == 7, "the new limit")


def test_a_folder_is_one_configuration(tmp_path, start, who):
    ports = free_port(), free_port()
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "a.yaml").write_text(server_section(ports))
    (folder / "b.yaml").write_text(POLICY % "5/day")
    sluiced, client = start(folder, ports)
    assert limit_of(client) == 5
    (folder / "c.yml").write_text("throttles: [{uid: added, rate: 3/day}]\n")
    wait_for_generation(sluiced, 2)
    assert client.hit(["moving", "added"], who).allowed
    (folder / "b.yaml").unlink()
    wait_for_generation(sluiced, 3)
    (folder / "d.json").write_text('{"throttles": [{"uid": "added", "rate": "1/s"}]}')
    taken = f"{folder}/d.json:1:24: the uid 'added' is taken in {folder}/c.yml:1"
    wait_until(lambda: taken in sluiced.get("/readyz")[2], "the error")
