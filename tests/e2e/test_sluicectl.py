"""sluicectl as a person and as a script use it, against a server with the quickstart example."""

import base64
import json
import re
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


GATEWAY = """
tenants:
  acme: {namespace: acme}
throttles:
  - uid: health
    rate: 1/day
    rules: [{bypass: {path: /health, methods: [GET]}}]
  - uid: plans
    rate: {by: header.x-plan, values: {pro: 9/day}, default: 2/day}
    cost: {by: method, values: {POST: 2}, default: 1}
    identifier: "{header.x-user|identifier}"
    exempt: [{remote_address: {cidr: [10.0.0.0/8]}}]
    response:
      status: 420
      content_type: application/json
      body: '{"slow": "down", "by": "{throttle}"}'
      headers: {x-why: "{throttle}"}
  - {uid: watched, rate: 1/day, shadow: true}
  - {uid: internal, rate: 3/day, gateway: false}
"""


@pytest.fixture
def gateway(start_sluiced):
    return start_sluiced(GATEWAY, allow_reset=True)


def addresses(sluiced):
    return ("--addr", sluiced.grpc_address, "--admin-addr", sluiced.admin_address)


def test_should_limit_tells_what_to_answer(gateway):
    address = ("--addr", gateway.grpc_address)
    post = ("should-limit", "--method", "POST", "--path", "/health?a", "--header", "X-User=ann")
    get = ("should-limit", "--method", "GET", "--path", "/health", "--header", "x-user=ann")
    for _ in range(2):
        looked = sluicectl(*post, "--dry-run", *address)
        assert looked.returncode == 0, looked.stderr
        assert looked.stdout.splitlines()[0] == "allowed"
    allowed = sluicectl(*post, *address)
    assert allowed.returncode == 0, allowed.stderr
    # The rule bypasses GET alone.
    rows = [line.split()[0] for line in allowed.stdout.splitlines()[2:5]]
    assert rows == ["health", "plans", "watched"]

    limited = sluicectl(*get, *address)
    assert limited.returncode == 1, limited.stderr
    lines = limited.stdout.splitlines()
    assert lines[0].startswith("limited by plans, answer 420, retry in ")
    assert not any(line.startswith("health") for line in lines)
    assert "x-why: plans" in lines
    assert any(line.startswith("Retry-After: ") for line in lines)
    assert lines[-3:] == ["Content-Type: application/json", "", '{"slow": "down", "by": "plans"}']

    told = sluicectl(*get, "--output", "json", *address)
    assert told.returncode == 1
    response = json.loads(told.stdout)
    assert response["should_limit"] is True
    assert response["http_status"] == 420
    assert base64.b64decode(response["body"]) == b'{"slow": "down", "by": "plans"}'

    # From the office, and as somebody else.
    for other in (("--remote-address", "10.1.2.3"), ("--header", "x-plan=pro")):
        assert sluicectl(*get, *other, *address).returncode == 0


EXPLAINED = [
    ("--method", "GET", "--path", "/health", "--id", "ann"),
    ("--method", "POST", "--path", "/", "--header", "X-User=ann", "--header", "x-plan=pro"),
    ("--remote-address", "10.1.2.3", "--cost", "3", "--tenant", "acme"),
    ("plans", "internal", "--id", "bob", "--context", "header.x-plan=pro"),
    ("health", "--path", "/health", "--method", "GET", "--costs", "health=0"),
]


@pytest.mark.parametrize("question", EXPLAINED)
@pytest.mark.parametrize("output", ["table", "json"])
def test_explain_says_the_same_offline_and_live(gateway, question, output):
    ask = ("explain", *question, "--output", output)
    live = sluicectl(*ask, *addresses(gateway))
    offline = sluicectl(*ask, "--config", gateway.config)
    assert live.returncode == offline.returncode == 0, (live.stderr, offline.stderr)
    assert live.stdout == offline.stdout
    assert "health" in live.stdout or "internal" in live.stdout


def test_explain_says_what_decided_and_where(gateway):
    def explained(*arguments):
        told = sluicectl("explain", *arguments, *addresses(gateway))
        assert told.returncode == 0, told.stderr
        return [" ".join(line.split()) for line in told.stdout.splitlines()]

    def place(phrase):
        lines = gateway.config.read_text().splitlines()
        (number,) = (n for n, line in enumerate(lines, 1) if phrase in line)
        return f"{gateway.config}:{number}"

    lines = explained(*EXPLAINED[0])
    assert lines[0] == f"health does not apply: a rule bypasses it {place('uid: health')}"
    assert lines[1] == f"rule bypass: {{path: /health, methods: [GET]}} {place('bypass:')}"
    assert f"watched (in shadow) applies {place('uid: watched')}" in lines
    assert f"internal does not apply: it is not for gateways {place('uid: internal')}" in lines

    lines = explained(*EXPLAINED[1])
    assert f"cost 2 method is POST {place('cost:')}" in lines
    assert f"identifier ann {{header.x-user|identifier}} {place('identifier:')}" in lines
    assert f"rate 9/d header.x-plan is pro {place('rate: {by')}" in lines

    lines = explained(*EXPLAINED[2])
    assert f"plans does not apply: the caller is exempt {place('uid: plans')}" in lines
    assert f"exemption {{remote_address: {{cidr: [10.0.0.0/8]}}}} {place('exempt:')}" in lines
    assert "cost 3 the request" in lines
    assert "tenant acme the request" in lines

    # It takes nothing, and shows the counter that a hit would take from.
    assert sluicectl("hit", "internal", "--id", "eve", *addresses(gateway)[:2]).returncode == 0
    key = next(line for line in explained("internal", "--id", "eve") if line.startswith("key "))
    stat = sluicectl("stat", "internal", "--id", "eve", *addresses(gateway)[:2]).stdout
    assert key.split()[1] in stat
    assert " 2 " in stat.splitlines()[1]


def test_override_changes_a_throttle_for_a_while(gateway):
    address = addresses(gateway)

    def hit():
        return sluicectl("hit", "internal", "--id", "ann", "--cost", 3, *address[:2]).returncode

    assert [hit(), hit()] == [0, 1]
    changed = sluicectl("override", "internal", "--rate", "6/day", "--for", "10m", *address)
    assert changed.returncode == 0, changed.stderr
    assert re.fullmatch(r"internal: rate 6/d, until \S+Z\n", changed.stdout)
    assert [hit(), hit()] == [0, 1]
    shown = sluicectl("policy", *address).stdout
    assert f"# override: {changed.stdout}" in shown
    assert "an override" in sluicectl("explain", "internal", *address).stdout

    for change, reason in (
        (("--enabled", "false"), "an override switched it off"),
        (("--cost", 0), "the cost is 0"),
    ):
        sluicectl("override", "internal", *change, "--for", "10m", *address)
        assert reason in sluicectl("explain", "internal", *address).stdout
    shadow = sluicectl("override", "*", "--shadow", "true", "--for", "10m", *address)
    assert shadow.stdout.startswith("*: shadow true, until ")
    for uid in ("*", "internal"):
        ended = sluicectl("override", uid, "--end", *address)
        assert ended.stdout == f"{uid}: as the configuration has it\n"
    assert hit() == 1
    assert "override" not in sluicectl("policy", *address).stdout

    unknown = sluicectl("override", "none", "--shadow", "true", "--for", "1m", *address)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("sluicectl: NOT_FOUND: ")


def test_reload_and_policy(gateway):
    address = addresses(gateway)
    before = sluicectl("policy", *address)
    assert before.returncode == 0, before.stderr
    assert re.match(r"# generation: 1\n# hash: [0-9a-f]+\n# loaded at: \S+Z\n[a-z]", before.stdout)
    offline = sluicectl("policy", "--config", gateway.config)
    assert before.stdout.splitlines()[3:] == offline.stdout.splitlines()[2:]
    told = json.loads(sluicectl("policy", "--output", "json", *address).stdout)
    assert told["generation"] == "1"

    good = gateway.config.read_text()
    gateway.config.write_text(good.replace("rate: 3/day", "rate: 4/day"))
    reloaded = sluicectl("reload", *address)
    assert reloaded.returncode == 0, reloaded.stderr
    generation = re.fullmatch(r"generation (\d+) decides\n", reloaded.stdout)[1]
    shown = sluicectl("policy", *address).stdout
    assert "rate: 4/day" in shown
    assert f"# generation: {generation}\n" in shown

    gateway.config.write_text(good.replace("rate: 3/day", "rate: 3/fortnight"))
    refused = sluicectl("reload", *address)
    assert refused.returncode == 1, refused.stderr
    first, last = refused.stdout.splitlines()
    assert re.match(rf"{gateway.config}:\d+:\d+: .*fortnight", first)
    assert last == f"generation {generation} stays"
    assert "# stale: " in sluicectl("policy", *address).stdout
    assert sluicectl("policy", "--config", gateway.config).returncode == 2


def test_reset(gateway):
    address = addresses(gateway)

    def hit(who, *tenant):
        asked = ("hit", "internal", "--id", who, "--cost", 3, *tenant, *address[:2])
        return sluicectl(*asked).returncode

    assert [hit("ann"), hit("ann"), hit("bob"), hit("bob", "--tenant", "acme")] == [0, 1, 0, 0]
    reset = sluicectl("reset", "internal", "plans", "--id", "ann", *address)
    assert reset.returncode == 0, reset.stderr
    assert reset.stdout == "1 key reset\n"
    assert [hit("ann"), hit("bob")] == [0, 1]

    everybody = sluicectl("reset", "internal", "--all", "--tenant", "acme", *address)
    assert everybody.stdout == "1 key reset\n"
    assert sluicectl("reset", "internal", "--all", *address).stdout == "2 keys reset\n"
    assert [hit("ann"), hit("bob"), hit("bob", "--tenant", "acme")] == [0, 0, 0]
    assert sluicectl("reset", "--all", "--tenant", "acme", *address).stdout == "1 key reset\n"
    unknown = sluicectl("reset", "none", "--id", "ann", *address)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("sluicectl: NOT_FOUND: ")


def test_a_reset_without_rights_is_refused(quickstart):
    sluicectl("hit", "api:burst", "--id", "ann", "--addr", quickstart.grpc_address)
    refused = sluicectl("reset", "api:burst", "--id", "ann", "--addr", quickstart.grpc_address)
    assert refused.returncode == 2
    assert refused.stderr.startswith("sluicectl: PERMISSION_DENIED: ")
    assert "allow_reset" in refused.stderr


def test_admin_commands_name_the_admin_address():
    nowhere = f"127.0.0.1:{free_port()}"
    for command in (("reload",), ("policy",), ("explain",), ("reset", "x", "--all")):
        unreachable = sluicectl(*command, "--admin-addr", nowhere)
        assert unreachable.returncode == 2
        assert f"cannot reach {nowhere}" in unreachable.stderr
