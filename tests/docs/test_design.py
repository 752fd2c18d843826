"""docs/design.md says what was decided, why, and what was refused."""

import re

import pytest

from tests.docs.markdown import section

DECISIONS = dict(
    re.findall(r"(?ms)^## (.*?)\n(.*?)(?=^## |\Z)", section("docs/design.md", "Decisions"))
)


@pytest.mark.parametrize("name", DECISIONS)
def test_each_decision_has_a_reason_and_what_was_refused(name: str) -> None:
    labels = re.findall(r"(?m)^- \*\*(.*?):\*\* ", DECISIONS[name])
    assert labels == ["Decision", "Reason", "Refused"]
