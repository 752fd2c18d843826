"""What is concluded from the evidence: each rule of docs/metrics.md, worked out by hand.

Days are those since a Monday. The goal of a critical issue is 7 days.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.bigquery import at as at_time
from scanner_sync.plan import ListedIssue
from scanner_sync.warehouse import Settled
from scanner_sync.warehouse.completion import Completion
from tests.conftest import Dataset
from tests.warehouse.loads import insert, make_tables

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
Rows = list[dict[str, Any]]


def at(day: float | None) -> datetime | None:
    return None if day is None else MONDAY + timedelta(days=day)


def day_of(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return round((value - MONDAY) / timedelta(days=1), 4)


class Scanner:
    """An account as the API shows it, and the syncs that read it.

    If it `may_skip`, tables that hold the rows already are left as they are, and a sync that has
    nothing to conclude does not: as if nobody else had changed a table.
    """

    def __init__(self, dataset: Dataset, *, may_skip: bool = False) -> None:
        make_tables(dataset)
        self.dataset = dataset
        self.issues: dict[int, dict[str, Any]] = {1: {"severity": "critical"}}
        self.found: dict[tuple[int, int], dict[str, Any]] = {}
        self.targets: Rows = [{"id": 1, "address": "a", "target_status": "live"}]
        self.fixed: Rows = []
        self.loads = 0
        self.may_skip = may_skip
        self.held: dict[str, tuple[str, Rows]] = {}
        """The load and the rows that a table holds, by its name."""
        self.last: Settled | None = None

    def find(self, occurrence: int, issue: int = 1, **fields: Any) -> None:
        """Let the API list an occurrence, or list it with other fields."""
        own = {"id": occurrence, "occurrence_id": occurrence, "target": "a", "snoozed": False}
        self.found[issue, occurrence] = self.found.get((issue, occurrence), own) | fields

    def lose(self, occurrence: int, issue: int = 1) -> None:
        """Let the API list it no longer."""
        del self.found[issue, occurrence]

    def fix(self, occurrence: int, day: float, **fields: Any) -> None:
        """Let the API list a fix."""
        own = {"occurrence_id": occurrence, "remediated_at": at(day), "affected_host": "a"}
        self.fixed.append(own | fields)

    def sync(
        self,
        day: float,
        *,
        unread: Sequence[int] = (),
        tables: Sequence[str] = ("issues", "occurrences_issues", "targets", "fixed_occurrences"),
        unavailable: Sequence[str] = (),
    ) -> Completion:
        """Load what the API shows on a day, and conclude. Issues in `unread` are not read."""
        self.loads += 1
        shown: dict[str, Rows] = {
            "issues": [{"id": id, "title": f"Issue {id}"} | of for id, of in self.issues.items()],
            "occurrences_issues": [
                {"issue_id": issue} | row
                for (issue, _), row in self.found.items()
                if issue in self.issues and issue not in unread
            ],
            "targets": self.targets,
            "fixed_occurrences": self.fixed,
        }
        held = {}
        for table in tables:
            if table in unavailable:
                shown[table] = []
                continue
            if self.may_skip and table == "occurrences_issues" and {*unread} >= {*self.issues}:
                continue  # nothing is loaded
            load, rows = self.held.get(table, ("", []))
            if load and rows == shown[table]:
                held[table] = load
                continue
            if self.may_skip:
                self.held[table] = str(self.loads), [*shown[table]]
            self.dataset.query(f"DELETE FROM {{d}}.{table} WHERE TRUE")
            if shown[table]:
                rows = [row | {"_dlt_load_id": str(self.loads)} for row in shown[table]]
                insert(self.dataset, table, rows)
        counts = {issue: sum(of == issue for of, _ in self.found) for issue in self.issues}
        listed = [
            ListedIssue(issue, None, None) if issue in unread else ListedIssue(issue, count, "")
            for issue, count in counts.items()
        ]
        warehouse = self.dataset.warehouse
        with at_time(MONDAY + timedelta(days=day)):
            completion = warehouse.complete_load(
                {table: len(shown[table]) for table in tables},
                str(self.loads),
                warehouse.check_names(),
                listed=listed if "occurrences_issues" in tables else None,
                unavailable=unavailable,
                loads=held,
                last=self.last,
            )
        self.last = completion.settled if self.may_skip else None
        if self.last and not completion.is_as_before:  # tables are changed now, and not on that day
            now = int(time.time() * 1000)
            self.last = self.last._replace(began=now, ended=now, noted=now)
        return completion

    def findings(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return columns of all findings, by occurrence, with instants as days."""
        rows = self.dataset.query(
            f"SELECT {', '.join(columns)} FROM {{d}}.findings ORDER BY entity_key, times_reopened"
        )
        return [tuple(day_of(row[column]) for column in columns) for row in rows]


@pytest.fixture
def scanner(dataset: Dataset) -> Scanner:
    return Scanner(dataset)


TIMES = ("opened_at", "closed_at", "close_reason")


def test_a_fix_whose_date_is_corrected_is_one_fix(scanner: Scanner) -> None:
    """The newest date counts, as no sync saw it open between the two."""
    scanner.find(10, first_seen_at=at(5))
    scanner.sync(7)
    scanner.lose(10)
    scanner.fix(10, 20)
    scanner.sync(21)
    assert scanner.findings(*TIMES) == [(5, 20, "fixed")]
    scanner.fix(10, 20.5)
    scanner.sync(28)
    assert scanner.findings(*TIMES, "due_at", "met_sla") == [(5, 20.5, "fixed", 12, False)]


def test_a_sync_saw_what_it_read_alone(scanner: Scanner) -> None:
    """Also if it left more issues than it read."""
    scanner.issues = {issue: {"severity": "high"} for issue in (1, 2, 3)}
    for issue in (1, 3):
        scanner.find(issue, issue, first_seen_at=at(5))
    scanner.sync(7)
    scanner.sync(14, unread=(2, 3))
    for issue in (1, 3):
        scanner.fix(issue, 20)
    scanner.sync(28)
    assert scanner.findings("issue_id", *TIMES, "last_seen_at") == [
        (1, 5, 20, "fixed", 14),
        (1, 20, None, None, 28),
        (3, 5, 20, "fixed", 7),
        (3, 20, None, None, 28),
    ]


def test_what_was_seen_after_its_fix_was_open_again(scanner: Scanner) -> None:
    """Whatever closed it later, and whatever else changed."""
    scanner.find(10, first_seen_at=at(5))
    scanner.sync(7)
    scanner.fix(10, 8)
    scanner.sync(14)
    scanner.find(10, cvss_score=5.0)
    scanner.sync(21)
    scanner.lose(10)
    scanner.targets = []
    scanner.sync(28)
    expected = [(5, 8, "fixed"), (8, 28, "target_removed")]
    assert scanner.findings(*TIMES) == expected
    assert scanner.findings("detected_at", "last_seen_at", "times_reopened") == [
        (7, 7, 0),
        (14, 21, 1),
    ]


def test_what_changes_with_its_return_opens_it_no_later(scanner: Scanner) -> None:
    """No sync missed it, so it opened with the fix. It was accepted when a sync saw that."""
    scanner.find(10, first_seen_at=at(5), snoozed=True, snooze_reason="ACCEPT_RISK")
    scanner.find(11, first_seen_at=at(5), snoozed=True, snooze_reason="ACCEPT_RISK")
    scanner.sync(7)
    scanner.fix(10, 8)
    scanner.fix(11, 8)
    scanner.find(10, cvss_score=5.0)
    scanner.sync(14)
    columns = ("occurrence_id", *TIMES, "detected_at", "accepted_at")
    assert scanner.findings(*columns) == [
        (10, 5, 8, "fixed", 7, 7),
        (10, 8, None, None, 14, 14),
        (11, 5, 8, "fixed", 7, 7),
        (11, 8, None, None, 14, 14),
    ]


def test_a_date_that_cannot_be_true_moves_nothing(scanner: Scanner) -> None:
    """The newest one that can counts: before its first sight, and after the fix before.

    The date of a fix is after the fix before, and not at the same time.
    """
    scanner.find(10, first_seen_at=at(5))
    scanner.find(11, first_seen_at=at(5))
    scanner.sync(7)
    scanner.find(10, first_seen_at=at(13))
    scanner.lose(11)
    scanner.fix(11, 8)
    scanner.sync(14)
    assert scanner.findings("opened_at", "due_at") == [(5, 12), (5, 12)]
    scanner.lose(10)
    scanner.fix(10, 20)
    scanner.find(11, first_seen_at=at(5))
    scanner.sync(21)
    scanner.find(10, first_seen_at=at(24))
    scanner.lose(11)
    scanner.fix(11, 22, first_seen_at=at(8))
    scanner.sync(28)
    scanner.find(10, first_seen_at=at(5))
    scanner.sync(35)
    expected = [(5, 20), (24, None), (5, 8), (21, 22)]
    assert scanner.findings("opened_at", "closed_at") == expected


def test_the_apis_first_date_is_followed(scanner: Scanner) -> None:
    """While it is open, be it corrected or filled in later."""
    scanner.find(10, first_seen_at=at(6))
    scanner.find(11, first_seen_at=None)
    scanner.sync(7)
    assert scanner.findings("opened_at") == [(6,), (7,)]
    scanner.find(10, first_seen_at=at(2))
    scanner.find(11, first_seen_at=at(3))
    scanner.sync(14)
    assert scanner.findings("opened_at", "due_at") == [(2, 9), (3, 10)]


def test_a_gap_in_scanning_is_no_fix(scanner: Scanner) -> None:
    """The same time goes on, whatever kept the scanner from the target."""
    statuses = ("agent_uninstalled", "license_exceeded", "unresponsive", "unscanned")
    hosts = [
        {"id": 2 + place, "address": f"host-{place}", "target_status": "live"}
        for place in range(len(statuses))
    ]
    live = [{"id": 1, "address": "a", "target_status": "live"}, *hosts]
    for place, host in enumerate(hosts):
        scanner.find(10 + place, first_seen_at=at(5), target=host["address"])
    scanner.find(20, first_seen_at=at(6))  # so that the listing of the issue is not empty
    scanner.targets = live
    scanner.sync(7)
    scanner.sync(14)
    rows = {place: scanner.found.pop((1, 10 + place)) for place in range(len(statuses))}
    scanner.targets = [
        live[0],
        *(host | {"target_status": to} for host, to in zip(hosts, statuses, strict=True)),
    ]
    scanner.sync(21)
    seen = (6, None, None)
    gone = (5, 21, "target_not_scanned", None)
    assert scanner.findings(*TIMES, "met_sla") == [*[gone] * len(statuses), (*seen, None)]
    scanner.found |= {(1, 10 + place): row for place, row in rows.items()}
    scanner.targets = live
    scanner.sync(28)
    goes_on = (5, None, None, 12, 0)
    assert scanner.findings(*TIMES, "due_at", "times_reopened") == [
        *[goes_on] * len(statuses),
        (*seen, 13, 0),
    ]


def test_a_closed_finding_keeps_its_severity(scanner: Scanner) -> None:
    """And its goal. What is open follows."""
    scanner.issues = {1: {"severity": "low"}}
    scanner.find(10, first_seen_at=at(5))
    scanner.find(11, first_seen_at=at(5))
    scanner.sync(7)
    scanner.lose(11)
    scanner.fix(11, 20)
    scanner.sync(21)
    weeks = scanner.dataset.query("SELECT * FROM {d}.remediation_metrics ORDER BY severity, week")
    scanner.issues = {1: {"severity": "critical"}}
    scanner.sync(56)
    columns = ("occurrence_id", "severity", "severity_rank", "due_at", "met_sla", "goal_days")
    assert scanner.findings(*columns) == [
        (10, "critical", 1, 12, None, 7),
        (11, "low", 4, 125, True, 120),
    ]
    now = scanner.dataset.query("SELECT * FROM {d}.remediation_metrics ORDER BY severity, week")
    final = [row for row in weeks if row["week"] <= (MONDAY + timedelta(days=14)).date()]
    assert [row for row in now if row in final] == final


def test_a_snooze_stops_the_clock_until_its_day(scanner: Scanner) -> None:
    """Even if no sync sees its end."""
    scanner.find(10, first_seen_at=at(7))
    scanner.sync(7)
    scanner.find(10, snoozed=True, snooze_until=(MONDAY + timedelta(days=10)).date())
    scanner.sync(8)
    assert scanner.findings("due_at", "snoozed") == [(16, True)]
    scanner.find(10, snoozed=False, snooze_until=None)
    scanner.sync(40)
    assert scanner.findings("due_at", "snoozed") == [(16, False)]


def test_a_fix_belongs_to_one_occurrence(scanner: Scanner) -> None:
    """Where several have its `occurrence_id`, to the one on its host and port."""
    scanner.find(10, id=1, port="80", first_seen_at=at(5))
    scanner.found[1, 11] = scanner.found[1, 10] | {"id": 2, "port": "443"}
    scanner.found[1, 12] = scanner.found[1, 10] | {"id": 3, "target": "b"}
    scanner.sync(7)
    scanner.fixed = [{"occurrence_id": 10, "remediated_at": at(8), "affected_host": "a"}]
    scanner.fixed[0]["affected_port"] = 443
    scanner.lose(11)
    scanner.sync(14)
    assert scanner.findings("host", "port", *TIMES) == [
        ("a", 443, 5, 8, "fixed"),
        ("a", 80, 5, None, None),
        ("b", 80, 5, None, None),
    ]
    scanner.find(11)
    scanner.found[1, 11] |= {"occurrence_id": 10, "id": 9, "port": "443"}
    scanner.found[1, 13] = scanner.found[1, 11] | {"id": 10, "port": "22"}
    scanner.sync(21)
    assert scanner.findings("host", "port", "times_reopened", *TIMES) == [
        ("a", 443, 0, 5, 8, "fixed"),
        ("a", 443, 1, 21, None, None),
        ("a", 80, 0, 5, None, None),
        ("b", 80, 0, 5, None, None),
        ("a", 22, 0, 21, None, None),
    ]


def test_a_fix_belongs_to_one_that_is_gone(scanner: Scanner) -> None:
    """Of several on one host and port, whatever else changes with it, and later."""
    scanner.issues[2] = {"severity": "critical"}
    for issue in (1, 2):
        scanner.find(10, issue, port="443", first_seen_at=at(5))
    scanner.find(11, 2, first_seen_at=at(5))  # so that the listing of the issue is not empty
    scanner.sync(7)
    scanner.lose(10, 2)
    scanner.fix(10, 8, affected_port=443)
    scanner.find(10, cvss_score=5.0)
    scanner.sync(14)
    columns = ("issue_id", "times_reopened", *TIMES)
    gone = (2, 0, 5, 8, "fixed")
    other = (2, 0, 5, None, None)
    assert scanner.findings(*columns) == [(1, 0, 5, None, None), gone, other]
    scanner.lose(10)
    scanner.sync(21)
    assert scanner.findings(*columns) == [(1, 0, 5, 21, "not_reported"), gone, other]


def test_a_fix_that_a_sync_saw_open_within_the_hour_is_one_finding(scanner: Scanner) -> None:
    """Also if the sync before knew of the fix alone."""
    scanner.fix(10, 26, first_seen_at=at(5))
    scanner.sync(26)
    assert scanner.findings(*TIMES, "detected_at") == [(5, 26, "fixed", None)]
    scanner.find(10, first_seen_at=at(5))
    scanner.sync(26.01)
    assert scanner.findings(*TIMES, "detected_at") == [(5, 26, "fixed", 26.01)]
    scanner.sync(27)
    assert scanner.findings(*TIMES, "detected_at") == [
        (5, 26, "fixed", 26.01),
        (26, None, None, 27),
    ]


def test_what_is_seen_within_the_hour_after_a_fix_changes_nothing(scanner: Scanner) -> None:
    """Written anew, the row of the fix is as the sync wrote that closed it."""
    columns = ("occurrence_id", *TIMES, "detected_at", "last_seen_at", "cvss_score")
    expected = [(10, 5, 20, "fixed", 10, 10, 5), (11, 5, 20, "fixed", 20.005, 20.005, 5)]
    scanner.find(10, first_seen_at=at(5), cvss_score=5.0)
    scanner.sync(10)
    scanner.find(11, first_seen_at=at(5), cvss_score=5.0)
    for occurrence in (10, 11):
        scanner.fix(occurrence, 20)
    scanner.sync(20.005)
    assert scanner.findings(*columns) == expected
    for occurrence in (10, 11):
        scanner.find(occurrence, cvss_score=9.0)
    scanner.sync(20.01)
    scanner.dataset.query("DELETE FROM {d}.findings WHERE TRUE")
    scanner.sync(20.015)
    assert scanner.findings(*columns) == expected


@pytest.mark.parametrize("is_listed_late", [False, True])
def test_what_is_back_after_it_was_missed_was_open_again(
    scanner: Scanner, is_listed_late: bool
) -> None:
    """Even within the hour after its fix, whenever the fix is listed."""
    scanner.find(10, first_seen_at=at(5))
    scanner.sync(20)
    if not is_listed_late:
        scanner.fix(10, 21)
    scanner.sync(21.005)
    scanner.lose(10)
    scanner.sync(21.01)
    scanner.find(10, first_seen_at=at(5))
    if is_listed_late:
        scanner.fix(10, 21)
    scanner.sync(21.03)
    assert scanner.findings(*TIMES, "detected_at", "last_seen_at") == [
        (5, 21, "fixed", 20, 20),
        (21.03, None, None, 21.03, 21.03),
    ]


def test_two_fixes_with_a_sight_between_are_two(scanner: Scanner) -> None:
    """Even if both are listed late, and no state began between them."""
    scanner.find(10, first_seen_at=at(5))
    for day in (6, 7, 14, 21):
        scanner.sync(day)
    scanner.fix(10, 8)
    scanner.fix(10, 15)
    scanner.sync(28)
    assert scanner.findings(*TIMES, "detected_at", "last_seen_at") == [
        (5, 8, "fixed", 6, 7),
        (8, 15, "fixed", 14, 14),
        (15, None, None, 21, 28),
    ]


def test_what_ended_with_its_target(scanner: Scanner) -> None:
    """Decided when the targets are next read, and never a fix."""
    scanner.find(10, first_seen_at=at(5))
    scanner.sync(7)
    scanner.lose(10)
    scanner.targets = []
    scanner.sync(14, tables=("issues", "occurrences_issues"))
    assert scanner.findings(*TIMES) == [(5, None, None)]
    scanner.sync(15, tables=("targets",))
    assert scanner.findings(*TIMES, "last_seen_at") == [(5, 14, "target_removed", 7)]


def test_what_is_gone_from_a_scanned_target(scanner: Scanner) -> None:
    """Is closed by the sync that misses it, and open again if it comes back."""
    scanner.find(10, first_seen_at=at(5))
    scanner.find(11, first_seen_at=at(5))
    scanner.sync(7)
    row = scanner.found.pop((1, 10))
    scanner.sync(14)
    scanner.found[1, 10] = row
    scanner.sync(21)
    assert scanner.findings("occurrence_id", *TIMES) == [
        (10, 5, 14, "not_reported"),
        (10, 21, None, None),
        (11, 5, None, None),
    ]


def test_a_target_that_comes_later_tells_nothing_of_what_was_gone(scanner: Scanner) -> None:
    """It did not end with a target that no sync had seen."""
    scanner.find(10, first_seen_at=at(5), target="new")
    scanner.find(11, first_seen_at=at(6))
    scanner.sync(7)
    row = scanner.found.pop((1, 10))
    scanner.sync(14)
    scanner.targets.append({"id": 2, "address": "new", "target_status": "live"})
    scanner.sync(21)
    assert scanner.findings(*TIMES) == [(5, 14, "not_reported"), (6, None, None)]
    scanner.found[1, 10] = row
    scanner.sync(28)
    again = (28, None, None)
    assert scanner.findings(*TIMES) == [(5, 14, "not_reported"), again, (6, None, None)]


def test_an_empty_listing_is_no_fix(scanner: Scanner) -> None:
    """If its occurrences are back, the same time goes on."""
    scanner.find(10, first_seen_at=at(5))
    scanner.sync(7)
    row = scanner.found.pop((1, 10))
    scanner.sync(14)
    assert scanner.findings(*TIMES) == [(5, 14, "not_reported")]
    scanner.found[1, 10] = row
    scanner.sync(21)
    assert scanner.findings(*TIMES, "times_reopened") == [(5, None, None, 0)]


@pytest.mark.parametrize("unread", [(), (2,)])
def test_an_occurrence_may_move_to_another_issue(scanner: Scanner, unread: Sequence[int]) -> None:
    """Its finding goes on, also if the issue that it left is not read."""
    scanner.issues = {2: {"severity": "low"}, 1: {"severity": "critical"}}
    scanner.find(10, issue=2, first_seen_at=at(5))
    scanner.find(11, issue=2, first_seen_at=at(5))
    scanner.sync(7)
    moved = scanner.found.pop((2, 10))
    scanner.found[1, 10] = moved | {"id": 77}
    scanner.sync(14, unread=unread)
    columns = ("occurrence_id", "issue_id", "severity", *TIMES, "detected_at")
    expected = [(10, 1, "critical", 5, None, None, 7), (11, 2, "low", 5, None, None, 7)]
    assert scanner.findings(*columns) == expected
    scanner.sync(21)
    assert scanner.findings(*columns) == expected


def test_occurrences_without_a_lasting_id(scanner: Scanner) -> None:
    """They are told apart by issue and id."""
    scanner.issues = {1: {"severity": "high"}, 2: {"severity": "low"}}
    for issue in (1, 2):
        scanner.find(5, issue=issue, occurrence_id=None, first_seen_at=at(5))
    scanner.sync(7)
    scanner.lose(5, issue=2)
    scanner.sync(14)
    assert scanner.findings("entity_key", *TIMES) == [
        ("1/id/5", 5, None, None),
        ("2/id/5", 5, 14, "not_reported"),
    ]


@pytest.mark.parametrize(
    ("first_seen", "opened"), [(-20_000, 7), (9, 7), (6.5, 6.5), (None, 7), (-365, -365)]
)
def test_dates_that_cannot_be_true(
    scanner: Scanner, first_seen: float | None, opened: float, caplog: pytest.LogCaptureFixture
) -> None:
    """They are before 1990, or after the sight that contradicts them; fixes, in the future."""
    scanner.find(10, first_seen_at=at(first_seen))
    scanner.fix(10, 400)
    caplog.set_level("INFO")
    scanner.sync(7)
    assert scanner.findings(*TIMES) == [(opened, None, None)]
    [record] = [record for record in caplog.records if record.message == "dates_not_believed"]
    assert vars(record)["fields"] == {"count": 1 + (first_seen in (-20_000, 9))}


def test_a_fix_that_no_sync_saw_open(scanner: Scanner) -> None:
    """Has the severity, the goal and the tags that the API lists with it."""
    scanner.fix(
        10,
        3,
        first_seen_at=at(-10),
        severity="high",
        title="Old",
        affected_port=22,
        due_date=(MONDAY + timedelta(days=3)).date(),
        tags=["pci", None],
        cvss_score=7.5,
    )
    scanner.fix(11, 3.5, first_seen_at=at(-10), severity="critical")
    scanner.sync(7)
    columns = ("issue_id", "title", "severity", "host", "port", "tags", "detected_at")
    assert scanner.findings(*columns, *TIMES, "due_at", "met_sla") == [
        (None, "Old", "high", "a", 22, ["pci"], None, -10, 3, "fixed", 4, True),
        (None, None, "critical", "a", None, [], None, -10, 3.5, "fixed", -3, False),
    ]
    goals = ("due_rule", "goal_from", "goal_days")
    assert scanner.findings(*goals) == [(None, None, None), ("critical", -10, 7)]
    scanner.fixed[1]["first_seen_at"] = None
    scanner.sync(14)
    assert scanner.findings(*goals, "opened_at", "due_at") == [
        (None, None, None, -10, 4),
        ("critical", None, 7, None, None),
    ]
    scanner.fixed[1]["first_seen_at"] = at(-12)
    scanner.sync(21)
    assert scanner.findings(*goals, "opened_at", "due_at") == [
        (None, None, None, -10, 4),
        ("critical", -12, 7, -12, -5),
    ]


def test_an_issues_snooze_is_its_findings(scanner: Scanner) -> None:
    """As older rows have it. It is out of what is to do, but open."""
    scanner.issues[1] |= {"snoozed": True, "snooze_reason": "ACCEPT_RISK"}
    scanner.find(10, first_seen_at=at(0))
    scanner.sync(7)
    columns = ("snoozed", "triage", "accepted_at", "due_at", "closed_at")
    assert scanner.findings(*columns) == [(True, "accepted_risk", 7, 7, None)]
    with at_time(MONDAY + timedelta(days=8)):
        shown = scanner.dataset.query("SELECT to_do, overdue, days_open FROM {d}.open_findings")
    assert shown == [{"to_do": False, "overdue": False, "days_open": 8.0}]


def test_the_longer_of_two_snoozes_lasts(scanner: Scanner) -> None:
    """Of its occurrence and its issue, even if no sync sees the end of the shorter one."""
    day_10, day_20 = ((MONDAY + timedelta(days=days)).date() for days in (10, 20))
    for issue, until in ((1, day_20), (2, None), (3, day_10)):
        scanner.issues[issue] = {"severity": "low", "snoozed": True, "snooze_until": until}
        scanner.find(issue, issue, snoozed=True, snooze_until=day_10)
    scanner.sync(7)
    for days, snoozed in ((8, {1, 2, 3}), (12, {1, 2}), (22, {2})):
        with at_time(MONDAY + timedelta(days=days)):
            shown = scanner.dataset.query("SELECT issue_id, to_do FROM {d}.open_findings")
        assert {row["issue_id"] for row in shown if not row["to_do"]} == snoozed
    assert scanner.findings("snooze_until") == [(day_20,), (None,), (day_10,)]


def test_a_snooze_without_an_end_has_no_due_date(scanner: Scanner) -> None:
    """Nobody knows it. It is there again when the snooze ends."""
    scanner.find(10, first_seen_at=at(5))
    scanner.sync(7)
    scanner.find(10, snoozed=True, snooze_reason="MITIGATING_CONTROLS")
    scanner.sync(8)
    columns = ("snoozed", "triage", "due_at", "goal_days")
    assert scanner.findings(*columns) == [(True, "mitigated", None, 7)]
    scanner.find(10, snoozed=False, snooze_reason=None)
    scanner.sync(28)
    assert scanner.findings(*columns) == [(False, "open", 32, 7)]


def test_what_was_snoozed_stays_so_until_it_is_known_why_it_is_gone(scanner: Scanner) -> None:
    """It is neither due nor overdue, whichever of the two rows was snoozed."""
    scanner.issues[2] = {"severity": "critical", "snoozed": True}
    scanner.find(10, first_seen_at=at(5), snoozed=True)
    scanner.find(20, issue=2, first_seen_at=at(5))
    scanner.sync(8)
    scanner.lose(10)
    scanner.lose(20, issue=2)
    del scanner.issues[2]
    scanner.sync(16, tables=("issues", "occurrences_issues"))
    columns = ("occurrence_id", "snoozed", "due_at", "closed_at")
    assert scanner.findings(*columns) == [(10, True, None, None), (20, True, None, None)]
    measured = "SELECT SUM(overdue + due) AS late FROM {d}.remediation_metrics"
    assert scanner.dataset.query(measured) == [{"late": 0}]
    scanner.sync(17)
    assert scanner.findings(*columns) == [(10, True, 20, 16), (20, True, 20, 16)]


def test_what_is_due_at_the_end_of_all_dates(scanner: Scanner) -> None:
    """BigQuery has no later date than 9999-12-31, and a statement that comes to one fails."""
    scanner.fix(10, 3, due_date="9999-12-31")
    scanner.find(20, first_seen_at=at(5), snoozed=True, snooze_until="9999-12-30")
    scanner.find(30, first_seen_at=at(5), snoozed=True, snooze_until="9999-12-31")
    scanner.sync(8)
    found = scanner.dataset.query(
        "SELECT occurrence_id AS id, due_at = TIMESTAMP '9999-12-31' AS is_last"
        " FROM {d}.findings ORDER BY id"
    )
    assert [(row["id"], row["is_last"]) for row in found] == [(10, True), (20, True), (30, None)]


def test_a_snooze_lasts_while_its_finding_is_missed(scanner: Scanner) -> None:
    """Written anew after it was back, the goal is as it was."""
    scanner.find(10, first_seen_at=at(0))
    scanner.sync(0)
    scanner.find(10, snoozed=True, snooze_reason="ACCEPT_RISK")
    scanner.sync(3)
    scanner.lose(10)
    scanner.fix(10, 5)
    scanner.sync(8)  # seven days for a critical one, and the two of the snooze
    assert scanner.findings(*TIMES, "due_at") == [(0, 5, "fixed", 9)]
    scanner.find(10, snoozed=False, snooze_reason=None)
    scanner.sync(20)
    scanner.dataset.query("DELETE FROM {d}.findings WHERE TRUE")
    scanner.sync(21)
    assert scanner.findings(*TIMES, "due_at") == [
        (0, 5, "fixed", 9),
        (20, None, None, 27),
    ]


def test_cves_may_be_written_in_any_way(scanner: Scanner) -> None:
    """What is known of a CVE is known of it in small letters, too. An empty text is none."""
    scanner.find(10, cves=["cve-2021-44228 "])
    scanner.find(20, cves=["Cve-2021-44228", "CVE-2021-44228", None])
    scanner.find(30, cves=["", " "])
    scanner.sync(8)
    known = {"cve": "CVE-2021-44228", "in_kev": True}
    insert(scanner.dataset, "cve_intelligence", [known])
    scanner.sync(9)
    found = scanner.findings("cves", "in_kev", "cve_to_fix")
    assert found == [*[(["CVE-2021-44228"], True, "CVE-2021-44228")] * 2, ([], None, None)]


def test_two_targets_with_one_address(scanner: Scanner) -> None:
    """One that is listed counts before one that is gone, and then the newer one."""
    scanner.find(10)
    older = scanner.targets[0] | {"tags": ["old"], "target_type": "external"}
    newer = {"id": 2, "address": "a", "target_status": "unresponsive", "tags": ["new"]}
    columns = ("target_id", "target_status", "tags", "exposed")
    for day, shown, found in (
        (8, [older], (1, "live", ["old"], True)),
        (9, [older, newer], (2, "unresponsive", ["new"], False)),
        (10, [older], (1, "live", ["old"], True)),
        (11, [older | {"tags": []}, newer], (2, "unresponsive", ["new"], False)),
        (12, [older | {"tags": ["old"]}, newer], (2, "unresponsive", ["new"], False)),
        (13, [], (2, "deleted", ["new"], False)),
    ):
        scanner.targets = shown
        scanner.sync(day)
        assert scanner.findings(*columns) == [found]


def test_what_is_listed_on_a_deleted_target(scanner: Scanner) -> None:
    """Is open, and nothing to do."""
    scanner.find(10, first_seen_at=at(5))
    scanner.find(11, first_seen_at=at(5), target="never listed")
    scanner.sync(7)
    scanner.targets = []
    scanner.sync(14)
    columns = ("occurrence_id", "target_id", "target_status", "closed_at")
    assert scanner.findings(*columns) == [(10, 1, "deleted", None), (11, None, None, None)]
    shown = scanner.dataset.query("SELECT occurrence_id AS id, to_do FROM {d}.open_findings")
    assert {row["id"]: row["to_do"] for row in shown} == {10: False, 11: True}


def test_what_is_known_of_the_target_and_the_issue(scanner: Scanner) -> None:
    """Open rows follow the API; a closed row stays as it was."""
    scanner.issues = {1: {"severity": "high"}}
    scanner.targets[0] |= {"target_type": "external", "tags": ["web", "pci", None, "pci"]}
    scanner.find(10, cves=["CVE-2", "CVE-1"], port="https", protocol="tcp", cvss_score=5.0)
    scanner.find(11, cves=None, port="443", exploit_likelihood="likely")
    scanner.sync(7)
    columns = (
        *("title", "severity_rank", "cves", "port", "protocol", "cvss_score"),
        *("exploit_likelihood", "target_type", "tags"),
    )
    first: list[tuple[Any, ...]] = [
        ("Issue 1", 2, ["CVE-1", "CVE-2"], None, "tcp", 5.0, None, "external", ["pci", "web"]),
        ("Issue 1", 2, [], 443, None, None, "likely", "external", ["pci", "web"]),
    ]
    assert scanner.findings(*columns) == first
    scanner.lose(10)
    scanner.sync(14)
    scanner.issues = {1: {"severity": "Odd"}}
    scanner.targets[0] |= {"tags": [], "target_type": "internal"}
    scanner.find(11, cves=["CVE-3"], port="8443")
    scanner.sync(21)
    second: tuple[Any, ...] = ("Issue 1", 5, ["CVE-3"], 8443, None, None, "likely", "internal", [])
    assert scanner.findings(*columns) == [first[0], second]


def test_a_mass_disappearance_is_seen_twice(
    scanner: Scanner, caplog: pytest.LogCaptureFixture
) -> None:
    """It closes nothing until a sync 15 minutes later misses it, too: at the first one's time."""
    for occurrence in range(40):
        scanner.find(occurrence, first_seen_at=at(5))
    scanner.sync(7)
    kept = {key: scanner.found[key] for key in list(scanner.found)[:19]}
    everything, scanner.found = scanner.found, kept
    scanner.fix(39, 7.5)
    caplog.clear()
    scanner.sync(8)
    assert "mass_disappearance" not in caplog.text  # one is fixed, and 20 is not too many
    everything.pop((1, 39))
    assert scanner.findings("closed_at").count((8,)) == 20
    scanner.found = everything
    scanner.sync(9)
    scanner.found = {}
    caplog.clear()
    scanner.sync(10)
    [record] = [record for record in caplog.records if record.message == "mass_disappearance"]
    assert record.levelname == "WARNING"
    assert vars(record)["fields"] == {"disappeared": 39, "open_before": 39}
    assert scanner.findings("closed_at").count((None,)) == 39
    scanner.sync(10 + 14 / 1440)
    assert scanner.findings("closed_at").count((None,)) == 39
    scanner.sync(10 + 15 / 1440)
    assert scanner.findings("closed_at").count((10,)) == 39


def test_what_is_back_before_it_is_missed_again(scanner: Scanner) -> None:
    """Was never gone: the time goes on."""
    for occurrence in range(30):
        scanner.find(occurrence, first_seen_at=at(5))
    scanner.sync(7)
    found, scanner.found = scanner.found, {}
    scanner.issues = {}
    scanner.sync(8)
    scanner.found, scanner.issues = found, {1: {"severity": "critical"}, 2: {"severity": "low"}}
    # It is not read, so it may be there.
    scanner.sync(9, unread=[1])
    assert set(scanner.findings(*TIMES)) == {(5, None, None)}
    scanner.sync(10)
    assert (
        scanner.findings(*TIMES, "times_reopened", "last_seen_at") == [(5, None, None, 0, 10)] * 30
    )


def test_a_closed_finding_keeps_its_goal(scanner: Scanner) -> None:
    """A change of `sla_policy` applies to what is open; a row `none` to what has no severity."""
    scanner.issues = {1: {"severity": "critical"}, 2: {"severity": None}}
    scanner.find(10, first_seen_at=at(5))
    scanner.find(11, first_seen_at=at(5))
    scanner.find(20, issue=2, first_seen_at=at(5))
    scanner.sync(7)
    scanner.lose(10)
    scanner.fix(10, 8)
    scanner.sync(9)
    scanner.dataset.query("UPDATE {d}.sla_policy SET days = 1 WHERE severity = 'critical'")
    scanner.dataset.query("INSERT INTO {d}.sla_policy (severity, days) VALUES ('none', 3)")
    scanner.fixed[0]["remediated_at"] = at(8.5)
    scanner.sync(14)
    columns = ("occurrence_id", "goal_days", "due_at", "met_sla")
    assert scanner.findings(*columns) == [(10, 7, 12, True), (11, 1, 6, None), (20, 3, 8, None)]


def test_what_is_due_before_it_is_found_is_due_in_the_week_of_its_opening(scanner: Scanner) -> None:
    """By a rule whose days begin with the listing in KEV."""
    scanner.find(10, first_seen_at=at(0), cves=["CVE-1"])
    scanner.sync(0)
    rule = {"rank": 1, "name": "exploited", "in_kev": True, "days": 3, "starts": "first_known"}
    insert(scanner.dataset, "sla_policy", [rule])
    listed = {"cve": "CVE-1", "in_kev": True, "kev_added_on": MONDAY.date() - timedelta(days=9)}
    insert(scanner.dataset, "cve_intelligence", [listed])
    scanner.sync(14)
    columns = ("opened_at", "due_rule", "cve_to_fix", "goal_from", "due_at")
    assert scanner.findings(*columns) == [(0, "exploited", "CVE-1", -9, -6)]
    weeks = scanner.dataset.query(
        "SELECT due, met, overdue FROM {d}.remediation_metrics WHERE severity = 'all' ORDER BY week"
    )
    assert [tuple(week.values()) for week in weeks] == [(1, 0, 1), (0, 0, 1), (0, 0, 1)]


def test_findings_that_are_dropped_come_back(scanner: Scanner) -> None:
    """Complete, with the next sync."""
    scanner.find(10, first_seen_at=at(5))
    scanner.find(11, first_seen_at=at(5))
    scanner.sync(7)
    scanner.fix(10, 8)
    scanner.lose(11)
    scanner.sync(14)
    columns = ("finding_id", *TIMES, "due_at", "met_sla", "title")
    before = scanner.findings(*columns)
    assert len(before) == 3
    scanner.dataset.query("DROP TABLE {d}.findings")
    scanner.sync(15)
    assert scanner.findings(*columns) == before


def test_a_history_that_is_dropped_begins_anew(scanner: Scanner) -> None:
    """What was closed stays, and what is open is there once."""
    scanner.find(10, first_seen_at=at(5))
    scanner.find(11, first_seen_at=at(5))
    scanner.sync(7)
    scanner.lose(11)
    scanner.sync(14)
    scanner.dataset.query("DROP TABLE {d}.occurrences_issues_history")
    scanner.sync(21)
    assert scanner.findings("occurrence_id", *TIMES, "detected_at") == [
        (10, 5, None, None, 21),
        (11, 5, 14, "not_reported", 7),
    ]


def test_what_ended_otherwise_is_no_fix(scanner: Scanner) -> None:
    """Of four, two lose their targets, one is fixed and one is open: a quarter was fixed."""
    scanner.targets = [{"id": n, "address": f"host {n}"} for n in range(4)]
    for n in range(4):
        scanner.find(n, first_seen_at=at(0), target=f"host {n}")
    scanner.sync(0)
    for n in (0, 1):
        scanner.lose(n)
    del scanner.targets[:2]
    scanner.sync(1)
    scanner.lose(2)
    scanner.fix(2, 10, affected_host="host 2")
    scanner.sync(14)
    scanner.sync(98)
    weeks = scanner.dataset.query(
        "SELECT week, open, closed, fixed, kaplan_meier_days_to_fix AS median,"
        " share_fixed_90_days AS share FROM {d}.remediation_metrics WHERE severity = 'all'"
    )
    last = max(weeks, key=lambda row: row["week"])
    assert (last["open"], last["median"], last["share"]) == (1, 10, pytest.approx(0.25))
    assert sum(row["closed"] for row in weeks) == 3
    assert sum(row["fixed"] for row in weeks) == 1


def test_without_fixes_no_week_is_before_the_first_sync(scanner: Scanner) -> None:
    """Neither by the first sync nor by those after it."""
    scanner.find(10, first_seen_at=at(-30))
    for day in (20, 21, 28):
        scanner.sync(day, tables=("issues", "occurrences_issues", "targets"))
    weeks = scanner.dataset.query(
        "SELECT week, open, reconstructed FROM {d}.remediation_metrics WHERE severity = 'all'"
        " ORDER BY week"
    )
    assert [(row["week"], row["open"], row["reconstructed"]) for row in weeks] == [
        ((MONDAY + timedelta(days=day)).date(), 1, False) for day in (14, 21, 28)
    ]
