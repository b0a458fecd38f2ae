"""The schema for editors takes every configuration that is shown, and refuses what is mistyped."""

import json
import re

import jsonschema
import pytest
import yaml

from harness import EXAMPLES, ROOT, sluicectl
from readme import blocks

SCHEMA = json.loads((ROOT / "deploy" / "sluice.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def is_policy(document):
    """Envoy's own configurations, the domains that it asks for and compose's services are none."""
    others = {"domain", "static_resources", "services"}
    return isinstance(document, dict) and not others & set(document)


def shown():
    """(name, text) of every configuration in the examples and on the pages."""
    for path in sorted(EXAMPLES.rglob("*.yaml")):
        if path.parent.name == "redis-cluster":
            continue  # manifests of Kubernetes, several to a file
        yield str(path.relative_to(ROOT)), path.read_text()
    for page in ["README.md", "CONFIGURATION.md"]:
        for number, text in enumerate(blocks("yaml", page)):
            yield f"{page} block {number}", text


POLICIES = {name: text for name, text in shown() if is_policy(yaml.safe_load(text))}


def table_rows():
    """(section's word, key, example) of every row in CONFIGURATION.md."""
    section = None
    for line in (ROOT / "CONFIGURATION.md").read_text().splitlines():
        if found := re.match(r'<a id="(.+)"></a>', line):
            section = found[1]
        elif found := re.match(r"\| `(\w+)` \| .+? \| .+? \| `(.+?)` \| ", line.replace(r"\|", "\0")):
            yield section, found[1], found[2].replace("\0", "|")


def errors(definition, document):
    """What the schema has against a document that is meant as one of its sections."""
    section = {**SCHEMA, "$ref": f"#/$defs/{definition}"}
    return [error.message for error in jsonschema.Draft202012Validator(section).iter_errors(document)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(sluicectl("schema").stdout) == SCHEMA


def test_there_are_configurations_to_look_at():
    assert len(POLICIES) >= 7, sorted(POLICIES)


@pytest.mark.parametrize("name", POLICIES)
def test_what_is_shown_is_right(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ADMIN_TOKEN", "t0ken")  # an example has no default for it, on purpose
    document = yaml.safe_load(POLICIES[name])
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    # The files that these name are not beside them here.
    if not {"tls", "files", "equals_file"} & set(re.findall(r"\w+(?=:)", POLICIES[name])):
        (tmp_path / "policy.yaml").write_text(POLICIES[name])
        checked = sluicectl("validate", tmp_path / "policy.yaml")
        assert checked.returncode == 0, checked.stdout


def test_every_example_of_a_key_is_right():
    rows = list(table_rows())
    assert len(rows) == sum(len(each["properties"]) for each in SCHEMA["$defs"].values())
    for section, key, example in rows:
        assert errors(section, {key: yaml.safe_load(example)}) == [], (section, key)


BROKEN = [
    "throttle: []",
    "namespace: [a]",
    "server: {grcp: {address: x:1}}",
    "server: {drain_delay: 2}",
    "server: {drain_delay: soon}",
    "server: {allow_reset: maybe}",
    "server: {grpc: {tls: {cert_file: a.pem}}}",
    "server: {auth: {mtls_san: a}}",
    "backends: {a: {type: disk}}",
    "backends: {a: {max_keys: 3}}",
    "backends: {a: {type: memory, max_keys: 0}}",
    "backends: [memory]",
    "tenants: {acme: {name_space: a}}",
    "client_ip: {ipv6_prefix: 129}",
    "client_ip: {trusted_proxies: 10.0.0.0/8}",
    "domains: {file: []}",
    "throttles: {uid: a}",
    "throttles: [{rate: 1/s}]",
    "throttles: [{uid: a, rate: 20}]",
    "throttles: [{uid: a, rate: fast}]",
    "throttles: [{uid: a, rate: {by: tier, values: {a: 1/s}}}]",
    "throttles: [{uid: a, rate: 1/s, strategy: gcar}]",
    "throttles: [{uid: a, rate: 1/s, strategy: {burst: 4}}]",
    "throttles: [{uid: a, rate: 1/s, cost: -1}]",
    "throttles: [{uid: a, rate: 1/s, cost: {expression: '1'}}]",
    "throttles: [{uid: a, rate: 1/s, key_by: scope}]",
    "throttles: [{uid: a, rate: 1/s, exempt: [{tier: gold}]}]",
    "throttles: [{uid: a, rate: 1/s, exempt: [{tier: {equal: gold}}]}]",
    "throttles: [{uid: a, rate: 1/s, rules: [{path: /health}]}]",
    "throttles: [{uid: a, rate: 1/s, rules: [{bypass: {path: {glob: /a}}}]}]",
    "throttles: [{uid: a, rate: 1/s, on_error: deny}]",
    "throttles: [{uid: a, rate: 1/s, on_error: {then: allow}}]",
    "throttles: [{uid: a, rate: 1/s, min_wait: 5}]",
    "throttles: [{uid: a, rate: 1/s, headers: sometimes}]",
    "throttles: [{uid: a, rate: 1/s, headers: {below: 2}}]",
    "throttles: [{uid: a, rate: 1/s, response: {status: 200}}]",
    "throttles: [{uid: a, rate: 1/s, shadow: 1}]",
    "defaults: {sahdow: true}",
    "[]",
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_mistyped_is_refused(text, tmp_path):
    """By the schema, and by the loader too: the schema is never the stricter one."""
    assert not VALIDATOR.is_valid(yaml.safe_load(text))
    (tmp_path / "policy.yaml").write_text(text)
    assert sluicectl("validate", tmp_path / "policy.yaml").returncode == 1


@pytest.mark.parametrize(
    "text",
    [
        "throttles: [{uid: '${UID}', rate: '${RATE:-1/s}', cost: '${COST}', shadow: '${SHADOW}'}]",
        "server: {drain_delay: '${DELAY:-2s}', allow_reset: '${RESET}'}",
        "backends: {a: {type: '${TYPE}', max_keys: '${KEYS:-10}'}}",
        "throttles: [{uid: 5, rate: 1 per second, shadow: yes, headers: {below: '0.1'}}]",
        "defaults: {strategy: {type: tiered_rate, tiers: {free: 0.5}}}",
        "server: {admin: {address: off}, drain_delay: 0}",
        "server:",
        "",
    ],
)
def test_what_the_loader_takes_the_schema_takes(text):
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []
