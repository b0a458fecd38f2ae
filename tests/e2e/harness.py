"""The real programs, started on free ports and stopped again, and how to wait for them."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "release" / "bin"
SLUICED = Path(os.environ.get("SLUICED", BIN / "sluiced"))
SLUICECTL = Path(os.environ.get("SLUICECTL", BIN / "sluicectl"))
ENVOY = ROOT / "build" / "venv" / "bin" / "envoy"
EXAMPLES = ROOT / "deploy" / "examples"
POLICIES = Path(__file__).parent / "policies"


def free_port():
    """A port of the loopback that nobody listens on.

    It lies below the range that the kernel gives to outgoing connections, so that a server which is
    stopped and started again finds it free.
    """
    for port in random.sample(range(20000, 32000), 200):
        with contextlib.suppress(OSError), socket.socket() as candidate:
            candidate.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port between 20000 and 32000")


def wait_until(condition, what, timeout=15.0):
    """Polls until `condition()` is true, and returns what it returned."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.02)


def http_call(port, path, method="GET", body=None, headers=None, timeout=5.0):
    """One HTTP request to the loopback: (status, headers with lower-case names, body as text)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return response.status, received, response.read().decode()


def http_status(port, path):
    """The status of a GET, or None when nobody answers."""
    try:
        return http_call(port, path, timeout=1.0)[0]
    except (OSError, http.client.HTTPException):
        return None


class Program:
    """A child process whose output goes to a file."""

    def __init__(self, name, command, directory):
        self.name = name
        self.log_path = directory / f"{name}.log"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self):
        return self.log_path.read_text(errors="replace")

    def running(self):
        return self.process.poll() is None

    def wait_ready(self, port, path):
        def ready():
            assert self.running(), f"{self.name} ended at its start:\n{self.log()}"
            return http_status(port, path) == 200

        try:
            wait_until(ready, f"{self.name} answers 200 at {path}")
        except AssertionError:
            self.kill()
            raise

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=20.0):
        """The exit code. A program that does not end in time is killed, and that is a failure."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end in {timeout} s:\n{self.log()}") from None

    def kill(self):
        """As a crash would end it."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it in the way that must work: SIGINT, exit code 0."""
        if self.running():
            self.signal(signal.SIGINT)
        code = self.wait()
        assert code in (0, -signal.SIGKILL), f"{self.name} exited with {code}:\n{self.log()}"


class Sluiced(Program):
    """A server on free ports of the loopback, with a policy of the test's own.

    `policy` is the text of a configuration without a `server` section, which is put in front of it
    as one line.
    """

    def __init__(
        self, directory, policy, name="sluiced", ports=None, drain_delay="1s", allow_reset=False
    ):
        self.grpc_port, self.http_port = ports or (free_port(), free_port())
        self.admin_port = free_port()
        self.config = directory / f"{name}.yaml"
        server = {
            "grpc": {"address": self.grpc_address},
            "http": {"address": f"127.0.0.1:{self.http_port}"},
            "admin": {"address": self.admin_address},
            "drain_delay": drain_delay,
            "drain_grace": "5s",
            "allow_reset": allow_reset,
        }
        self.config.write_text(f"server: {json.dumps(server)}\n{policy}")
        super().__init__(name, [SLUICED, "--config", self.config], directory)
        self.wait_ready(self.http_port, "/readyz")

    @property
    def grpc_address(self):
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def admin_address(self):
        return f"127.0.0.1:{self.admin_port}"

    def get(self, path):
        return http_call(self.http_port, path)


class Envoy(Program):
    """A real Envoy with a bootstrap of the test's own, whose admin listens on `admin_port`."""

    def __init__(self, directory, bootstrap, admin_port, name="envoy"):
        config = directory / f"{name}.yaml"
        config.write_text(bootstrap)
        self.admin_port = admin_port
        # Without hot restart Envoys share no memory, so that any number of them run side by side.
        command = [ENVOY, "--config-path", config, "--disable-hot-restart", "--concurrency", "1"]
        super().__init__(name, command + ["--log-level", "warning"], directory)
        self.wait_ready(admin_port, "/ready")

    def stat(self, name):
        """One of Envoy's own statistics: 0 for those that it has not begun to count."""
        text = http_call(self.admin_port, f"/stats?filter=^{name}$")[2]
        return int(text.rpartition(":")[2] or 0)


def sluicectl(*arguments, timeout=20.0):
    """Runs sluicectl to its end."""
    return subprocess.run(
        [str(SLUICECTL), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
