"""The README is short, and what it says is so."""

import re

import pytest

from local.processes import ROOT
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.sla_policy import SLA
from scanner_sync.schema.tables import TABLES
from scanner_sync.schema.views import VIEW_TABLES
from tests.docs.markdown import section, table

README = (ROOT / "README.md").read_text()
PICTURES = re.findall(r"!\[(.*)\]\((.*)\)", README)
RESULTS = [
    line
    for line in (ROOT / "benchmarks/RESULTS.md").read_text().splitlines()
    if line.startswith("- ")
]


def test_it_is_short() -> None:
    """As `wc -w` counts."""
    assert len(README.split()) <= 900


def test_it_names_each_table_and_view() -> None:
    names = [
        name for row in table("README.md", "What you get") for name in re.findall(r"\w+", row[0])
    ]
    own = (READS, SLA, INTELLIGENCE, *HISTORIES, *CONCLUSIONS)
    assert sorted(names) == sorted([*TABLES, *own, *VIEW_TABLES])


def figures(text: str) -> set[str]:
    return {number.rstrip(".,") for number in re.findall(r"\d[\d.,]*", text)}


@pytest.mark.parametrize("claim", re.findall(r"(?m)^- .*$", section("README.md", "How fast")))
def test_its_figures_are_those_of_the_last_benchmark(claim: str) -> None:
    """All figures of a line are in one line of the results."""
    assert figures(claim)
    assert any(figures(claim) <= figures(line) for line in RESULTS)


@pytest.mark.parametrize(("description", "name"), PICTURES)
def test_its_pictures_are_small_and_described(description: str, name: str) -> None:
    assert len(description) >= 40
    assert (ROOT / name).stat().st_size <= 150 * 1024


def test_it_shows_the_report_and_the_terminal() -> None:
    assert [name for _, name in PICTURES] == ["docs/pictures/report.png", "docs/pictures/demo.svg"]
