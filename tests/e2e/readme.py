"""The blocks of README.md, as they are printed."""

import re

from harness import ROOT


def blocks(language):
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block(language, phrase):
    """The one block that holds this phrase."""
    found = [each for each in blocks(language) if phrase in each]
    assert len(found) == 1, found
    return found[0]
