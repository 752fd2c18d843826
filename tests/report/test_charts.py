"""The marks of each chart, by the labels that Vega-Lite gives them, against the page's tables."""

import re

import pytest

from .account import NOW, START
from .conftest import ReadPage, days

# One worker writes the page that all of these tests read.
pytestmark = pytest.mark.xdist_group("report")


def marks(page: ReadPage, name: str) -> list[str]:
    """The labels of the marks of a chart, which are the same for a desktop and for a phone."""
    wide, narrow = page.charts[name]
    assert wide == narrow
    return wide


def test_open_by_severity(page: ReadPage) -> None:
    """A panel for each severity is an area under a line from the first week to a point now."""
    header, now, *_, first = page.tables["open-table"]
    expected = []
    for column in range(1, len(header) - 1):  # the last one is a sum
        begin = f"at: {START:%b} {START.day}; open: {first[column]}"
        end = f"at: {NOW:%b} {NOW.day}; open: {now[column]}"
        expected += [begin, begin, end]
    assert marks(page, "open") == expected


def test_opened_and_closed(page: ReadPage) -> None:
    """Bars go up for what was opened and down for what was closed; none is drawn for zero."""
    expected = []
    for week, opened, _, closed, *_ in reversed(page.tables["flow-table"][1:]):
        label = f"week: {week.removesuffix(' (so far)')}; signed:"
        expected += [f"{label} {opened}"] * (opened != "0")
        expected += [f"{label} \N{MINUS SIGN}{closed}"] * (closed != "0")
    assert marks(page, "flow") == expected


def test_days_to_fix(page: ReadPage) -> None:
    """A bar from the first to the third quartile of each severity, and a tick at the median."""
    labels = [
        re.sub(r": ([\d.]+)(?=;|$)", lambda number: f": {days(float(number[1]))}", label)
        for label in marks(page, "days")
    ]
    rows = page.tables["days-table"][1:]
    assert labels == [
        *(
            f"quarter: {q}; severity: {s}; three_quarters: {t}"
            for s, fixes, _, _, q, _, t, *_ in rows
            if fixes != "0"
        ),
        *(
            f"median: {median}; severity: {s}"
            for s, fixes, _, _, _, median, *_ in rows
            if fixes != "0"
        ),
    ]


def test_worst_targets(page: ReadPage) -> None:
    """A bar for the findings to do on each target, and on it one for the critical ones."""
    rows = list(enumerate(page.tables["targets-table"][1:]))
    assert marks(page, "targets") == [
        *(f"to_do: {row[1].split()[0]}; rank: {rank}" for rank, row in rows),
        *(f"critical: {row[4]}; rank: {rank}" for rank, row in rows),
    ]
