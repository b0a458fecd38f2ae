"""Real Redis servers of a test's own, that can be killed, stopped and started again."""

import signal
import subprocess

from harness import Program, free_port, wait_until

NODES = 6


def run_redis_cli(*arguments, timeout=30.0):
    """Runs redis-cli to its end: what it printed."""
    ran = subprocess.run(
        ["redis-cli", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return (ran.stdout + ran.stderr).rstrip("\n")


class Redis(Program):
    """A redis-server on a free port of the loopback, which keeps nothing on disk.

    `config` is further lines of redis.conf. With a password in them, `password` is what cli() says.
    """

    def __init__(self, directory, name="redis", config=(), password=None):
        self.port = free_port()
        self.password = password
        self._directory = directory / name
        self._directory.mkdir(exist_ok=True)
        self._config = self._directory / "redis.conf"
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"dir {self._directory}",
            'save ""',
            "appendonly no",
            "repl-diskless-sync-delay 0",
            *config,
        ]
        self._config.write_text("\n".join(lines) + "\n")
        self._launch(name)

    def _launch(self, name):
        super().__init__(name, ["redis-server", self._config], self._directory)

        def answers():
            assert self.running(), f"{self.name} ended at its start:\n{self.log()}"
            return self.cli("PING") == "PONG"

        try:
            wait_until(answers, f"{self.name} answers PING")
        except AssertionError:
            self.kill()
            raise

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def cli(self, *command):
        """Runs one command: the reply as redis-cli prints it into a pipe."""
        secret = ["--no-auth-warning", "-a", self.password] if self.password else []
        return run_redis_cli("-p", self.port, *secret, *command)

    def keys(self, pattern="*"):
        return sorted(self.cli("--scan", "--pattern", pattern).splitlines())

    def freeze(self):
        """Connections stay, and nothing is answered."""
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def restart(self):
        """As after a crash: on the same port, empty. Returns when it answers."""
        self.kill()
        self._launch(self.name)

    def stop(self):
        self.kill()


class RedisCluster:
    """Six nodes: three primaries with a replica each. A lost primary is replaced within 1 to 2 s."""

    def __init__(self, directory, config=()):
        self.nodes = []
        try:
            for number in range(NODES):
                lines = [
                    "cluster-enabled yes",
                    f"cluster-port {free_port()}",
                    "cluster-node-timeout 500",
                    "cluster-replica-validity-factor 0",
                    *config,
                ]
                self.nodes.append(Redis(directory, f"redis-{number}", lines))
            self._form()
        except BaseException:
            self.close()
            raise

    def _form(self):
        created = run_redis_cli(
            "--cluster", "create", *self.addresses, "--cluster-replicas", 1, "--cluster-yes"
        )
        assert "All 16384 slots covered" in created, created
        wait_until(self.well, "the cluster is well")

    @property
    def addresses(self):
        return [node.address for node in self.nodes]

    def well(self):
        """Whether all nodes that run say so, and all replicas follow."""
        for node in self.nodes:
            if not node.running():
                continue
            if "cluster_state:ok" not in node.cli("CLUSTER", "INFO"):
                return False
            role = node.cli("ROLE").splitlines()
            if role[0] == "slave" and "connected" not in role:
                return False
        return True

    def owner_of(self, key):
        """The node with the key's slot, as the others see it; None while there is none."""
        slot = int(self._any().cli("CLUSTER", "KEYSLOT", key))
        shards = self._any().cli("CLUSTER", "SLOTS").splitlines()
        # Three numbers and an address begin each range: first, last, host, port, id, ...
        for i in range(len(shards) - 3):
            first, last, host, port = shards[i : i + 4]
            numbers = first.isdigit() and last.isdigit() and port.isdigit()
            if numbers and host == "127.0.0.1" and int(first) <= slot <= int(last):
                for node in self.nodes:
                    if node.port == int(port) and node.running():
                        return node
        return None

    def _any(self):
        return next(node for node in self.nodes if node.running())

    def close(self):
        for node in self.nodes:
            node.kill()
