"""docs/behaviour.md and the scripts in `findings` name what there is."""

import re
from pathlib import Path

import pytest

from local.processes import ROOT
from local.reference import head_of

SCRIPTS = sorted((ROOT / "findings").glob("*.sh"))
NAMED = re.findall(r"`([\w./]+\.\w+)(?:::(\w+))?`", (ROOT / "docs/behaviour.md").read_text())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_each_script_has_the_form(script: Path) -> None:
    """Its head has each field, and its last line compares the output with the one in the head."""
    fields = ["Library", "Summary", "Guess", "Behavior", "Why it matters"]
    assert list(head_of(script)) in (fields, [*fields, "Used in"])
    text = script.read_text()
    assert text.startswith("#!/bin/sh\n# Library: ")
    assert re.search(r"(?m)^# Output:\n(#     .*\n)+# Why it matters: ", text)
    assert text.endswith('sed -n \'s/^#     //p\' "$0" | diff - "$dir/output"\n')
    assert "LATEST" in text
    assert script.stat().st_mode & 0o444


@pytest.mark.parametrize(("name", "test"), NAMED)
def test_what_is_named_is_there(name: str, test: str) -> None:
    """The files, and the tests in them."""
    path = ROOT / name
    assert path.is_file()
    assert not test or f"\ndef {test}(" in path.read_text()
