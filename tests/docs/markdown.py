"""What the documents hold: their blocks, commands, headings and tables."""

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from local.processes import ROOT

DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "terraform/README.md",
]


class Block(NamedTuple):
    """A fenced block of a document, and the heading that it is under."""

    document: str
    heading: str
    info: str
    text: str


def blocks() -> Iterator[Block]:
    for path in DOCUMENTS:
        text = path.read_text()
        for found in re.finditer(r"(?ms)^( *)```([^\n]*)\n(.*?)^\1```$", text):
            heading = re.findall(r"(?m)^#+ (.*)$", without_blocks(text[: found.start()]))[-1]
            name = path.relative_to(ROOT).as_posix()
            yield Block(name, heading, found[2], textwrap.dedent(found[3]))


def without_blocks(text: str) -> str:
    """Remove fenced blocks, whose comments look like headings."""
    return re.sub(r"(?ms)^( *)```.*?^\1```$", "", text)


def commands(block: Block) -> list[str]:
    """List the commands of a block, each in one line and without its comment."""
    lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.strip()]


def section(document: str, heading: str) -> str:
    """Get the text below a heading of any level, up to the next of its level."""
    text = (ROOT / document).read_text()
    [found] = re.findall(rf"(?ms)^(#+) {re.escape(heading)}\n(.*?)(?=^\1 |\Z)", text)
    return str(found[1])


def table(document: str, heading: str) -> list[list[str]]:
    """Get the cells of all tables below a heading, without their heads."""
    rows = re.findall(r"(?m)^\| ?(.*) \|$", section(document, heading))
    heads = len(re.findall(r"(?m)^\|---", section(document, heading)))
    cells = [row.split(" | ") for row in rows]
    assert heads == 1
    return cells[1:]
