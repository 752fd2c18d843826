"""Links in the documents lead somewhere."""

import re
from pathlib import Path

import pytest

from local.processes import ROOT
from tests.docs.markdown import DOCUMENTS, without_blocks


def anchors(path: Path) -> set[str]:
    """List the anchors that GitHub gives the headings of a document."""
    return set(map(anchor_of, re.findall(r"(?m)^#+ (.*)$", without_blocks(path.read_text()))))


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file of the repository, and to a heading in it."""
    for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(path.read_text())):
        if not re.match(r"https?://", link):
            name, _, anchor = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.*")), ids=lambda path: path.name)
def test_each_document_is_linked_from_the_readme(path: Path) -> None:
    assert f"]({path.relative_to(ROOT)})" in (ROOT / "README.md").read_text()
