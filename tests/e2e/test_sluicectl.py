"""sluicectl as a person and as a script use it, against a server with the quickstart example."""

import json
import shutil
import time

import pytest

from harness import EXAMPLES, free_port, sluicectl


@pytest.fixture
def quickstart(start_sluiced):
    return start_sluiced((EXAMPLES / "quickstart.yaml").read_text())


def test_the_sequence_of_the_readme(quickstart):
    """40 hits are allowed and the next is denied with its wait, as `burst_size: 40` has it."""

    def hit():
        return sluicectl("hit", "api:burst", "--id", "alice", "--addr", quickstart.grpc_address)

    began = time.monotonic()
    for number in range(1, 41):
        allowed = hit()
        assert allowed.returncode == 0, (number, allowed.stdout, allowed.stderr)
        assert "allowed" in allowed.stdout

    # On a busy machine tokens come back meanwhile, one a minute.
    denied = hit()
    extra = 0
    while denied.returncode == 0:
        extra += 1
        assert extra <= (time.monotonic() - began) / 60, "more than the burst and the refill"
        denied = hit()
    assert denied.returncode == 1, denied.stderr
    first_line = denied.stdout.splitlines()[0]
    assert "denied by api:burst" in first_line
    assert "retry in" in first_line


def test_stat_shows_the_token_bucket_and_changes_nothing(quickstart):
    address = ("--addr", quickstart.grpc_address)
    sluicectl("hit", "api:burst", "--id", "bob", *address)
    shown = sluicectl("stat", "api:burst", "--id", "bob", *address)
    assert shown.returncode == 0, shown.stderr
    for word in ("api:burst", "tokens", "capacity", "refill_rate_per_ms", "last_refill_ms"):
        assert word in shown.stdout

    def remaining():
        told = sluicectl("stat", "api:burst", "--id", "bob", "--output", "json", *address)
        return json.loads(told.stdout)["results"][0]["stat"]["hits_remaining"]

    before = remaining()
    assert before in (39, 40)
    assert remaining() >= before


def test_json_has_proto_field_names(server, who):
    address = ("--addr", server.grpc_address, "--output", "json")
    allowed = sluicectl("hit", "endless", "--id", who, *address)
    response = json.loads(allowed.stdout)
    assert allowed.returncode == 0
    assert response["allowed"] is True
    assert response["results"][0]["outcome"] == "OUTCOME_UNLIMITED"
    assert response["results"][0]["stat"]["hits_remaining"] == "Infinity"

    denied = sluicectl("check", "closed", "--id", who, *address)
    response = json.loads(denied.stdout)
    assert denied.returncode == 1
    assert response["allowed"] is False
    assert response["limited_by"] == "closed"
    assert response["wait_ms"] == "Infinity"


def test_hit_with_cost_context_and_tenant(server, who):
    address = ("--addr", server.grpc_address, "--output", "json")
    context = ("--context", f"user_id={who}", "--context", "note=a=b")
    hit = sluicectl(
        "hit", "by-user", "--id", "x", "--cost", 2, *context, "--tenant", "acme", *address
    )
    assert hit.returncode == 0, hit.stderr
    assert json.loads(hit.stdout)["results"][0]["cost"] == "2"
    assert (
        sluicectl(
            "check", "by-user", "--id", "y", *context, "--tenant", "acme", *address
        ).returncode
        == 1
    )
    assert sluicectl("check", "by-user", "--id", "y", *context, *address).returncode == 0


def test_several_throttles_in_one_hit(server, who):
    address = ("--addr", server.grpc_address)
    assert sluicectl("hit", "wide", "narrow", "--id", who, *address).returncode == 0
    denied = sluicectl("hit", "wide", "narrow", "--id", who, *address)
    assert denied.returncode == 1
    assert "denied by narrow" in denied.stdout.splitlines()[0]
    assert "wide" in denied.stdout


def test_rls(server, who):
    address = ("--addr", server.grpc_address)
    question = ("rls", "edge", f"single={who}")
    assert sluicectl(*question, *address).returncode == 0
    denied = sluicectl(*question, *address)
    assert denied.returncode == 1
    assert "OVER_LIMIT" in denied.stdout

    shown = sluicectl(
        "rls",
        "edge",
        f"nested={who},who={who}",
        f"plain={who}",
        "--hits",
        3,
        "--output",
        "json",
        *address,
    )
    response = json.loads(shown.stdout)
    assert shown.returncode == 0
    assert response["overall_code"] == "OK"
    assert [status["limit_remaining"] for status in response["statuses"]] == [2, 7]


def test_errors_are_one_clear_line_and_exit_code_2(server, who):
    unknown = sluicectl("hit", "no-such", "--id", who, "--addr", server.grpc_address)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("sluicectl: NOT_FOUND: ")
    assert "no-such" in unknown.stderr

    large = sluicectl("hit", "wide", "--id", "i" * 1025, "--addr", server.grpc_address)
    assert large.returncode == 2
    assert "INVALID_ARGUMENT" in large.stderr
    assert "identifier" in large.stderr

    nowhere = f"127.0.0.1:{free_port()}"
    unreachable = sluicectl("hit", "wide", "--id", who, "--addr", nowhere)
    assert unreachable.returncode == 2
    assert nowhere in unreachable.stderr

    for usage in ((), ("hit",), ("no-such-command",), ("hit", "wide", "--cost", "many")):
        refused = sluicectl(*usage)
        assert refused.returncode == 2, usage
        assert refused.stderr


def test_validate(tmp_path):
    examples = [EXAMPLES / "quickstart.yaml", EXAMPLES / "envoy" / "sluice.yaml"]
    fine = sluicectl("validate", *examples)
    assert fine.returncode == 0, fine.stdout
    for example in examples:
        assert f"{example}: ok" in fine.stdout

    broken = tmp_path / "broken.yaml"
    broken.write_text("throttles:\n  - {uid: a, rate: fast}\n  - {uid: b, rat: 1/s}\n")
    refused = sluicectl("validate", broken)
    assert refused.returncode == 1
    lines = refused.stdout.splitlines()
    assert any(line.startswith(f"{broken}:2:") and "fast" in line for line in lines)
    assert any(line.startswith(f"{broken}:3:") and "rate" in line for line in lines)
    assert sluicectl("validate", examples[0], broken).returncode == 1


def test_validate_of_an_envoy_domain_file(tmp_path):
    edge = EXAMPLES / "envoy" / "ratelimit" / "edge.yaml"
    copied = tmp_path / "edge.yaml"
    shutil.copy(edge, copied)
    assert sluicectl("validate", copied).returncode == 0
    copied.write_text("domain: edge\ndescriptors:\n  - {value: lonely}\n")
    refused = sluicectl("validate", copied)
    assert refused.returncode == 1
    assert "descriptor has empty key" in refused.stdout
