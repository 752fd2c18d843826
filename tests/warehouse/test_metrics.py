"""What is concluded of random accounts is what the reference finds, and lifelines its medians."""

import json
import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from local.processes import ROOT
from tests.conftest import Dataset
from tests.warehouse.loads import conclude, insert, insert_states, make_tables
from tests.warehouse.reference import (
    DAY,
    FIXES,
    INSTANT,
    PERIOD,
    Life,
    check_conclusions,
    lives_of,
)

START = datetime(2023, 8, 28, tzinfo=UTC)
NOW = START + timedelta(days=185.5)
HALF_DAYS = 26 * 14
"""Instants are half days, so that many fall on the end of a week, or are the same."""

moment = st.integers(0, HALF_DAYS)
occurrence = st.fixed_dictionaries(
    {
        "changes": st.lists(moment, min_size=1, max_size=5, unique=True).map(sorted),
        "states": st.lists(st.sampled_from(["seen", "snoozed", "missing"]), min_size=5, max_size=5),
        "first_seen": st.none() | moment,
        "fixed": st.lists(moment, max_size=2, unique=True),
        "is_scanned": st.booleans(),
        "is_accepted": st.booleans(),
    }
)
"""An occurrence: what it is from each change to the next, and what the API says of it."""

account = st.tuples(st.none() | st.integers(0, 60), st.lists(occurrence, min_size=1, max_size=6))
"""An account: days for fixing, and its occurrences."""


def at(half_days: int | None) -> datetime | None:
    return None if half_days is None else START + timedelta(hours=12 * half_days)


def fill(dataset: Dataset, accounts: list[Any]) -> None:
    """Write the accounts into one dataset. What tells them apart is a severity for each."""
    make_tables(dataset)
    warehouse = dataset.warehouse
    warehouse.complete_load({}, None, warehouse.check_names())
    issues, states, fixes = [], [], []
    for number, (_, occurrences) in enumerate(accounts):
        own = {"entity_key": f"{number}", "id": number, "valid_from": at(0)}
        issues.append(own | {"title": "", "severity": f"severity {number}" if number else None})
        for place, found in enumerate(occurrences):
            occurrence_id = 1000 + 100 * number + place
            ends = [*found["changes"][1:], None]
            for state, begin, end in zip(found["states"], found["changes"], ends, strict=False):
                if state != "missing":
                    states.append(
                        {
                            "entity_key": f"{occurrence_id}",
                            "issue_id": number,
                            "id": place,
                            "occurrence_id": occurrence_id,
                            "target": "scanned" if found["is_scanned"] else "removed",
                            "first_seen_at": at(found["first_seen"]),
                            "snoozed": state == "snoozed",
                            "snooze_reason": "ACCEPT_RISK" if found["is_accepted"] else None,
                            "last_seen_at": at(None if end is None else end - 1),
                            "valid_from": at(begin),
                            "valid_to": at(end),
                        }
                    )
            fixes += [
                {
                    "occurrence_id": occurrence_id,
                    "severity": issues[-1]["severity"],
                    "first_seen_at": at(found["first_seen"]),
                    "remediated_at": at(fixed),
                }
                for fixed in found["fixed"]
            ]
    insert_states(dataset, "issues_history", issues)
    tables = ["occurrences_issues", "targets", "fixed_occurrences"]
    sync = {"tables": tables, "unread_issues": [], "empty_issues": [], "is_held": False}
    insert(dataset, "syncs", [sync | {"synced_at": at(moment)} for moment in range(HALF_DAYS + 1)])
    reads = [{"issue_id": row["id"], "read_at": at(HALF_DAYS)} for row in issues]
    insert(dataset, "occurrence_reads", reads)
    for table, rows in (("occurrences_issues_history", states), ("fixed_occurrences", fixes)):
        if rows:
            own = {} if table == "fixed_occurrences" else {"state_hash": "", "_dlt_load_id": "1"}
            insert(dataset, table, [{"_dlt_id": ""} | own | row for row in rows])
    removed = {"entity_key": "1", "id": 1, "address": "removed"}
    insert_states(dataset, "targets_history", [removed | {"valid_from": at(0), "valid_to": at(1)}])
    goals = [
        {"rank": number, "name": "", "severity": f"severity {number}", "days": days}
        for number, (days, _) in enumerate(accounts)
        if days is not None
    ]
    dataset.query("DELETE FROM {d}.sla_policy WHERE TRUE")
    if goals:
        insert(dataset, "sla_policy", goals)


def test_any_dates_and_goals(dataset: Dataset) -> None:
    """The API's dates and the user's goals may be of any size. There are ten years of weeks."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    long_ago = datetime(1990, 1, 1, tzinfo=UTC)
    make_tables(dataset)
    warehouse = dataset.warehouse
    warehouse.complete_load({}, None, warehouse.check_names())
    state = {"entity_key": "1", "id": 1, "title": "", "severity": "low", "valid_from": START}
    insert_states(dataset, "issues_history", [state])
    rows = [
        {"entity_key": f"{n}", "issue_id": 1, "id": n, "occurrence_id": n, "first_seen_at": seen}
        for n, seen in enumerate([first, long_ago, START, last])
    ]
    insert_states(
        dataset, "occurrences_issues_history", [row | {"valid_from": START} for row in rows]
    )
    fix = {"_dlt_id": "", "occurrence_id": 2, "first_seen_at": START, "remediated_at": last}
    insert(dataset, "fixed_occurrences", [fix])
    dataset.query(f"UPDATE {{d}}.sla_policy SET days = {2**63 - 1} WHERE severity = 'low'")
    conclude(dataset, NOW)

    found = dataset.query(
        "SELECT opened_at, closed_at, due_at FROM {d}.findings ORDER BY occurrence_id"
    )
    opened = [START, long_ago, START, START]
    assert [row["opened_at"] for row in found] == opened
    assert [row["due_at"] for row in found] == [day + timedelta(days=365000) for day in opened]
    assert {row["closed_at"] for row in found} == {None}
    weeks = dataset.query(
        "SELECT week, open, opened, corrected FROM {d}.remediation_metrics WHERE severity = 'all'"
        " ORDER BY week"
    )
    assert timedelta(weeks=520) < weeks[-1]["week"] - weeks[0]["week"] < timedelta(weeks=524)
    assert [row["open"] for row in weeks[:1]] == [1]
    assert [row["corrected"] for row in weeks if row["corrected"]] == [1]
    assert (weeks[-1]["open"], sum(row["opened"] for row in weeks)) == (4, 3)


def medians_by_lifelines(groups: list[list[Life]]) -> list[Any]:
    """Return the median of each group in days, or what the script says instead."""
    command = [ROOT / ".venv-checks/bin/python", ROOT / "tests/warehouse/lifelines_medians.py"]
    given = [
        [(of.enters / DAY, of.leaves / DAY, of.how in FIXES) for of in lives] for lives in groups
    ]
    done = subprocess.run(
        command, input=json.dumps(given).encode(), stdout=subprocess.PIPE, check=True
    )
    found: list[Any] = json.loads(done.stdout)
    return found


@settings(
    max_examples=1,
    deadline=None,
    phases=[Phase.generate],  # the accounts of an example are checked together
    suppress_health_check=[*HealthCheck],
)
@given(accounts=st.lists(account, min_size=8, max_size=16))
def test_any_accounts(dataset: Dataset, accounts: list[Any]) -> None:
    """Each measure of each week, and each date on which something is due."""
    assume(accounts[0] != accounts[-1])  # the first example is the smallest: all are the same
    sample = Dataset(f"d{uuid.uuid4().hex[:12]}", dataset.client)
    fill(sample, accounts)
    conclude(sample, NOW)
    rows, weeks = check_conclusions(sample, {})
    [last] = sample.query("SELECT MAX(synced_at) AS synced_at FROM {d}.syncs")
    medians = {}
    for week, severity in weeks:
        end = min(
            START + timedelta(days=(week - START.date()).days + 7), last["synced_at"] + INSTANT
        )
        own = [row for row in rows if severity in ("all", row["severity"] or "none")]
        own = [row for row in own if row["opened_at"] is not None]
        medians[week, severity] = lives_of(own, end - PERIOD, end)
    theirs = medians_by_lifelines(list(medians.values()))
    assert 2 * theirs.count("refused") < len(theirs)
    for key, median in zip(medians, theirs, strict=True):
        if median != "refused":
            assert weeks[key]["kaplan_meier_days_to_fix"] == pytest.approx(median), key
