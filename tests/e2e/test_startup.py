"""How sluiced starts, and how it refuses to."""

import json
import socket
import subprocess

import pytest

from harness import SLUICED, free_port

BROKEN = """\
namespace: broken
throttles:
  - uid: first
    rate: 20 a minute
  - uid: second
    rate: 20/min
    strateggy: gcra
  - uid: first
    rate: 1/s
    shadow: maybe
"""


def run(*arguments):
    return subprocess.run(
        [SLUICED, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
    )


def server_section(grpc="127.0.0.1:0", http="127.0.0.1:0"):
    return f"server: {json.dumps({'grpc': {'address': grpc}, 'http': {'address': http}})}\n"


def test_a_broken_file_is_refused_with_every_error(tmp_path):
    config = tmp_path / "broken.yaml"
    config.write_text(BROKEN)
    refused = run("--config", config)
    assert refused.returncode == 2
    errors = [line for line in refused.stderr.splitlines() if "broken.yaml:" in line]
    places = [line.partition("broken.yaml:")[2] for line in errors]
    assert [place.split(":")[0] for place in places] == ["4", "7", "8", "10"]
    assert all(place.split(":")[1].isdigit() for place in places)
    assert "20 a minute" in places[0]
    assert "strateggy" in places[1] and "strategy" in places[1].replace("strateggy", "")
    assert "first" in places[2]
    assert "maybe" in places[3]


def test_what_is_not_supported_yet_is_refused_by_name(tmp_path):
    config = tmp_path / "later.yaml"
    config.write_text("domains: {tenant: a}\nmetrics: {max_series: 9}\n")
    refused = run("--config", config)
    assert refused.returncode == 2
    for key in ("tenant", "metrics"):
        assert any(
            key in line and "not supported yet" in line for line in refused.stderr.splitlines()
        )


def test_a_file_that_is_not_there(tmp_path):
    refused = run("--config", tmp_path / "absent.yaml")
    assert refused.returncode == 2
    assert "absent.yaml" in refused.stderr


def test_an_unknown_flag():
    refused = run("--no-such-flag")
    assert refused.returncode == 2
    assert "--no-such-flag" in refused.stderr


@pytest.mark.parametrize("door", ["grpc", "http"])
def test_a_port_in_use_is_one_clear_line(tmp_path, door):
    with socket.create_server(("127.0.0.1", free_port())) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        config = tmp_path / "taken.yaml"
        config.write_text(server_section(**{door: address}) + "throttles: []\n")
        refused = run("--config", config)
    assert refused.returncode == 1
    telling = [line for line in refused.stderr.splitlines() if address in line]
    assert len(telling) == 1, refused.stderr
    assert "in use" in telling[0]


def test_without_a_config_the_environment_gives_the_ports(start_from_environment):
    _, client = start_from_environment({})
    assert client.hit("api:burst", "alice").allowed


@pytest.mark.parametrize("port", ["http", "65536", "-1", "80 81", ""])
@pytest.mark.parametrize("variable", ["GRPC_PORT", "PORT"])
def test_a_bad_port_in_the_environment_is_named(monkeypatch, variable, port):
    monkeypatch.setenv(variable, port)
    refused = run()
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"{variable}: '{port}'")


def test_a_runtime_root_in_the_environment_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_ROOT", str(tmp_path))
    refused = run()
    assert refused.returncode == 2
    assert "RUNTIME_ROOT is not supported yet" in refused.stderr


def test_with_a_config_the_environment_says_nothing(
    start_sluiced, connect, who, tmp_path, monkeypatch
):
    for variable in ("GRPC_PORT", "PORT"):
        monkeypatch.setenv(variable, "no port")
    monkeypatch.setenv("RUNTIME_ROOT", str(tmp_path))
    sluiced = start_sluiced("throttles: [{uid: wide, rate: 500/day}]\n")
    assert connect(sluiced).hit("wide", who).allowed


def test_the_start_is_told_in_one_line(server):
    started = [line for line in server.log().splitlines() if server.grpc_address in line]
    assert len(started) == 1, server.log()
    for word in (f"127.0.0.1:{server.http_port}", "local", "sluiced.yaml"):
        assert word in started[0]


def test_help_and_version():
    for flag in ("--help", "--version"):
        told = run(flag)
        assert told.returncode == 0
        assert told.stdout
    assert "--config" in run("--help").stdout
