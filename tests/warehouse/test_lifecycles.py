"""Half a year of an account: every finding and every measure, worked out by hand.

Instants are days since a Monday. A sync runs each Tuesday from day 71 on. Nothing happens after
day 176, and now is in week 26.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.bigquery import at as at_time
from tests.conftest import Dataset
from tests.warehouse.loads import conclude, insert, insert_states, make_tables

START = datetime(2023, 8, 28, tzinfo=UTC)
NOW = START + timedelta(days=185.5)
"""Noon of a leap day."""
SATURDAY = START + timedelta(days=180)
MONDAY = START + timedelta(days=182)
SUNDAY = START + timedelta(days=189, minutes=-1)
"""The first and the last minute of this week."""
HALF_AN_HOUR = 1 / 48

Row = tuple[Any, ...]


def at(day: float | None) -> datetime | None:
    return None if day is None else START + timedelta(days=day)


ISSUES: list[Row] = [
    (1, "critical", False, None, 71, None),
    (2, "high", False, None, 71, 92),
    (3, "medium", False, None, 71, 85),
    (3, "medium", False, None, 106, None),
    (4, "low", False, None, 71, 92),
    (4, "low", False, None, 99, 120),
    (5, "high", False, None, 78, None),
    (6, "critical", False, None, 71, 113),
    (7, "medium", False, None, 78, 120),
    (8, "high", False, None, 71, 92),
    (8, "high", True, "ACCEPT_RISK", 92, None),
    (9, "low", False, None, 71, 134),
    (10, "critical", False, None, 71, None),
    (11, "high", False, None, 127, None),
    (12, "medium", False, None, 85, 99),
    (13, None, False, None, 92, None),
    (14, "medium", False, None, 71, 99),
    (15, "low", False, None, 71, 78),
]
"""States of the issues: id, severity, snoozed, snooze_reason, valid_from, valid_to."""

OCCURRENCES: list[Row] = [
    # Found before the first sync, and still open.
    (1, 1, 11, "a", 50, None, 71, None),
    # Fixed between two syncs.
    (2, 1, 21, "a", 70, None, 71, 92),
    # Reopened; no fix is listed.
    (3, 1, 31, "a", 60, None, 71, 85),
    (3, 1, 31, "a", 60, None, 106, None),
    # Reopened after a fix that the API dates.
    (4, 1, 41, "a", 65, None, 71, 92),
    (4, 1, 41, "a", 96, None, 99, 120),
    # Fixed and back between two syncs.
    (5, 1, 51, "a", 75, None, 78, None),
    # Its target is removed.
    (6, 1, 61, "b", 40, None, 71, 113),
    # Its target is unresponsive.
    (7, 1, 71, "c", 77, None, 78, 120),
    # Snoozed: for a time and then fixed; fixed while snoozed; after it was overdue; and all along.
    (8, 1, 81, "d", 71, None, 71, 85),
    (8, 1, 81, "d", 71, "ACCEPT_RISK", 85, 106),
    (8, 1, 81, "d", 71, None, 106, 113),
    (8, 2, 82, "d", 71, None, 71, 78),
    (8, 2, 82, "d", 71, "FALSE_POSITIVE", 78, 127),
    (8, 3, 83, "d", 30, "MITIGATING_CONTROLS", 71, None),
    (8, 4, 84, "d", 71, "LATER", 71, None),
    # Renumbered.
    (9, 901, 95, "a", 69, None, 71, 106),
    (9, 902, 95, "a", 69, None, 106, 134),
    # Not read since day 141: fixed after that, and half an hour before it.
    (10, 1, 101, "a", 70, None, 71, None),
    (11, 1, 111, "a", 126, None, 127, None),
    # Without a severity, and without a date of the API.
    (13, 1, 131, "a", None, None, 92, None),
    # Fixed before the first sync, and back.
    (14, 1, 141, "a", 68, None, 71, 99),
    # Fixed while the first sync read the API.
    (15, 1, 151, "a", 66, None, 71, 78),
]
"""States: issue, id, occurrence_id, target, first_seen_at, snooze_reason, valid_from, valid_to."""

FIXES: list[Row] = [
    (903, 95, "Issue 9", "low", "a", 69, 130),
    (1, 41, "Issue 4", "low", "a", 65, 90),
    (1, 51, "Issue 5", "high", "a", 75, 81),
    (1, 81, "Issue 8", "high", "d", 71, 110),
    (2, 82, "Issue 8", "high", "d", 71, 125),
    (7, 90, "Old", "high", "e", 20, 30),  # before the first sync
    (1, 101, "Issue 10", "critical", "a", 70, 150),
    (1, 111, "Issue 11", "high", "a", 126, 141 - HALF_AN_HOUR),
    (1, 141, "Issue 14", "medium", "a", 45, 55),
    (1, 141, "Issue 14", "medium", "a", 68, 97),
    (1, 151, "Issue 15", "low", "a", 66, 71 - HALF_AN_HOUR),
]
"""What the API lists: id, occurrence_id, title, severity, host, first_seen_at, remediated_at."""

LATE_FIX: Row = (1, 21, "Issue 2", "high", "a", 70, 88)
"""A fix that the API lists after the sync that missed the occurrence."""

TARGETS: list[Row] = [
    (1, "a", "live", 71, None),
    (2, "b", "live", 71, 113),
    (3, "c", "live", 71, 120),
    (3, "c", "unresponsive", 120, None),
]
"""States of the targets: id, address, target_status, valid_from, valid_to."""

READ_AT = {5: 176, 8: 176, 1: 176, 3: 176, 13: 176, 10: 141, 11: 141}
"""When the occurrences of each issue that is listed were last read."""


def insert_fixes(dataset: Dataset, fixes: list[Row]) -> None:
    names = ("id", "occurrence_id", "title", "severity", "affected_host")
    rows = [
        dict(zip(names, fix, strict=False))
        | {"first_seen_at": at(seen), "remediated_at": at(fixed)}
        for *fix, seen, fixed in fixes
    ]
    insert(dataset, "fixed_occurrences", rows)


def fill(dataset: Dataset) -> None:
    """Write what the syncs left, while the plan of the account lacked the listing of fixes."""
    make_tables(dataset)
    warehouse = dataset.warehouse
    warehouse.complete_load({}, None, warehouse.check_names())
    insert_states(
        dataset,
        "issues_history",
        [
            {
                "entity_key": f"{issue}",
                "id": issue,
                "title": f"Issue {issue}",
                "severity": severity,
                "snoozed": snoozed,
                "snooze_reason": reason,
                "valid_from": at(begin),
                "valid_to": at(end),
            }
            for issue, severity, snoozed, reason, begin, end in ISSUES
        ],
    )
    insert_states(
        dataset,
        "occurrences_issues_history",
        [
            {
                "entity_key": f"{occurrence}",
                "issue_id": issue,
                "id": id,
                "occurrence_id": occurrence,
                "target": target,
                "first_seen_at": at(first_seen),
                "snoozed": reason is not None,
                "snooze_reason": reason,
                "valid_from": at(begin),
                "valid_to": at(end),
                "last_seen_at": at(None if end is None else end - 7),
            }
            for issue, id, occurrence, target, first_seen, reason, begin, end in OCCURRENCES
        ],
    )
    insert_states(
        dataset,
        "targets_history",
        [
            {
                "entity_key": f"{id}",
                "id": id,
                "address": address,
                "target_status": status,
                "valid_from": at(begin),
                "valid_to": at(end),
            }
            for id, address, status, begin, end in TARGETS
        ],
    )
    insert(
        dataset,
        "occurrence_reads",
        [{"issue_id": issue, "read_at": at(day)} for issue, day in READ_AT.items()],
    )
    tables = ["issues", "occurrences_issues", "targets"]
    syncs = [
        {"synced_at": at(day), "tables": tables, "unread_issues": [10, 11] if day > 141 else []}
        for day in range(71, 177, 7)
    ]
    insert(dataset, "syncs", [{"empty_issues": [], "is_held": False} | sync for sync in syncs])


OPEN = (None, None)
"""`closed_at` and `close_reason` of what is open."""
GONE = "not_reported"

ISSUE_LIFECYCLES: list[Row] = [
    # issue, severity, findings, opened, detected, closed, reason, reopened, due, overdue, met
    (1, "critical", 1, 50, 71, *OPEN, 0, 57, True, None),
    (2, "high", 1, 70, 71, 88, "fixed", 0, 100, False, True),
    (3, "medium", 1, 60, 71, 85, GONE, 0, 120, False, True),
    (3, "medium", 1, 106, 106, *OPEN, 1, 166, True, None),
    (4, "low", 1, 65, 71, 90, "fixed", 0, 185, False, True),
    (4, "low", 1, 96, 99, 120, GONE, 1, 216, False, True),
    # It was never without an occurrence.
    (5, "high", 2, 75, 78, *OPEN, 0, 105, True, None),
    (6, "critical", 1, 40, 71, 113, "target_removed", 0, 47, False, None),
    (7, "medium", 1, 77, 78, 120, "target_not_scanned", 0, 137, False, None),
    (8, "high", 4, 30, 71, *OPEN, 0, 60, False, None),
    (9, "low", 1, 69, 71, 130, "fixed", 0, 189, False, True),
    # These two are still listed, but all that is known of them is fixed.
    (10, "critical", 1, 70, 71, 150, "fixed", 0, 77, False, False),
    (11, "high", 1, 126, 127, 141 - HALF_AN_HOUR, "fixed", 0, 156, False, True),
    # Without a known occurrence there is no goal.
    (12, "medium", 0, 85, 85, 99, GONE, 0, None, False, None),
    (13, None, 1, 92, 92, *OPEN, 0, None, False, None),
    (14, "medium", 1, 68, 71, 97, "fixed", 0, 128, False, True),
    (15, "low", 1, 66, 71, 71 - HALF_AN_HOUR, "fixed", 0, 186, False, True),
]

FINDINGS: list[Row] = [
    # issue, occurrence, severity, host, triage, opened, detected, last seen, closed, reason,
    # reopened, due, met, accepted
    (1, 11, "critical", "a", "open", 50, 71, 176, *OPEN, 0, 57, None, None),
    (2, 21, "high", "a", "open", 70, 71, 85, 88, "fixed", 0, 100, True, None),
    (3, 31, "medium", "a", "open", 60, 71, 78, 85, GONE, 0, 120, True, None),
    (3, 31, "medium", "a", "open", 106, 106, 176, *OPEN, 1, 166, None, None),
    (4, 41, "low", "a", "open", 65, 71, 85, 90, "fixed", 0, 185, True, None),
    (4, 41, "low", "a", "open", 96, 99, 113, 120, GONE, 1, 216, True, None),
    (5, 51, "high", "a", "open", 75, 78, 78, 81, "fixed", 0, 105, True, None),
    # The first sync an hour after the fix saw it again.
    (5, 51, "high", "a", "open", 81, 85, 176, *OPEN, 1, 111, None, None),
    (6, 61, "critical", "b", "open", 40, 71, 106, 113, "target_removed", 0, 47, None, None),
    (7, 71, "medium", "c", "open", 77, 78, 113, 120, "target_not_scanned", 0, 137, None, None),
    # Its own snooze from 85 to 106, and that of its issue from 92 on, until the fix.
    (8, 81, "high", "d", "accepted_risk", 71, 71, 106, 110, "fixed", 0, 101 + 25, True, 85),
    (8, 82, "high", "d", "false_positive", 71, 71, 120, 125, "fixed", 0, 101 + 47, True, 78),
    # The goal was missed before the snooze.
    (8, 83, "high", "d", "mitigated", 30, 71, 176, *OPEN, 0, 60, None, 92),
    # Nobody knows when the snooze ends.
    (8, 84, "high", "d", "snoozed", 71, 71, 176, *OPEN, 0, None, None, 92),
    (9, 95, "low", "a", "open", 69, 71, 127, 130, "fixed", 0, 189, True, None),
    (10, 101, "critical", "a", "open", 70, 71, 141, 150, "fixed", 0, 77, False, None),
    (11, 111, "high", "a", "open", 126, 127, 134, 141 - HALF_AN_HOUR, "fixed", 0, 156, True, None),
    (13, 131, None, "a", "open", 92, 92, 176, *OPEN, 0, None, None, None),
    # The listing of fixes names no issue.
    (None, 141, "medium", "a", "open", 45, None, None, 55, "fixed", 0, 105, True, None),
    (14, 141, "medium", "a", "open", 68, 71, 92, 97, "fixed", 1, 128, True, None),
    (15, 151, "low", "a", "open", 66, 71, 71, 71 - HALF_AN_HOUR, "fixed", 0, 186, True, None),
    (None, 90, "high", "e", "open", 20, None, None, 30, "fixed", 0, 50, True, None),
]

FINDINGS_WITHOUT_FIXES: list[Row] = [
    (2, 21, "high", "a", "open", 70, 71, 85, 92, GONE, 0, 100, True, None),
    (4, 41, "low", "a", "open", 65, 71, 85, 92, GONE, 0, 185, True, None),
    (4, 41, "low", "a", "open", 96, 99, 113, 120, GONE, 1, 216, True, None),
    (5, 51, "high", "a", "open", 75, 78, 176, *OPEN, 0, 105, None, None),
    (8, 81, "high", "d", "accepted_risk", 71, 71, 106, 113, GONE, 0, 101 + 28, True, 85),
    (8, 82, "high", "d", "false_positive", 71, 71, 120, 127, GONE, 0, 101 + 49, True, 78),
    (9, 95, "low", "a", "open", 69, 71, 127, 134, GONE, 0, 189, True, None),
    (10, 101, "critical", "a", "open", 70, 71, 141, *OPEN, 0, 77, None, None),
    (11, 111, "high", "a", "open", 126, 127, 141, *OPEN, 0, 156, None, None),
    (14, 141, "medium", "a", "open", 68, 71, 92, 99, GONE, 0, 128, True, None),
    (15, 151, "low", "a", "open", 66, 71, 71, 78, GONE, 0, 186, True, None),
]
"""The findings that are different while the listing of fixes is unavailable; that of 90 is not
there at all."""


MEASURES = """
                                              days to fix      mean share  over-
   severity open opened closed fixes reopened    mean  median days open time    due
 2 all         1      1      0     0        0       -       -        1     -       0
 4 all         1      1      1     1        0      10      10        5     1       0
 5 all         2      1      0     0        0       -       -        7     -       0
 6 all         3      1      0     0        0       -       -  10.6667     -       1
 7 all         3      1      1     1        0      10      10       16     1       1
 8 all         4      1      0     0        0       -       -       18     -       3
 9 all         8      4      0     0        1       -       -       14     -       3
10 all        13      6      1     1        0  4.9792  4.9792  14.6923     1       2
11 all        14      2      1     1        1       6       6  20.2143     1       3
12 all        11      0      3     3        0 22.6667      25  27.5455     1       3
13 all        12      2      1     1        1      29      29  29.8333     1       3
14 all        12      0      0     0        0       -       -  36.8333     -       3
15 all        12      1      1     1        1      39      39  40.9167     1       4
16 all        11      0      1     0        0       -       -  45.0909     -       3
17 all         8      0      3     2        0      39      39   54.875     1       3
18 all         8      1      1     1        0      61      61    54.75     1       3
20 all         7      0      1     1        0 14.9792 14.9792  75.5714     1       3
21 all         6      0      1     1        0      80      80  82.3333     0       2
23 all         6      0      0     0        0       -       -  96.3333     -       3
 5 critical    1      1      0     0        0       -       -        2     -       0
 6 critical    1      0      0     0        0       -       -        9     -       1
 7 critical    2      1      0     0        0       -       -       11     -       1
 8 critical    2      0      0     0        0       -       -       18     -       2
10 critical    3      1      0     0        0       -       -  23.6667     -       2
11 critical    3      0      0     0        0       -       -  30.6667     -       3
16 critical    2      0      1     0        0       -       -       59     -       2
21 critical    1      0      1     1        0      80      80      104     0       1
 2 high        1      1      0     0        0       -       -        1     -       0
 4 high        1      1      1     1        0      10      10        5     1       0
 8 high        1      0      0     0        0       -       -       33     -       1
10 high        6      5      0     0        0       -       -  12.3333     -       0
11 high        6      1      1     1        1       6       6  18.3333     1       0
12 high        5      0      1     1        0      18      18     26.2     1       0
15 high        4      0      1     1        0      39      39    48.75     1       1
17 high        3      0      1     1        0      54      54  65.3333     1       1
18 high        4      1      0     0        0       -       -       56     -       1
20 high        3      0      1     1        0 14.9792 14.9792  86.3333     1       1
 6 medium      1      1      0     0        0       -       -        4     -       0
 7 medium      0      0      1     1        0      10      10        -     1       0
 8 medium      1      1      0     0        0       -       -        3     -       0
 9 medium      2      1      0     0        1       -       -        6     -       0
11 medium      3      1      0     0        0       -       -  15.6667     -       0
12 medium      2      0      1     1        0      25      25     18.5     1       0
13 medium      1      0      1     1        0      29      29       21     1       0
15 medium      2      1      0     0        1       -       -     20.5     -       0
16 medium      2      0      0     0        0       -       -     27.5     -       0
17 medium      1      0      1     0        0       -       -       20     -       0
23 medium      1      0      0     0        0       -       -       62     -       1
 9 low         3      3      0     0        0       -       -   3.3333     -       0
10 low         2      0      1     1        0  4.9792  4.9792       10     1       0
12 low         1      0      1     1        0      25      25       22     1       0
13 low         2      1      0     0        1       -       -     15.5     -       0
17 low         1      0      1     1        0      24      24       57     1       0
18 low         0      0      1     1        0      61      61        -     1       0
13 none        1      1      0     0        0       -       -        6     -       0
"""
"""The measures of each week, which is written as its number from 0 on. A week that is not there is
like the one before: nothing was opened or closed, and what is open is a week older."""


FINDING = (
    *("issue_id", "occurrence_id", "severity", "host", "triage", "opened_at", "detected_at"),
    *("last_seen_at", "closed_at", "close_reason", "times_reopened", "due_at", "met_sla"),
    "accepted_at",
)
LIFECYCLE = (
    *("id", "severity", "findings", "opened_at", "detected_at", "closed_at", "close_reason"),
    *("times_reopened", "due_at", "overdue", "met_sla"),
)


def shown(dataset: Dataset, view: str) -> tuple[list[dict[str, Any]], float]:
    """Return the rows of a view, with instants as days since the start, and the day it is now."""

    def days(value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        return (value - START) / timedelta(days=1)

    rows = [
        {column: days(value) for column, value in row.items()}
        for row in dataset.query(f"SELECT *, CURRENT_TIMESTAMP() AS now FROM {{d}}.{view}")
    ]
    now: float = max(row.pop("now") for row in rows)
    return rows, now


def assert_rows(dataset: Dataset, table: str, columns: Row, expected: list[Row]) -> None:
    """Assert that a table or view has these rows, and nothing else."""
    rows, _ = shown(dataset, table)
    found = [tuple(row[column] for column in columns) for row in rows]
    order = [
        columns.index(name) for name in columns if name in ("id", "occurrence_id", "opened_at")
    ]

    def by_key(row: Row) -> Row:
        return tuple(row[place] for place in order)

    for row, wanted in zip(sorted(found, key=by_key), sorted(expected, key=by_key), strict=True):
        # BigQuery counts whole seconds.
        assert row == pytest.approx(wanted, rel=0, abs=2 / 86400)


MEASURE = (
    *("open", "opened", "closed", "fixes", "reopened"),
    *("mean_days_to_fix", "median_days_to_fix", "mean_days_open", "fixed_in_time", "overdue"),
)


def measures(now: float) -> list[dict[str, Any]]:
    """Return the written measures, with a row for each week and severity until now."""
    written = {
        (int(week), severity): [None if value == "-" else float(value) for value in values]
        for week, severity, *values in (line.split() for line in MEASURES.splitlines()[3:])
    }
    rows = []
    for severity in dict.fromkeys(severity for _, severity in written):
        last: list[float | None] = [*[0.0] * 5, *[None] * 4, 0.0]
        for week in range(2, int(now // 7) + 1):
            if (week, severity) in written:
                last = written[week, severity]
            else:
                is_open, *_, age, _, overdue = last
                older = min(7, now - 7 * week)
                age = None if age is None else age + older
                last = [is_open, 0, 0, 0, 0, None, None, age, None, overdue]
            begin = (START + timedelta(weeks=week)).date()
            rows.append(
                {"week": begin, "severity": severity} | dict(zip(MEASURE, last, strict=True))
            )
    return rows


def test_half_a_year(dataset: Dataset) -> None:
    """The dates are the API's where it has them, and a fix that it lists late corrects them."""
    # While the plan lacks the listing of fixes, the syncs say when something ended.
    changed = {90, *(row[1] for row in FINDINGS_WITHOUT_FIXES)}
    same = [row for row in FINDINGS if row[1] not in changed]
    fill(dataset)
    conclude(dataset, SATURDAY)
    assert_rows(dataset, "findings", FINDING, same + FINDINGS_WITHOUT_FIXES)
    # The listing is there; of issue 2 it lacks the fix for now.
    insert_fixes(dataset, FIXES)
    conclude(dataset, SATURDAY)
    late = [row for row in FINDINGS if row[1] != 21] + FINDINGS_WITHOUT_FIXES[:1]
    assert_rows(dataset, "findings", FINDING, late)
    insert_fixes(dataset, [LATE_FIX])
    # Else the weeks that are final would be as they were known then.
    dataset.query("DELETE FROM {d}.remediation_metrics WHERE TRUE")
    for now in (MONDAY, NOW, SUNDAY):
        conclude(dataset, now)
        assert_rows(dataset, "findings", FINDING, FINDINGS)
        with at_time(now):
            assert_rows(dataset, "issue_lifecycle", LIFECYCLE, ISSUE_LIFECYCLES)
            rows, day = shown(dataset, "remediation_metrics")
        expected = measures(day)
        found = {(row["week"], row["severity"]): row for row in rows}
        assert len(found) == len(rows)
        assert found.keys() == {(row["week"], row["severity"]) for row in expected}
        for row in expected:
            measured = found[row["week"], row["severity"]]
            measured["fixes"] = measured["fixed"] + measured["not_reported"]
            measured = {name: measured[name] for name in row}
            assert measured == pytest.approx(row, rel=0, abs=1e-4)
