"""docs/behaviour.md and the scripts name what there is, and what decisions.md claims."""

import re
from pathlib import Path

import pytest

from local.processes import ROOT
from local.reference import head_of
from tests.docs.test_design import DECISIONS
from tests.docs.test_links import anchor_of

SCRIPTS = sorted((ROOT / "findings").glob("*.sh"))
BEHAVIOR = (ROOT / "docs/behaviour.md").read_text()
NAMED = re.findall(r"`([\w./]+\.\w+)(?:::(\w+))?`", BEHAVIOR)

SOFTWARE = re.compile(
    r"\b(BigQuery|Google's|Terraform|Cloud Run|Cloud Scheduler|Eventarc|IAM|gcloud|dlt"
    r"|functions-framework|gunicorn|glibc|urllib3|uv|pip|DuckDB|emulator|ZetaSQL|sqlglot|checkov"
    r"|nginx|botocore|Airbyte|KEV|EPSS|SSVC|TOML)\b"
)
"""Names of the software on which decisions.md leans."""
NO_CLAIM = {
    "BigQuery's clock",
    "Packages in layers",
    "The page says first what to fix first",
}
"""Decisions that name such software, and whose reasons do not depend on how it behaves."""


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


@pytest.mark.parametrize("name", [name for name in DECISIONS if SOFTWARE.search(DECISIONS[name])])
def test_each_decision_on_other_software_has_its_behavior(name: str) -> None:
    """A row says what holds the claims of a decision: a script, a test or a documentation."""
    has_row = f"](decisions.md#{anchor_of(name)})" in BEHAVIOR
    assert has_row is (name not in NO_CLAIM)
