"""Each figure of the page, against Python's own count of the states that it is made from."""

import statistics
from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from scanner_sync.report.definitions import DEFINITIONS

from .account import (
    CVES,
    IMAGE,
    MONDAY,
    NOW,
    PORTS,
    REMOVED,
    SCANNED,
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
    port: str | None
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
    def is_due(self) -> bool:
        return self.is_to_do and self.due_at is not None and NOW <= self.due_at < NOW + WEEK

    @property
    def known(self) -> list[dict[str, Any]]:
        """What is known of its CVEs, the one to fix first."""
        found = [{"cve": cve} | CVES[cve] for cve in self.issue.cves if cve in CVES]
        return sorted(found, key=lambda of: (-of["in_kev"], -(of["epss"] or -1), of["cve"]))

    @property
    def in_kev(self) -> bool:
        return any(of["in_kev"] for of in self.known)

    @property
    def epss(self) -> float | None:
        return max((of["epss"] for of in self.known if of["epss"] is not None), default=None)

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
        for n, occurrence in enumerate(issue.occurrences):
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
                    PORTS[n % 4],
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


def counted(found: list[Found]) -> str:
    """How many they are, and of how many issues."""
    return f"{len(found)} ({len({f.issue.id for f in found})})"


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

    exploited = sum(f.is_to_do and f.in_kev for f in FOUND)
    assert (
        f"{exploited} findings are exploited in the wild."
        f" {len(now)} critical findings are to do, {sum(f.is_overdue for f in now)} of them"
        f" overdue. In the last seven days, {len(opened)}"
        f" {'finding' if len(opened) == 1 else 'findings'} opened{of_which(opened)}"
        f" and {len(fixed)} were fixed{of_which(fixed)}."
    ) in page.text


def test_tiles(page: ReadPage) -> None:
    """Six tiles show the main figures: findings, and in brackets the issues that they belong to."""
    still_open = [f for f in FOUND if f.is_open]

    def tile(title: str, found: list[Found], more: str) -> str:
        issues = len({f.issue.id for f in found})
        return f" {title} {len(found)} ({issues} {'issue' if issues == 1 else 'issues'}), {more}"

    def critical(found: list[Found]) -> str:
        return f"{sum(f.severity == 'critical' for f in found)} critical"

    to_do = [f for f in still_open if f.is_to_do]
    overdue, due = [f for f in to_do if f.is_overdue], [f for f in to_do if f.is_due]
    exploited = [f for f in to_do if f.in_kev]
    assert min(map(len, (overdue, due, exploited))) > 0
    assert any(f.severity == "critical" and f.days() > 7 for f in to_do)
    assert (
        tile("To do", to_do, f"of {len(still_open)} open")
        + tile("Overdue", overdue, critical(overdue))
        + tile("Due in the next seven days", due, critical(due))
        + tile("Exploited in the wild", exploited, "by KEV")
        + f" Days to fix {quartiles(FIXED)[1]} median of {len(FIXED)} in 26 weeks"
        " Vendor\N{RIGHT SINGLE QUOTATION MARK}s grade F critical goal missed Fix these first"
    ) in page.text


def actions() -> list[list[Found]]:
    """What is to do, an entry for each issue on each host, in the order of the page."""
    groups: dict[tuple[int, str], list[Found]] = {}
    for one in FOUND:
        if one.is_to_do:
            groups.setdefault((one.issue.id, one.target or ""), []).append(one)

    def order(group: list[Found]) -> tuple[Any, ...]:
        first = group[0]
        due = min((f.due_at for f in group if f.due_at), default=None)
        severity = SHOWN.index(first.severity)
        return (
            not (first.in_kev and any(f.is_overdue for f in group)),
            not first.in_kev,
            first.issue.exploit_likelihood != "known",
            1 if first.epss is None else -first.epss,
            # Any other severity comes before none.
            severity if severity < 4 else 4 + (first.severity == "none"),
            due is None,
            due,
            min(f.opened_at for f in group),
            first.target or "",
            first.issue.id,
        )

    def order_without_none(group: list[Found]) -> tuple[Any, ...]:
        return tuple(FOREVER if part is None else part for part in order(group))

    return sorted(groups.values(), key=order_without_none)


def words(group: list[Found]) -> list[str]:
    """What the page says of an action."""
    first = group[0]
    ports = sorted({int(f.port) for f in group if f.port})
    where = first.target or "(no host)"
    if ports:
        where += f", port{'s' * (len(ports) > 1)} {', '.join(map(str, ports))}"
    cve = first.known[0]["cve"] if first.known else next(iter(first.issue.cves), None)
    if cve:
        where += f" · {cve}"
    if len(first.issue.cves) > 1:
        where += f" and {len(first.issue.cves) - 1} more"
    if len(group) > 1:
        where += f" · {len(group)} findings"
    likely = {"known": "is known", "likely": "is likely", "very_likely": "is very likely"}
    why = ["no severity" if first.severity == "none" else first.severity]
    if first.in_kev:
        why.append("known exploited")
    elif said := likely.get(first.issue.exploit_likelihood or ""):
        why.append(f"an exploit {said}")
    due = min((f.due_at for f in group if f.due_at), default=None)
    days_left = abs((due or NOW) - NOW).days
    counted = f"{days_left} day{'s' * (days_left != 1)}"
    if due is None:
        why.append("without a deadline")
    elif days_left == 0:
        why.append("due within 24 hours" if due >= NOW else "due in the last 24 hours")
    else:
        why.append(f"due in {counted}" if due >= NOW else f"due {counted} ago")
    if first.epss is not None and first.epss >= 0.005:
        why.append(f"EPSS {first.epss:.0%}")
    why.append("internal")  # no target has a type
    remedy = f"Update it to 1.{first.issue.id} <b>or later</b>." if first.issue.remediation else ""
    return [first.issue.title or "(no title)", where, ", ".join(why), remedy]


def test_fix_these_first(page: ReadPage) -> None:
    """Ten things to do, by KEV and deadline, a known exploit, EPSS and severity, and why."""
    expected = actions()
    assert page.lists["first"] == [words(group) for group in expected[:10]]
    assert f"The first 10 of {len(expected)} things to do, each an issue on a host." in page.text
    said = {part for group in expected[:10] for part in words(group)[2].split(", ")}
    assert {"known exploited", "EPSS 90%"} < said


def test_new_this_week(page: ReadPage) -> None:
    """What is critical or high, and opened in the last seven days, in the same order."""
    expected = [
        group
        for group in actions()
        if group[0].severity in ("critical", "high")
        and any(f.opened_at > NOW - WEEK for f in group)
    ]
    assert 0 < len(expected) <= 10
    assert page.lists["new"] == [words(group) for group in expected]


def test_open_now(page: ReadPage) -> None:
    """For each severity: what is open, why it is not to do, what is to do, and how old that is."""
    expected = []
    for severity in SHOWN:
        now = [f for f in FOUND if f.severity == severity and f.is_open]
        to_do = [f for f in now if f.is_to_do]
        oldest = max((f.days() for f in to_do), default=None)
        expected.append(
            [
                severity,
                counted(now),
                f"{sum(f.snoozed for f in now)}",
                f"{sum(f.is_deleted and not f.snoozed for f in now)}",
                counted(to_do),
                counted([f for f in to_do if f.is_overdue]),
                counted([f for f in to_do if f.is_due]),
                mean_days(to_do),
                DASH if oldest is None else days(oldest),
            ]
        )
    assert {row[3] for row in expected} > {"0"}  # some are on a deleted target
    head = ["Severity", "open", "snoozed", "target deleted", "to do", "overdue"]
    head += ["due in 7 days", "mean age definition", "oldest"]
    assert page.tables["goals-table"] == [head, *expected]
    empty = sum(not issue.occurrences for issue in ISSUES)
    assert f"{empty} more issues are listed without an occurrence" in page.text


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
            if fixed or severity in GOALS
        ),
    ]
    words = ["half fixed within definition", "fixed in 90 days definition", "due, fixed in time"]
    assert page.tables["pace-table"] == [
        ["Severity", *words],
        *(
            [severity, *estimates(severity), due_in_time(severity)]
            for severity, fixed in by_severity.items()
            if fixed or severity in GOALS
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
    by_severity = {s: Counter(f.reason for f in CLOSED if f.severity == s) for s in SHOWN}
    assert {reason for count in by_severity.values() for reason in count} == {*reasons}
    assert page.tables["closed-table"] == [
        ["Severity", *(reason.replace("_", " ") for reason in reasons)],
        *(
            [severity, *(f"{count[reason]}" for reason in reasons)]
            for severity, count in by_severity.items()
            if count or severity in GOALS
        ),
    ]


def worst_first(found: list[Found]) -> tuple[int, ...]:
    """Sort by the worst that is to do."""
    to_do = [f for f in found if f.is_to_do]
    return (
        -sum(f.in_kev for f in to_do),
        *(-sum(f.severity == severity for f in to_do) for severity in SHOWN[:2]),
        -sum(f.is_overdue for f in to_do),
        -len(to_do),
    )


def numbers(found: list[Found]) -> list[str]:
    """What is to do, overdue and exploited, and of which severities."""
    to_do = [f for f in found if f.is_to_do]
    return [
        counted(to_do),
        f"{sum(f.is_overdue for f in to_do)}",
        f"{sum(f.in_kev for f in to_do)}",
        *(f"{sum(f.severity == severity for f in to_do)}" for severity in SHOWN[:4]),
    ]


def test_tags(page: ReadPage) -> None:
    """A line for each tag with something to do, the worst first."""
    found: dict[str, list[Found]] = {}
    for one in FOUND:
        for tag in one.tags:
            if one.is_open or one in FIXED:
                found.setdefault(tag, []).append(one)
    head = ["Tag", "to do", "overdue", "exploited", "critical", "high", "mean age", "fixed"]
    expected = []
    for tag, of_it in sorted(found.items(), key=lambda item: (*worst_first(item[1]), item[0])):
        fixed = [f for f in of_it if f in FIXED]
        to_do = [f for f in of_it if f.is_to_do]
        if to_do:
            median = quartiles(fixed)[1] if fixed else DASH
            row = [tag, *numbers(of_it)[:5], mean_days(to_do), f"{len(fixed)}", median]
            expected.append(row)
    assert len(expected) > 5
    assert page.tables["tags-table"] == [[*head, "median days to fix"], *expected]


def test_definitions(page: ReadPage) -> None:
    """Each figure has its definition in the page, and each definition is linked."""
    assert {f"#def-{name}" for name in DEFINITIONS} == page.links
    for definition in DEFINITIONS.values():
        assert definition.title in page.text
        assert " ".join(definition.text.replace("`", " ").split()) in " ".join(page.text.split())


def test_targets(page: ReadPage) -> None:
    """The ten targets with the worst to do: findings, and in brackets their issues."""
    found: dict[str, list[Found]] = {}
    for one in FOUND:
        if one.is_to_do and one.target is not None:
            found.setdefault(one.target, []).append(one)
    assert len(found) > 10
    expected = []
    for target, of_it in sorted(found.items(), key=lambda item: (*worst_first(item[1]), item[0])):
        tags = [tag for tag in TAGS[target] if tag is not None]
        other = sum(f.severity not in SHOWN[:4] for f in of_it)
        expected.append([" ".join([target, *tags]), *numbers(of_it), f"{other}"])
    severities = ["critical", "high", "medium", "low", "other"]
    assert page.tables["targets-table"] == [
        ["Target", "to do", "overdue", "exploited", *severities],
        *expected[:10],
    ]


def test_coverage(page: ReadPage) -> None:
    """What was not scanned for 14 days, by the dates of occurrences; the rest is not known."""
    listed = [target for target in TARGETS if target not in REMOVED]
    scanned = {target: at for target, at in SCANNED.items() if target in listed}
    recent = [target for target, at in scanned.items() if at >= NOW - timedelta(days=14)]
    late = sorted(scanned.keys() - recent, key=lambda target: scanned[target])
    unknown = len(listed) - len(scanned) - 1
    assert (len(recent), len(late)) == (2, 2)
    assert page.tables["coverage-table"] == [
        ["Target without a scan for 14 days", "status", "last scan", "days ago"],
        ["host-5.example.com", "unscanned", "never", DASH],
        *(
            [target, "live", f"{at:%Y-%m-%d}", days((NOW - at) / timedelta(days=1))]
            for target in late
            for at in [scanned[target]]
        ),
    ]
    assert (
        f"2 of {len(listed)} targets were scanned in the last 14 days, and 3 were not; of {unknown}"
        " it is not known."
    ) in page.text


def test_freshness(page: ReadPage) -> None:
    """When the loads ran, and what each table holds."""
    for words in (
        "14 syncs in the last seven days, at most 12 h apart.",
        f"The newest scan was created at {NOW - timedelta(days=1):%Y-%m-%d %H:%M} .",
        f"Occurrences of 88 of 120 issues were read at {NOW:%Y-%m-%d %H:%M} ; for 30 issues they"
        f" are from earlier syncs, the oldest from {NOW - timedelta(hours=30):%Y-%m-%d %H:%M} ,"
        " 30 h ago; for 2 issues they were never read.",
    ):
        assert words in page.text
    fixed = sum(o.fixed is not None for issue in ISSUES for o in issue.occurrences)
    written, looked = f"{SYNCS[1]:%Y-%m-%d %H:%M}", f"{max(SYNCS):%Y-%m-%d %H:%M}"
    assert page.tables["freshness-table"] == [
        ["Table", "rows", "last written", "last read"],
        ["issues", f"{len(ISSUES)}", written, looked],
        ["occurrences_issues", f"{len(SCANNED)}", written, looked],
        ["scans", "1", f"{NOW - timedelta(hours=12):%Y-%m-%d %H:%M}", "never"],
        ["targets", "0", "no rows", looked],
        ["fixed_occurrences", f"{fixed}", written, looked],
        ["scan_schedules", "0", "no rows", "never"],
        ["tags", "0", "no rows", "never"],
        ["licenses", "0", "no rows", "never"],
    ]
