"""Whatever the syncs see: what was concluded stays, and follows from the evidence alone."""

import uuid
from datetime import timedelta
from typing import Any, Final

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.conftest import Dataset
from tests.warehouse.reference import check_conclusions
from tests.warehouse.test_findings import MONDAY, Scanner, at

SYNCS: Final = 7
ALL = ("issues", "occurrences_issues", "targets", "fixed_occurrences")

occurrence = st.fixed_dictionaries(
    {
        "issue": st.integers(1, 3),
        "host": st.sampled_from(["a", "a", "b", "c", "unknown"]),
        "states": st.lists(
            st.sampled_from(["seen"] * 6 + ["missing"] * 3 + ["snoozed", "moved", "dated"]),
            min_size=SYNCS,
            max_size=SYNCS,
        ),
        "first_seen": st.none() | st.integers(-60, 20),
        # At which sync the API begins to list a fix, and of which day it is.
        "fixes": st.lists(st.tuples(st.integers(0, SYNCS - 1), st.integers(-40, 80)), max_size=3),
        "lasts": st.booleans() | st.just(True),
    }
)
"""An occurrence, and what the API shows of it at each sync."""

sync = st.fixed_dictionaries(
    {
        "days": st.sampled_from([0.005, 0.02, 0.5, 3, 7, 20]),
        "unread": st.sampled_from([(), (), (), (1,), (2, 3)]),
        "tables": st.sampled_from([ALL, ALL, ALL, ALL[:2], ALL[2:], ALL[:3]]),
        "targets": st.lists(
            st.sampled_from(["live", "live", "live", "unresponsive", None]), min_size=3, max_size=3
        ),
        "severities": st.lists(
            st.sampled_from(["critical", "high", "low", None]), min_size=3, max_size=3
        ),
    }
)
"""What else the API shows at a sync, how long after the one before, and what is read of it."""

DATES = ("opened_at", "closed_at", "close_reason", "times_reopened")


def show(scanner: Scanner, number: int, day: float, found: Any, occurrences: list[Any]) -> None:
    """Let the API show what it has at one sync."""
    severities = found["severities"]
    scanner.issues = {issue: {"severity": severities[issue - 1]} for issue in (1, 2, 3)}
    scanner.targets = [
        {"id": id, "address": "abc"[id], "target_status": status, "tags": [f"{status} {number}"]}
        for id, status in enumerate(found["targets"])
        if status
    ]
    scanner.found, scanner.fixed = {}, []
    for place, shown in enumerate(occurrences):
        lasting = 100 + place if shown["lasts"] else None
        state = shown["states"][number]
        if state != "missing":
            issue = shown["issue"] % 3 + 1 if state == "moved" else shown["issue"]
            seen = shown["first_seen"]
            scanner.find(
                place,
                issue=issue,
                occurrence_id=lasting,
                target=shown["host"],
                first_seen_at=at(-30 if state == "dated" else seen),
                snoozed=state == "snoozed",
                snooze_reason="ACCEPT_RISK" if state == "snoozed" else None,
            )
        listed = {fixed for since, fixed in shown["fixes"] if since <= number and fixed <= day}
        if lasting:
            for fixed in sorted(listed):
                scanner.fix(lasting, fixed, severity="high", first_seen_at=at(shown["first_seen"]))


def read(dataset: Dataset) -> dict[Any, dict[str, Any]]:
    rows = dataset.query("SELECT * EXCEPT (updated_at) FROM {d}.findings")
    return {row["finding_id"]: row for row in rows}


def check_step(before: dict[Any, Any], after: dict[Any, Any]) -> None:
    """A closed finding is the same, unless the API dates it anew or a gap in scanning ended.

    A fix without a sight is no finding of its own once a sync saw it open within the hour after it.
    """
    for key, was in before.items():
        if key not in after:
            assert was["detected_at"] is None
            times = [row for row in after.values() if row["entity_key"] == was["entity_key"]]
            [first] = [row for row in times if row["times_reopened"] == 0]
            assert first["detected_at"] is not None
            continue
        now = after[key]
        if was["closed_at"] is None or was == now:
            continue
        assert [was[name] for name in DATES] != [now[name] for name in DATES]
        if now["closed_at"] is None:
            assert was["close_reason"] != "fixed"
        elif now["closed_at"] != was["closed_at"]:
            assert now["close_reason"] == "fixed"


def check_weeks(rows: dict[Any, Any], earlier: dict[Any, Any], synced: float) -> None:
    """A final week is the same, and what is open follows from the week before."""
    for (week, severity), row in rows.items():
        before = rows.get((week - timedelta(days=7), severity), {"open": 0})
        change = row["opened"] - row["closed"] + row["corrected"]
        assert row["open"] == before["open"] + change, (week, severity)
    for (week, severity), row in earlier.items():
        if (week - MONDAY.date()).days + 15 <= synced:
            assert rows[week, severity] == row


@settings(
    max_examples=1,
    deadline=None,
    phases=[Phase.generate],  # the occurrences of an example are checked together
    suppress_health_check=[*HealthCheck],
)
@given(
    occurrences=st.lists(occurrence, min_size=25, max_size=40),
    syncs=st.lists(sync, min_size=SYNCS, max_size=SYNCS),
)
def test_conclusions_last_and_follow_from_the_evidence(
    dataset: Dataset, occurrences: list[Any], syncs: list[Any]
) -> None:
    assume(occurrences[0] != occurrences[-1])  # the first example is the smallest: all are the same
    scanner = Scanner(Dataset(f"d{uuid.uuid4().hex[:12]}", dataset.client), may_skip=True)
    findings: dict[Any, Any] = {}
    weeks: dict[Any, Any] = {}
    day = 20.0
    for number, found in enumerate(syncs):
        day += found["days"]  # 0.005 at least
        show(scanner, number, day, found, occurrences)
        tables = ALL if number == 0 else found["tables"]
        # The second one finds the same, and may have nothing to conclude.
        for moment in (day, day + 0.002):
            if scanner.sync(moment, unread=found["unread"], tables=tables).is_as_before:
                continue
            rows, measured = check_conclusions(scanner.dataset, weeks)
            now = {row["finding_id"]: row for row in rows}
            check_step(findings, now)
            check_weeks(measured, weeks, moment)
            findings, weeks = now, measured
    scanner.sync(day + 0.003, tables=("fixed_occurrences",))
    findings = read(scanner.dataset)
    scanner.dataset.query("DROP TABLE {d}.findings")
    scanner.sync(day + 0.004, tables=("fixed_occurrences",))
    again = read(scanner.dataset)
    assert again.keys() == findings.keys()
    for key, row in findings.items():
        assert again[key] == row
