"""The blocks of README.md and of other pages, as they are printed."""

import re
import shlex

from harness import ROOT, SLUICECTL


def blocks(language, page="README.md"):
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block(language, phrase):
    """The one block that holds this phrase."""
    found = [each for each in blocks(language) if phrase in each]
    assert len(found) == 1, found
    return found[0]


def pictures(page):
    """{name: command} of the plots in tests/golden/plots: what is printed below each picture."""
    printed = re.findall(
        r"^!\[[^\]]+\]\(tests/golden/plots/(\w+)\.svg\)\n\n```sh\n(.*?)^```$",
        (ROOT / page).read_text(),
        re.MULTILINE | re.DOTALL,
    )
    return dict(printed)


def plot_arguments(command, plot):
    """What to run to draw that picture as `plot`, from the top of the repository."""
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["build/release/bin/sluicectl", "simulate"]
    assert words[-2:] == [">", "out.csv"]
    assert words.count("out.svg") == 1 and words[words.index("out.svg") - 1] == "--plot"
    return [str(plot) if word == "out.svg" else word for word in [str(SLUICECTL), *words[1:-2]]]
