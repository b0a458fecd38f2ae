"""STRATEGIES.md: its examples run, its pictures are what its commands draw, and nothing is missing.

SLUICE_UPDATE_GOLDENS=1 in the environment draws the pictures anew.
"""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from api import Outcome
from harness import ROOT, sluicectl
from readme import blocks, pictures, plot_arguments

GOLDEN = ROOT / "tests" / "golden"
HEADERS = ROOT / "server" / "strategy"
PAGE = (ROOT / "STRATEGIES.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def told_by_simulate(pattern, *arguments):
    """The words of a list in the one line with which simulate refuses these arguments."""
    refused = sluicectl("simulate", "--rate", "1/s", *arguments)
    assert refused.returncode == 2
    listed = re.search(pattern, refused.stderr)
    assert listed, refused.stderr
    return listed[1].split(", ")


@pytest.fixture(scope="module")
def strategies():
    return told_by_simulate(r"\(use one of (.*)\)", "--strategy", "nonsense")


def tables(text):
    """Each table as a list of rows, without its header."""
    found = re.findall(r"^\|.*\|\n\| ---.*\|\n((?:\|.*\|\n)+)", text, re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.splitlines()]
        for rows in found
    ]


def side_by_side():
    """The rows of the comparison, by strategy."""
    text = PAGE.partition("\n## All fourteen side by side\n")[2].partition("\n## ")[0]
    (rows,) = tables(text)
    return {name: cells for name, *cells in rows}


# What is there.


def test_every_strategy_has_a_section_in_the_order_of_the_registry(strategies):
    assert list(SECTIONS) == strategies


def test_every_strategy_is_offered_compared_and_in_the_readme(strategies):
    offered = re.findall(r"\| \[(\w+)\]\(#(\w+)\) \|$", PAGE, re.MULTILINE)
    assert sorted(offered) == sorted((name, name) for name in strategies)
    assert list(side_by_side()) == strategies
    linked = re.findall(
        r"^\| \[`(\w+)`\]\(STRATEGIES\.md#(\w+)\) \|",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )
    assert linked == [(name, name) for name in strategies]


def test_the_table_of_each_section_has_the_parameters_that_the_strategy_knows(strategies):
    for name in strategies:
        known = told_by_simulate(r"\(it has (.*)\)", "--strategy", name, "--param", "nonsense=1")
        (rows,) = tables(SECTIONS[name])
        assert sorted(row[0] for row in rows) == sorted(f"`{each}`" for each in known), name


def test_the_bytes_are_those_of_the_registers(strategies):
    for name in strategies:
        header = (HEADERS / f"{name}.h").read_text()
        own = re.search(r"int kRegisters = (\d+);", header)
        classes = re.search(r": LogStrategy<(\d+)>", header)
        # What a family's base has is what its header says.
        count = int(own[1]) if own else 2 + int(classes[1]) if classes else 2
        keeps_log = bool(classes) or "bool kLog = true" in header
        size = 24 + 8 * count + (8 if keeps_log else 0) + 7
        assert side_by_side()[name][1] == f"{size} + log" if keeps_log else str(size), name
        assert re.search(rf"State: {size}\sbytes", SECTIONS[name]), name
        assert ("128 for each 7" in SECTIONS[name].replace("\n", " ")) == keeps_log, name


# Its examples.

EXAMPLES = {
    name: re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for name, text in SECTIONS.items()
}


def test_each_section_has_its_example():
    assert [len(examples) for examples in EXAMPLES.values()] == [1] * len(SECTIONS)
    assert len(blocks("yaml", "STRATEGIES.md")) == len(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_an_example_is_valid_and_gives_no_warning(name, tmp_path):
    file = tmp_path / "example.yaml"
    file.write_text(EXAMPLES[name][0])
    checked = sluicectl("validate", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "warning" not in checked.stdout + checked.stderr


def test_every_throttle_answers_as_its_strategy(start_sluiced, connect):
    """All examples in one policy: their throttles behind one another, and what is above these."""
    parts = [EXAMPLES[name][0].partition("throttles:\n") for name in SECTIONS]
    above = "".join(part[0] for part in parts)
    client = connect(start_sluiced(above + "throttles:\n" + "".join(part[2] for part in parts)))
    for name in SECTIONS:
        throttles = re.findall(r"^  - uid: (\S+)$", EXAMPLES[name][0], re.MULTILINE)
        assert throttles, name
        for throttle in throttles:
            (result,) = client.hit(throttle, "alice").results
            assert result.outcome == Outcome.OUTCOME_ALLOWED, throttle
            assert result.stat.WhichOneof("metadata") == name


# Its pictures.


def test_each_section_has_its_picture():
    assert list(pictures("STRATEGIES.md")) == list(SECTIONS)
    for name, command in pictures("STRATEGIES.md").items():
        assert f"--strategy {name} " in command
        assert f"(tests/golden/plots/{name}.svg)" in SECTIONS[name]


@pytest.mark.parametrize(
    "page, name",
    [(page, name) for page in ("README.md", "STRATEGIES.md") for name in pictures(page)],
)
def test_a_picture_is_what_the_command_below_it_draws(page, name, tmp_path):
    plot = tmp_path / "out.svg"
    command = plot_arguments(pictures(page)[name], plot)
    drawn = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert drawn.returncode == 0, drawn.stderr
    ElementTree.parse(plot)
    golden = GOLDEN / "plots" / f"{name}.svg"
    if os.environ.get("SLUICE_UPDATE_GOLDENS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(plot.read_bytes())
    assert plot.read_bytes() == golden.read_bytes()


def test_every_picture_is_shown():
    shown = {**pictures("STRATEGIES.md"), **pictures("README.md")}
    assert {file.stem for file in (GOLDEN / "plots").iterdir()} == set(shown)


def test_the_traces_follow_their_rules():
    program = "import json, traces; print(json.dumps({name: traces.text(name) for name in traces.TRACES}))"
    written = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=GOLDEN,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    for name, text in json.loads(written.stdout).items():
        assert (GOLDEN / f"{name}.csv").read_text() == text, name
