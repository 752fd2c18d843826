"""Each figure of the page, against Python's own count of the states that it is made from."""

import statistics
from collections import Counter
from datetime import UTC, datetime, timedelta
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
    State,
    some_issues,
)
from .conftest import ReadPage, days

# One worker writes the page that all of these tests read.
pytestmark = pytest.mark.xdist_group("report")

ISSUES = some_issues()
SHOWN = ["critical", "high", "medium", "low", IMAGE, "info", "none"]
WEEKS = [START + timedelta(weeks=n) for n in range(26)]
WEEK = timedelta(weeks=1)
DASH = "\N{EN DASH}"
GOALS = {"critical": 7, "high": 30, "medium": 60, "low": 120}


FOREVER = datetime.max.replace(tzinfo=UTC)
END = NOW + timedelta(microseconds=1)
"""What happened at the instant of the last sync counts."""


class Found(NamedTuple):
    """A time that an occurrence was open."""

    issue: Issue
    severity: str
    target: str | None
    snoozed: bool
    detected_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    reason: str | None
    due_at: datetime | None

    def days(self) -> float:
        return ((self.closed_at or NOW) - self.opened_at) / timedelta(days=1)

    @property
    def is_fix(self) -> bool:
        return self.reason in ("fixed", "not_reported")

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_deleted(self) -> bool:
        return self.target in REMOVED

    @property
    def is_to_do(self) -> bool:
        return self.is_open and not self.snoozed and not self.is_deleted

    @property
    def is_overdue(self) -> bool:
        return self.is_to_do and self.due_at is not None and self.due_at < NOW

    @property
    def tags(self) -> list[str]:
        return sorted(tag for tag in TAGS.get(self.target or "", []) if tag is not None)


def due_at(
    severity: str, opened_at: datetime, closed_at: datetime | None, snoozes: list[State]
) -> datetime | None:
    """When a finding is due: the clock stands while it is snoozed, if that began in time."""
    if severity not in GOALS:
        return None
    goal, ends = timedelta(days=GOALS[severity]), closed_at or FOREVER
    stopped = allowed = timedelta()
    reached = opened_at
    spans = ((max(of.begin, opened_at), min(of.end or FOREVER, ends)) for of in snoozes)
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        stands = max(end - max(begin, reached), timedelta())
        if max(begin, reached) - opened_at - stopped < goal:
            if end == FOREVER:
                return None
            allowed += stands
        stopped += stands
        reached = max(end, reached)
    return opened_at + goal + allowed


def some_found() -> list[Found]:
    found = []
    for issue in ISSUES:
        begin = issue.openings[-1][0].begin
        states = [state for opening in issue.openings for state in opening]
        for occurrence in issue.occurrences:
            opened_at = occurrence.first_seen or begin
            closed_at = occurrence.fixed or occurrence.end
            reason = "fixed" if occurrence.fixed else "not_reported" if closed_at else None
            if closed_at and not occurrence.fixed:
                reason = "target_removed" if occurrence.target in REMOVED else reason
                reason = "target_not_scanned" if occurrence.target in STATUSES else reason
            last = [state for state in states if state.begin < (closed_at or FOREVER)][-1]
            own = State(None, occurrence.snoozed, begin, occurrence.end)
            snoozes = [state for state in [*states, own] if state.snoozed]
            severity = last.severity or "none"
            found.append(
                Found(
                    issue,
                    severity,
                    occurrence.target,
                    bool(occurrence.snoozed or last.snoozed),
                    begin,
                    opened_at,
                    closed_at,
                    reason,
                    due_at(severity, opened_at, closed_at, snoozes),
                )
            )
    return found


FOUND = some_found()
CLOSED = [f for f in FOUND if f.closed_at is not None and f.closed_at >= START]
FIXED = [f for f in CLOSED if f.is_fix]


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
    return days(statistics.mean(one.days() for one in found)) if found else DASH


def share_in_time(found: list[Found]) -> str:
    goals = [one.closed_at <= one.due_at for one in found if one.closed_at and one.due_at]
    return f"{sum(goals) / len(goals):.0%}" if goals else DASH


def due_in_time(severity: str) -> str:
    """Of what was due since `START`, the share that was fixed by then."""
    due = [
        f
        for f in FOUND
        if f.severity == severity
        and f.due_at is not None
        and START <= f.due_at < END
        and (f.is_fix or f.closed_at is None or f.closed_at >= f.due_at)
    ]
    met = [f for f in due if f.is_fix and f.closed_at and f.due_at and f.closed_at <= f.due_at]
    return f"{len(met) / len(due):.0%}" if due else DASH


def estimates(severity: str) -> list[str]:
    """The two product-limit estimates, in fractions, of the 26 weeks until now."""
    start = END - timedelta(weeks=26)
    spans = [
        (max(f.detected_at, start) - f.opened_at, (f.closed_at or END) - f.opened_at, f)
        for f in FOUND
        if f.severity == severity and f.detected_at < END
    ]
    spans = [span for span in spans if span[0] < span[1]]
    unfixed = still_open = Fraction(1)
    fixed_by_then = Fraction(0)
    median, age = None, timedelta()
    for age in sorted({until for _, until, _ in spans}):
        at_risk = sum(since < age <= until for since, until, _ in spans)
        ended = [f for _, until, f in spans if until == age and f.closed_at]
        hazard = Fraction(sum(f.is_fix for f in ended), at_risk)
        if age <= timedelta(days=90):
            fixed_by_then += still_open * hazard
        unfixed *= 1 - hazard
        still_open *= 1 - Fraction(len(ended), at_risk)
        if median is None and unfixed <= Fraction(1, 2):
            median = age / timedelta(days=1)
    is_known = age >= timedelta(days=90) or still_open == 0
    return [
        DASH if median is None else f"{days(median)} days",
        f"{float(fixed_by_then):.0%}" if is_known else DASH,
    ]


def test_headline(page: ReadPage) -> None:
    """The first sentences say what is to do now, and what changed within seven days."""
    now = [f for f in FOUND if f.is_to_do and f.severity == "critical"]
    opened = [f for f in FOUND if f.opened_at > NOW - WEEK]
    fixed = [f for f in FIXED if f.closed_at is not None and f.closed_at > NOW - WEEK]
    assert len(now) > 1
    assert len(fixed) > 1

    def of_which(found: list[Found]) -> str:
        critical = sum(f.severity == "critical" for f in found)
        return f" ({critical or 'none'} critical)" if found else ""

    assert (
        f"{len(now)} critical findings are to do, {sum(f.is_overdue for f in now)} of them"
        f" overdue. In the last seven days, {len(opened)}"
        f" {'finding' if len(opened) == 1 else 'findings'} opened{of_which(opened)}"
        f" and {len(fixed)} were fixed{of_which(fixed)}."
    ) in page.text


def test_tiles(page: ReadPage) -> None:
    """Five tiles show the main figures."""
    still_open = [f for f in FOUND if f.is_open]
    critical = [f for f in still_open if f.severity == "critical"]
    due = sum(
        f.is_to_do and f.due_at is not None and NOW <= f.due_at < MONDAY + WEEK for f in FOUND
    )
    assert (
        f"Critical, to do definition {sum(f.is_to_do for f in critical)} of {len(critical)} open"
        f" All, to do definition {sum(f.is_to_do for f in still_open)} of {len(still_open)} open,"
        f" {sum(f.snoozed for f in still_open)} snoozed"
        f" Overdue definition {sum(f.is_overdue for f in FOUND)} {due} due this week"
        f" Median days to fix definition {quartiles(FIXED)[1]}"
        f" {len(FIXED)} fixed since {START:%Y-%m-%d}"
        f" Time since last load 0 min {NOW:%Y-%m-%d %H:%M}"
    ) in page.text


def test_open_now(page: ReadPage) -> None:
    """For each severity: what is open, why it is not to do, what is to do, and how old that is."""
    expected = []
    for severity in SHOWN:
        now = [f for f in FOUND if f.severity == severity and f.is_open]
        to_do = [f for f in now if f.is_to_do]
        due = [f for f in to_do if f.due_at and NOW <= f.due_at < MONDAY + WEEK]
        oldest = max((f.days() for f in to_do), default=None)
        expected.append(
            [
                severity,
                f"{len(now)}",
                f"{sum(f.snoozed for f in now)}",
                f"{sum(f.is_deleted and not f.snoozed for f in now)}",
                f"{len(to_do)}",
                f"{sum(f.is_overdue for f in to_do)}",
                f"{len(due)}",
                mean_days(to_do),
                DASH if oldest is None else days(oldest),
            ]
        )
    assert {row[3] for row in expected} > {"0"}  # some are on a deleted target
    head = ["Severity", "open", "snoozed", "target deleted", "to do", "overdue"]
    head += ["due this week", "mean age definition", "oldest"]
    assert page.tables["goals-table"] == [head, *expected]


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
            for counted in [open_at(END if at == NOW else at)]
        ),
    ]


def test_opened_and_closed(page: ReadPage) -> None:
    """For each week: what was opened and closed, and how much of that was fixed."""
    expected = []
    for week in reversed(WEEKS):
        closed = [f for f in CLOSED if f.closed_at and week <= f.closed_at < week + WEEK]
        reasons = Counter(f.reason for f in closed)
        expected.append(
            [
                f"{week:%Y-%m-%d}" + (" (so far)" if week == MONDAY else ""),
                f"{sum(week <= f.opened_at < week + WEEK for f in FOUND)}",
                "0",
                f"{len(closed)}",
                f"{reasons['fixed']}",
                f"{reasons['not_reported']}",
                "0",
            ]
        )
    head = ["Week of", "opened", "reopened definition", "closed", "fixed definition"]
    head += ["not reported", "corrected definition"]
    assert page.tables["flow-table"] == [head, *expected]


def test_days_to_fix(page: ReadPage) -> None:
    """For each severity with a fix: how many, how long they took, and how many were in time."""
    by_severity = {s: [f for f in FIXED if f.severity == s] for s in SHOWN}
    undated = sum(f.reason == "not_reported" for f in FIXED)
    words = ["25% within", "median", "75% within", "in time definition"]
    assert page.tables["days-table"] == [
        ["Severity", "fixes definition", "not reported", "mean", *words],
        *(
            [
                severity,
                f"{len(fixed)}",
                f"{sum(f.reason == 'not_reported' for f in fixed)}",
                mean_days(fixed),
                *quartiles(fixed),
                share_in_time(fixed),
            ]
            for severity, fixed in by_severity.items()
            if fixed
        ),
    ]
    words = ["half fixed within definition", "fixed in 90 days definition", "due, fixed in time"]
    assert page.tables["pace-table"] == [
        ["Severity", *words],
        *(
            [severity, *estimates(severity), due_in_time(severity)]
            for severity, fixed in by_severity.items()
            if fixed
        ),
    ]
    assert (
        f"Fixes since {START:%Y-%m-%d} , {share_in_time(FIXED)} of them in time. {undated} of"
        f" {len(FIXED)} are not reported : when they were fixed is known only within the time"
        " between two syncs."
    ) in page.text


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
    """The ten critical issues that have been open longest, of those that are to do."""
    criticals = []
    for issue in ISSUES:
        found = [f for f in FOUND if f.issue is issue]
        last = issue.openings[-1][-1]
        to_do = sum(f.is_to_do for f in found)
        # An issue of which no occurrence is known is open while it is listed.
        is_to_do = to_do if found else last.end is None and not last.snoozed
        if last.severity != "critical" or not is_to_do:
            continue
        spans = [(f.opened_at, f.closed_at or FOREVER) for f in found] or [
            (opening[0].begin, opening[-1].end or FOREVER) for opening in issue.openings
        ]
        times: list[tuple[datetime, datetime]] = []
        for begin, end in sorted(spans):
            if times and begin <= times[-1][1]:
                times[-1] = (times[-1][0], max(times[-1][1], end))
            else:
                times.append((begin, end))
        opened_at, again = times[-1][0], len(times) - 1
        words = f"{issue.title or '(no title)'} #{issue.id}, open since {opened_at:%Y-%m-%d}"
        words += f", reopened {'once' if again == 1 else f'{again} times'}" if again else ""
        age = days((NOW - opened_at) / timedelta(days=1))
        criticals.append(((opened_at, issue.id), [words, age, f"{to_do}"]))
    assert len(criticals) > 10
    header, *rows = page.tables["oldest-table"]
    assert header == ["Issue", "days open", "findings to do"]
    assert [[cell.replace(" ,", ",") for cell in row] for row in rows] == [
        row for _, row in sorted(criticals)[:10]
    ]


def test_tags(page: ReadPage) -> None:
    """The five tags with the most findings to do, each with its figures by severity."""
    found: dict[str, list[Found]] = {}
    for one in FOUND:
        for tag in one.tags:
            if one.is_open or one in FIXED:
                found.setdefault(tag, []).append(one)
    worst = sorted(found.items(), key=lambda item: (-sum(f.is_to_do for f in item[1]), item[0]))
    assert len(worst) > 5
    head = ["Severity", "to do", "overdue", "mean age", "fixed", "median days to fix"]
    for number, (tag, all_of_it) in enumerate(worst[:5], start=1):
        expected = []
        for severity in SHOWN:
            of_it = [f for f in all_of_it if f.severity == severity]
            fixed = [f for f in of_it if f in FIXED]
            to_do = [f for f in of_it if f.is_to_do]
            if of_it:
                expected.append(
                    [
                        severity,
                        f"{len(to_do)}",
                        f"{sum(f.is_overdue for f in to_do)}",
                        mean_days(to_do),
                        f"{len(fixed)}",
                        quartiles(fixed)[1] if fixed else DASH,
                    ]
                )
        assert page.tables[f"tag-{number}-table"] == [head, *expected]
        overdue = sum(f.is_overdue for f in all_of_it)
        assert f"{tag}: {sum(f.is_to_do for f in all_of_it)} to do, {overdue} overdue" in page.text
    assert "tag-6-table" not in page.tables


def test_definitions(page: ReadPage) -> None:
    """Each figure has its definition in the page, and each definition is linked."""
    assert {f"#def-{name}" for name in DEFINITIONS} == page.links
    for definition in DEFINITIONS.values():
        assert definition.title in page.text
        assert " ".join(definition.text.replace("`", " ").split()) in " ".join(page.text.split())


def test_targets(page: ReadPage) -> None:
    """The ten targets with the most issues to do, each issue once, by severity."""
    found: dict[str, dict[int, str]] = {}
    for one in FOUND:
        if one.is_to_do and one.target is not None:
            found.setdefault(one.target, {})[one.issue.id] = one.severity
    counted = {target: Counter(severities.values()) for target, severities in found.items()}
    assert len(counted) > 10
    assert TARGETS[-1] in counted

    def worst_first(target: str) -> tuple[Any, ...]:
        count = counted[target]
        return (-count.total(), *(-count[severity] for severity in SHOWN[:4]), target)

    def tags(target: str) -> list[str]:
        return [tag for tag in TAGS[target] if tag is not None]

    assert page.tables["targets-table"] == [
        ["Target", "to do", "critical", "high", "medium", "low", "other"],
        *(
            [
                " ".join([target, *tags(target)]),
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
