"""Each figure of the page, against Python's own count of the states that it is made from."""

import statistics
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from .account import FIRST, IMAGE, MONDAY, NOW, START, TARGETS, Issue, some_issues
from .conftest import ReadPage, days

# One worker writes the page that all of these tests read.
pytestmark = pytest.mark.xdist_group("report")

ISSUES = some_issues()
SHOWN = ["critical", "high", "medium", "low", IMAGE, "info", "none"]
WEEKS = [START + timedelta(weeks=n) for n in range(26)]
WEEK_AGO = NOW - timedelta(days=7)


class Opening(NamedTuple):
    """A time that an issue was open, and the severity that the issue last had."""

    severity: str
    opened_at: datetime
    closed_at: datetime | None

    def days(self) -> float:
        return ((self.closed_at or NOW) - self.opened_at) / timedelta(days=1)


def last_severity(issue: Issue) -> str:
    """The last severity that was not null, as the views have it."""
    severities = [state.severity for opening in issue.openings for state in opening]
    return next((s for s in reversed(severities) if s is not None), None) or "none"


OPENINGS = [
    Opening(last_severity(issue), opening[0].begin, opening[-1].end)
    for issue in ISSUES
    for opening in issue.openings
]
FIXED = [o for o in OPENINGS if o.closed_at is not None and o.closed_at >= START]
OPENED_LATELY = [o for o in OPENINGS if o.opened_at > WEEK_AGO]
FIXED_LATELY = [o for o in FIXED if o.closed_at is not None and o.closed_at > WEEK_AGO]


def open_at(instant: datetime) -> tuple[Counter[str], int]:
    """What is open by severity, and how many are snoozed."""
    then = [
        state
        for issue in ISSUES
        for opening in issue.openings
        for state in opening
        if state.begin <= instant and (state.end is None or instant < state.end)
    ]
    return (
        Counter(state.severity or "none" for state in then if not state.snoozed),
        sum(state.snoozed is True for state in then),
    )


def quartiles(openings: list[Opening]) -> list[str]:
    values = [opening.days() for opening in openings]
    found = statistics.quantiles(values, n=4, method="inclusive") if values[1:] else values * 3
    return [days(value) for value in found]


def test_headline(page: ReadPage) -> None:
    """The first sentence says what is open now, and what changed within seven days."""
    now, before = open_at(NOW)[0]["critical"], open_at(WEEK_AGO)[0]["critical"]
    assert now > before
    opened, fixed = (
        [opening.severity for opening in openings] for openings in (OPENED_LATELY, FIXED_LATELY)
    )
    assert (len(opened), len(fixed)) == (3, 1)  # "were" and "was"
    assert (
        f"{now} critical issues are open, {now - before} more than seven days ago."
        f" In the last seven days, 3 issues were opened ({opened.count('critical') or 'none'}"
        f" critical) and 1 was fixed ({fixed.count('critical') or 'none'} critical)."
    ) in page.text


def test_tiles(page: ReadPage) -> None:
    """Five tiles show the main figures."""
    now, snoozed = open_at(NOW)
    [critical_snoozed] = [
        sum(
            state.severity == "critical" and state.end is None and state.snoozed is True
            for issue in ISSUES
            for opening in issue.openings
            for state in opening
        )
    ]
    assert (
        f"Open critical issues {now['critical']} plus {critical_snoozed} snoozed"
        f" All open issues {now.total()} plus {snoozed} snoozed"
        f" Last seven days {len(OPENED_LATELY)} opened {len(FIXED_LATELY)} fixed"
        f" Median days to fix {quartiles(FIXED)[1]} {len(FIXED)} fixed since 2025-12-22"
        " Time since last load 0 min 2026-06-15 09:30"
    ) in page.text


def test_open_by_severity(page: ReadPage) -> None:
    """For each Monday and now: what is open of each severity, in all, and snoozed."""
    assert page.tables["open-table"] == [
        ["At", *SHOWN, "all", "snoozed"],
        *(
            [
                f"{at:%Y-%m-%d %H:%M}" + (" (now)" if at == NOW else ""),
                *(f"{counted[severity]}" for severity in SHOWN),
                f"{counted.total()}",
                f"{snoozed}",
            ]
            for at in reversed([*WEEKS, NOW])
            for counted, snoozed in [open_at(at)]
        ),
    ]


def test_opened_and_fixed(page: ReadPage) -> None:
    """For each week: what was opened, without what the first sync found, and what was fixed."""
    expected = []
    for week in reversed(WEEKS):
        end = week + timedelta(weeks=1)
        opened = sum(o.opened_at > FIRST and week <= o.opened_at < end for o in OPENINGS)
        fixed = sum(o.closed_at is not None and week <= o.closed_at < end for o in OPENINGS)
        label = f"{week:%Y-%m-%d}" + (" (so far)" if week == MONDAY else "")
        sign = f"{opened - fixed:+}" if opened != fixed else "0"
        expected.append([label, f"{opened}", f"{fixed}", sign])
    assert page.tables["flow-table"] == [["Week of", "opened", "fixed", "difference"], *expected]
    at_first = sum(opening.opened_at == FIRST for opening in OPENINGS)
    assert f"Issues from the first sync ({at_first}) do not count as opened." in page.text


def test_days_to_fix(page: ReadPage) -> None:
    """For each severity with a fix: how many, and the quartiles of their days."""
    by_severity = {s: [o for o in FIXED if o.severity == s] for s in SHOWN}
    assert page.tables["days-table"] == [
        ["Severity", "fixed", "25% within", "median", "75% within"],
        *(
            [severity, f"{len(fixed)}", *quartiles(fixed)]
            for severity, fixed in by_severity.items()
            if fixed
        ),
    ]


def test_oldest(page: ReadPage) -> None:
    """The ten critical issues that have been open longest, without snoozed ones."""
    criticals = []
    for issue in ISSUES:
        last = issue.openings[-1]
        if last[-1].end is not None or last[-1].severity != "critical" or last[-1].snoozed:
            continue
        opened_at = last[0].begin
        found = [occurrence for occurrence in issue.occurrences if occurrence.end is None]
        seen = min((o.first_seen for o in found if o.first_seen), default=None)
        again = len(issue.openings) - 1
        words = f"{issue.title or '(no title)'} #{issue.id}, open since {opened_at:%Y-%m-%d}"
        words += f", first seen {seen:%Y-%m-%d}" if seen else ""
        words += f", reopened {'once' if again == 1 else f'{again} times'}" if again else ""
        age = days((NOW - opened_at) / timedelta(days=1))
        occurrences = sum(not occurrence.snoozed for occurrence in found)
        key = (opened_at, seen is None, seen or NOW, issue.id)
        criticals.append((key, [words, age, f"{occurrences}"]))
    assert len(criticals) > 10
    header, *rows = page.tables["oldest-table"]
    assert header == ["Issue", "days open", "occurrences"]
    assert [[cell.replace(" ,", ",") for cell in row] for row in rows] == [
        row for _, row in sorted(criticals)[:10]
    ]


def test_targets(page: ReadPage) -> None:
    """The ten targets with the most open issues, each issue once, by severity."""
    found: dict[str, dict[int, str]] = {}
    for issue in ISSUES:
        current = issue.openings[-1][-1]
        for occurrence in issue.occurrences:
            hidden = current.end or current.snoozed or occurrence.end or occurrence.snoozed
            if occurrence.target is not None and not hidden:
                found.setdefault(occurrence.target, {})[issue.id] = current.severity or "none"
    counted = {target: Counter(severities.values()) for target, severities in found.items()}
    assert len(counted) > 10
    assert TARGETS[-1] in counted

    def worst_first(target: str) -> tuple[Any, ...]:
        count = counted[target]
        return (-count.total(), *(-count[severity] for severity in SHOWN[:4]), target)

    assert page.tables["targets-table"] == [
        ["Target", "open", "critical", "high", "medium", "low", "other"],
        *(
            [
                target + (f" t{IMAGE}" if target == TARGETS[-1] else ""),
                f"{count.total()}",
                *(f"{count[severity]}" for severity in SHOWN[:4]),
                f"{count.total() - sum(count[severity] for severity in SHOWN[:4])}",
            ]
            for target in sorted(counted, key=worst_first)[:10]
            for count in [counted[target]]
        ),
    ]


def test_freshness(page: ReadPage) -> None:
    """When the loads ran, and what each table holds."""
    for words in (
        "9 loads in the last seven days, at most 3 days apart.",
        "The newest scan was created at 2026-06-14 09:30 .",
        "Occurrences of 88 of 120 issues were read at 2026-06-15 09:30 ; those of 30 are from"
        " earlier syncs, the oldest from 2026-06-14 03:30 , 30 h ago; those of 2 were never read.",
    ):
        assert words in page.text
    assert page.tables["freshness-table"] == [
        ["Table", "rows", "last written"],
        ["issues", "0", "no rows"],
        ["occurrences_issues", "0", "no rows"],
        ["scans", "1", "2026-06-14 21:30"],
        ["targets", "0", "no rows"],
        ["fixed_occurrences", "0", "no rows"],
        ["scan_schedules", "0", "no rows"],
        ["tags", "0", "no rows"],
        ["licenses", "0", "no rows"],
    ]
