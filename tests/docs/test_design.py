"""docs/decisions.md says what was decided and why, and docs/design.md where to begin."""

import re

import pytest

from local.processes import ROOT
from tests.docs.markdown import section, table

DECISIONS = dict(
    re.findall(r"(?ms)^## (.*?)\n(.*?)(?=^## |\Z)", section("docs/decisions.md", "Decisions"))
)


@pytest.mark.parametrize("name", DECISIONS)
def test_each_decision_has_a_reason_and_what_was_refused(name: str) -> None:
    labels = re.findall(r"(?m)^- \*\*(.*?):\*\* ", DECISIONS[name])
    assert labels == ["Decision", "Reason", "Refused"]


def test_the_two_pages_are_read_in_a_quarter_of_an_hour() -> None:
    pages = [(ROOT / "docs" / name).read_text().split() for name in ("design.md", "decisions.md")]
    assert sum(map(len, pages)) <= 4500


def test_each_task_begins_in_a_file() -> None:
    tasks = {
        task: re.findall(r"`(.*?)`", files)
        for task, files in table("docs/design.md", "Where to begin")
    }
    assert len(tasks) == 13
    assert [name for names in tasks.values() for name in names if (ROOT / name).is_file()] == [
        name for names in tasks.values() for name in names
    ]
    assert all(tasks.values())
