"""What README.md prints is run as it is printed."""

import re
import shlex
import subprocess
import sys

from harness import EXAMPLES, ROOT, SLUICECTL, sluicectl
from readme import block, blocks


def test_the_python_client(start_sluiced, tmp_path):
    sluiced = start_sluiced((EXAMPLES / "quickstart.yaml").read_text())
    printed = block("sh", "grpc_tools.protoc")
    protoc = re.search(r"-m grpc_tools\.protoc (.*?)\nPYTHONPATH", printed, re.DOTALL)[1]
    stubs = tmp_path / "client"
    stubs.mkdir()
    arguments = protoc.replace("\\\n", " ").replace("build/client", str(stubs)).split()
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], cwd=ROOT, check=True)

    program = re.search(r"<<'PY'\n(.*?)^PY$", printed, re.MULTILINE | re.DOTALL)[1]
    assert "127.0.0.1:8081" in program
    told = subprocess.run(
        [sys.executable, "-c", program.replace("127.0.0.1:8081", sluiced.grpc_address)],
        env={"PYTHONPATH": str(stubs)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.splitlines()
    assert told[0] == "allowed"
    assert "X-RateLimit-Remaining" in told[1]


def test_the_commands_that_follow_the_first_decision(start_sluiced):
    """Each is allowed to begin with, and exits with 0."""
    sluiced = start_sluiced((EXAMPLES / "quickstart.yaml").read_text())
    printed = [
        line.partition("#")[0].split()[1:]
        for commands in blocks("sh")
        for line in commands.splitlines()
        if re.match(r"build/release/bin/sluicectl (?!validate|simulate|explain)", line)
    ]
    assert len(printed) >= 3
    for arguments in printed:
        ran = sluicectl(*arguments, "--addr", sluiced.grpc_address)
        assert ran.returncode == 0, (arguments, ran.stderr)
        assert ran.stdout


def test_the_explanation_of_a_request():
    """Byte for byte what is printed below the command."""
    program, *arguments = shlex.split(block("sh", "sluicectl explain").replace("\\\n", " "))
    assert program == "build/release/bin/sluicectl"
    told = subprocess.run(
        [SLUICECTL, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    assert told.stdout == block("text", "does not apply: a rule bypasses it")


def test_every_command_is_named():
    listed = sluicectl("--help").stdout.partition("Subcommands:")[2]
    commands = re.findall(r"^  ([a-z-]+) {2,}[A-Z]", listed, re.MULTILINE)
    assert len(commands) >= 12
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`([a-z-]+)`", row)}
    assert set(commands) <= named


def test_the_configuration_and_the_domain_are_valid(tmp_path):
    (tmp_path / "ratelimit").mkdir()
    (tmp_path / "ratelimit" / "edge.yaml").write_text(block("yaml", "domain: edge\ndescriptors:"))
    (tmp_path / "sluice.yaml").write_text(block("yaml", "namespace: myapp\n"))
    checked = sluicectl("validate", tmp_path / "sluice.yaml")
    assert checked.returncode == 0, checked.stdout
