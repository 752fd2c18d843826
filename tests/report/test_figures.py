"""Each figure of the page, against Python's own count of the states that it is made from."""

import statistics
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from scanner_sync.report.definitions import DEFINITIONS

from .account import (
    IMAGE,
    MONDAY,
    NOW,
    REMOVED,
    START,
    STATUSES,
    SYNCS,
    TAGS,
    TARGETS,
    Issue,
    some_issues,
)
from .conftest import ReadPage, days

# One worker writes the page that all of these tests read.
pytestmark = pytest.mark.xdist_group("report")

ISSUES = some_issues()
SHOWN = ["critical", "high", "medium", "low", IMAGE, "info", "none"]
WEEKS = [START + timedelta(weeks=n) for n in range(26)]
WEEK = timedelta(weeks=1)
GOALS = {"critical": 7, "high": 30, "medium": 60, "low": 120}


class Found(NamedTuple):
    """A time that an occurrence was open."""

    severity: str
    target: str | None
    snoozed: bool
    opened_at: datetime
    closed_at: datetime | None
    reason: str | None
    due_at: datetime | None

    def days(self) -> float:
        return ((self.closed_at or NOW) - self.opened_at) / timedelta(days=1)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None and not self.snoozed

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_at is not None and self.due_at < NOW


def last_severity(issue: Issue) -> str:
    """The last severity that was not null, as the views have it."""
    severities = [state.severity for opening in issue.openings for state in opening]
    return next((s for s in reversed(severities) if s is not None), None) or "none"


def some_found() -> list[Found]:
    found = []
    for issue in ISSUES:
        begin, severity = issue.openings[-1][0].begin, last_severity(issue)
        for occurrence in issue.occurrences:
            opened_at = occurrence.first_seen or begin
            closed_at = occurrence.fixed or occurrence.end
            reason = "fixed" if occurrence.fixed else "not_reported" if closed_at else None
            if closed_at and not occurrence.fixed:
                reason = "target_removed" if occurrence.target in REMOVED else reason
                reason = "target_not_scanned" if occurrence.target in STATUSES else reason
            due_at = None
            if severity in GOALS:
                due_at = opened_at + timedelta(days=GOALS[severity])
                if occurrence.snoozed and begin < due_at:
                    due_at += (closed_at or NOW) - begin
            found.append(
                Found(
                    severity,
                    occurrence.target,
                    occurrence.snoozed,
                    opened_at,
                    closed_at,
                    reason,
                    due_at,
                )
            )
    return found


FOUND = some_found()
CLOSED = [f for f in FOUND if f.closed_at is not None and f.closed_at >= START]
FIXED = [f for f in CLOSED if f.reason in ("fixed", "not_reported")]


def open_at(instant: datetime) -> Counter[str]:
    """What was open just before an instant, by severity."""
    return Counter(
        f.severity
        for f in FOUND
        if f.opened_at < instant and (f.closed_at is None or f.closed_at >= instant)
    )


def quartiles(found: list[Found]) -> list[str]:
    values = [one.days() for one in found]
    cut = statistics.quantiles(values, n=4, method="inclusive") if values[1:] else values * 3
    return [days(value) for value in cut]


def mean_days(found: list[Found]) -> str:
    return days(statistics.mean(one.days() for one in found)) if found else "\N{EN DASH}"


def share_in_time(found: list[Found]) -> str:
    goals = [one.closed_at <= one.due_at for one in found if one.closed_at and one.due_at]
    return f"{sum(goals) / len(goals):.0%}" if goals else "\N{EN DASH}"


def estimate(severity: str) -> str:
    """The product-limit estimate, in fractions, of what a severity had taken by now."""
    left, share = [f for f in FOUND if f.severity == severity], Fraction(1)
    for time in sorted({f.days() for f in left}):
        at_risk = sum(f.days() >= time for f in left)
        fixed = sum(f.days() == time and f.reason in ("fixed", "not_reported") for f in left)
        share *= 1 - Fraction(fixed, at_risk)
        if share <= Fraction(1, 2):
            return days(time)
    return "\N{EN DASH}"


def test_headline(page: ReadPage) -> None:
    """The first sentences say what is open now, and what changed within seven days."""
    now = [f for f in FOUND if f.is_open and f.severity == "critical"]
    opened = [f for f in FOUND if f.opened_at > NOW - WEEK]
    fixed = [f for f in FIXED if f.closed_at is not None and f.closed_at > NOW - WEEK]
    assert len(now) > 1
    assert len(fixed) > 1

    def of_which(found: list[Found]) -> str:
        critical = sum(f.severity == "critical" for f in found)
        return f" ({critical or 'none'} critical)" if found else ""

    assert (
        f"{len(now)} critical occurrences are open, {sum(f.is_overdue for f in now)} of them"
        f" overdue. In the last seven days, {len(opened)}"
        f" {'occurrence was' if len(opened) == 1 else 'occurrences were'} opened{of_which(opened)}"
        f" and {len(fixed)} were fixed{of_which(fixed)}."
    ) in page.text


def test_tiles(page: ReadPage) -> None:
    """Five tiles show the main figures."""
    still_open = [f for f in FOUND if f.closed_at is None]
    critical = [f for f in still_open if f.severity == "critical"]
    due = sum(f.is_open and f.due_at is not None and NOW <= f.due_at < MONDAY + WEEK for f in FOUND)
    assert (
        f"Open critical definition {sum(f.is_open for f in critical)}"
        f" plus {sum(f.snoozed for f in critical)} snoozed"
        f" All open definition {sum(f.is_open for f in still_open)}"
        f" plus {sum(f.snoozed for f in still_open)} snoozed"
        f" Overdue definition {sum(f.is_overdue for f in FOUND)} {due} due this week"
        f" Median days to fix definition {quartiles(FIXED)[1]}"
        f" {len(FIXED)} fixed since {START:%Y-%m-%d}"
        f" Time since last load 0 min {NOW:%Y-%m-%d %H:%M}"
    ) in page.text


def test_open_now(page: ReadPage) -> None:
    """For each severity: what is open, overdue, due and snoozed, and how old it is."""
    expected = []
    for severity in SHOWN:
        now = [f for f in FOUND if f.severity == severity and f.closed_at is None]
        still_open = [f for f in now if f.is_open]
        due = [f for f in still_open if f.due_at and NOW <= f.due_at < MONDAY + WEEK]
        oldest = max((f.days() for f in still_open), default=None)
        expected.append(
            [
                severity,
                f"{len(still_open)}",
                f"{sum(f.is_overdue for f in still_open)}",
                f"{len(due)}",
                f"{len(now) - len(still_open)}",
                mean_days(still_open),
                "\N{EN DASH}" if oldest is None else days(oldest),
            ]
        )
    head = ["Severity", "open", "overdue", "due this week", "snoozed", "mean age definition"]
    assert page.tables["goals-table"] == [[*head, "oldest"], *expected]


def test_open_by_severity(page: ReadPage) -> None:
    """At the end of each week and now: what is open of each severity, and in all."""
    assert page.tables["open-table"] == [
        ["At", *SHOWN, "all"],
        *(
            [
                f"{at:%Y-%m-%d %H:%M}" + (" (now)" if at == NOW else ""),
                *(f"{counted[severity]}" for severity in SHOWN),
                f"{counted.total()}",
            ]
            for at in reversed([*WEEKS, NOW])
            for counted in [open_at(at)]
        ),
    ]


def test_opened_and_closed(page: ReadPage) -> None:
    """For each week: what was opened, closed and fixed."""
    expected = []
    for week in reversed(WEEKS):
        closed = [f for f in CLOSED if f.closed_at and week <= f.closed_at < week + WEEK]
        expected.append(
            [
                f"{week:%Y-%m-%d}" + (" (so far)" if week == MONDAY else ""),
                f"{sum(week <= f.opened_at < week + WEEK for f in FOUND)}",
                "0",
                f"{len(closed)}",
                f"{sum(f in FIXED for f in closed)}",
            ]
        )
    head = ["Week of", "opened", "reopened definition", "closed", "fixed"]
    assert page.tables["flow-table"] == [head, *expected]


def test_days_to_fix(page: ReadPage) -> None:
    """For each severity with a fix: how many, how long they took, and how many were in time."""
    by_severity = {s: [f for f in FIXED if f.severity == s] for s in SHOWN}
    words = ["25% within", "median", "75% within", "with open ones definition"]
    assert page.tables["days-table"] == [
        ["Severity", "fixed definition", "mean", *words, "in time definition"],
        *(
            [
                severity,
                f"{len(fixed)}",
                mean_days(fixed),
                *quartiles(fixed),
                estimate(severity),
                share_in_time(fixed),
            ]
            for severity, fixed in by_severity.items()
            if fixed
        ),
    ]
    assert f"Fixes since {START:%Y-%m-%d} , {share_in_time(FIXED)} of them in time." in page.text


def test_what_closed_and_why(page: ReadPage) -> None:
    """For each severity: how many were closed for each reason, and each reason occurs."""
    reasons = ["fixed", "not_reported", "target_removed", "target_not_scanned"]
    counted = {s: Counter(f.reason for f in CLOSED if f.severity == s) for s in SHOWN}
    assert {reason for count in counted.values() for reason in count} == {*reasons}
    assert page.tables["closed-table"] == [
        ["Severity", *(reason.replace("_", " ") for reason in reasons)],
        *(
            [severity, *(f"{count[reason]}" for reason in reasons)]
            for severity, count in counted.items()
            if count
        ),
    ]


def test_oldest(page: ReadPage) -> None:
    """The ten critical issues that have been open longest, without snoozed ones."""
    criticals = []
    for issue in ISSUES:
        last = issue.openings[-1]
        if last[-1].end is not None or last[-1].severity != "critical" or last[-1].snoozed:
            continue
        first = [occurrence.first_seen for occurrence in issue.occurrences if occurrence.first_seen]
        opened_at = min([*first, last[0].begin])
        again = len(issue.openings) - 1
        # What its occurrences were open before joins the times that it was listed.
        for opening in reversed(issue.openings[:-1]):
            end = opening[-1].end
            assert end is not None
            if end < opened_at:
                break
            opened_at, again = min(opened_at, opening[0].begin), again - 1
        words = f"{issue.title or '(no title)'} #{issue.id}, open since {opened_at:%Y-%m-%d}"
        words += f", reopened {'once' if again == 1 else f'{again} times'}" if again else ""
        age = days((NOW - opened_at) / timedelta(days=1))
        occurrences = sum(o.end is None and not o.snoozed for o in issue.occurrences)
        criticals.append(((opened_at, issue.id), [words, age, f"{occurrences}"]))
    assert len(criticals) > 10
    header, *rows = page.tables["oldest-table"]
    assert header == ["Issue", "days open", "occurrences"]
    assert [[cell.replace(" ,", ",") for cell in row] for row in rows] == [
        row for _, row in sorted(criticals)[:10]
    ]


def test_tags(page: ReadPage) -> None:
    """The five tags with the most open occurrences, each with its figures by severity."""
    found: dict[str, list[Found]] = {}
    for one in FOUND:
        for tag in TAGS.get(one.target or "", []):
            if tag is not None and one.target not in REMOVED:
                found.setdefault(tag, []).append(one)
    worst = sorted(found.items(), key=lambda item: (-sum(f.is_open for f in item[1]), item[0]))
    assert len(worst) > 5
    head = ["Severity", "open", "overdue", "mean age", "fixed", "median days to fix"]
    for number, (tag, all_of_it) in enumerate(worst[:5], start=1):
        expected = []
        for severity in SHOWN:
            of_it = [f for f in all_of_it if f.severity == severity]
            fixed = [f for f in of_it if f in FIXED]
            now = [f for f in of_it if f.is_open]
            if of_it:
                expected.append(
                    [
                        severity,
                        f"{len(now)}",
                        f"{sum(f.is_overdue for f in now)}",
                        mean_days(now),
                        f"{len(fixed)}",
                        quartiles(fixed)[1] if fixed else "\N{EN DASH}",
                    ]
                )
        assert page.tables[f"tag-{number}-table"] == [head, *expected]
        overdue = sum(f.is_overdue for f in all_of_it)
        assert f"{tag}: {sum(f.is_open for f in all_of_it)} open, {overdue} overdue" in page.text
    assert "tag-6-table" not in page.tables


def test_definitions(page: ReadPage) -> None:
    """Each figure has its definition in the page, and each definition is linked."""
    assert {f"#def-{name}" for name in DEFINITIONS} == page.links
    for definition in DEFINITIONS.values():
        assert definition.title in page.text
        assert " ".join(definition.text.replace("`", " ").split()) in " ".join(page.text.split())


def shown_tags(target: str) -> list[str]:
    """The tags that a target has now."""
    return [tag for tag in TAGS[target] if tag is not None and target not in REMOVED]


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
                " ".join([target, *shown_tags(target)]),
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
        f"The newest scan was created at {NOW - timedelta(days=1):%Y-%m-%d %H:%M} .",
        f"Occurrences of 88 of 120 issues were read at {NOW:%Y-%m-%d %H:%M} ; those of 30 are from"
        f" earlier syncs, the oldest from {NOW - timedelta(hours=30):%Y-%m-%d %H:%M} , 30 h ago;"
        " those of 2 were never read.",
    ):
        assert words in page.text
    fixed = sum(o.fixed is not None for issue in ISSUES for o in issue.occurrences)
    written = f"{SYNCS[1]:%Y-%m-%d %H:%M}"
    assert page.tables["freshness-table"] == [
        ["Table", "rows", "last written"],
        ["issues", "0", "no rows"],
        ["occurrences_issues", "0", "no rows"],
        ["scans", "1", f"{NOW - timedelta(hours=12):%Y-%m-%d %H:%M}"],
        ["targets", "0", "no rows"],
        ["fixed_occurrences", f"{fixed}", written],
        ["scan_schedules", "0", "no rows"],
        ["tags", "0", "no rows"],
        ["licenses", "0", "no rows"],
    ]
