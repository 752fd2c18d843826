"""Each promise in docs/guarantees.md is held by a test that exists."""

import re
from pathlib import Path

import pytest

from local.processes import ROOT

PROMISES = re.findall(r"(?m)^\| (.*\.) \| (.*) \|$", (ROOT / "docs/guarantees.md").read_text())


@pytest.fixture(scope="module")
def tests() -> set[str]:
    """List all tests of the repository."""
    sources = (path.read_text() for path in Path(ROOT / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"(?m)^ *def (test_\w+)\(", source)}


@pytest.mark.parametrize(("promise", "named"), PROMISES)
def test_each_promise_has_its_tests(promise: str, named: str, tests: set[str]) -> None:
    found = re.findall(r"`(\w+)`", named)
    assert found, promise
    assert set(found) <= tests


def test_each_row_is_a_promise() -> None:
    """One that is not recognized above would be tried by no test."""
    rows = re.findall(r"(?m)^\| (?!promise )", (ROOT / "docs/guarantees.md").read_text())
    assert len(rows) == len(PROMISES) > 0
