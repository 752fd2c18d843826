"""The measures of random accounts are those of pandas and lifelines."""

import json
import subprocess
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from local.bigquery import at as at_time
from local.processes import ROOT
from tests.conftest import Dataset
from tests.warehouse.loads import insert, insert_states, make_tables

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
            occurrence_id = 100 * number + place
            ends = [*found["changes"][1:], None]
            for state, begin, end in zip(found["states"], found["changes"], ends, strict=False):
                if state != "missing":
                    states.append(
                        {
                            "entity_key": f"{number}/{occurrence_id}",
                            "issue_id": number,
                            "id": place,
                            "occurrence_id": occurrence_id,
                            "target": "scanned" if found["is_scanned"] else "removed",
                            "first_seen_at": at(found["first_seen"]),
                            "snoozed": state == "snoozed",
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
    for table, rows in (("occurrences_issues_history", states), ("fixed_occurrences", fixes)):
        if rows:
            own = {} if table == "fixed_occurrences" else {"state_hash": "", "_dlt_load_id": "1"}
            insert(dataset, table, [{"_dlt_id": ""} | own | row for row in rows])
    removed = {"entity_key": "1", "id": 1, "address": "removed"}
    insert_states(dataset, "targets_history", [removed | {"valid_from": at(0), "valid_to": at(1)}])
    goals = [
        {"severity": f"severity {number}", "days": days}
        for number, (days, _) in enumerate(accounts)
        if days is not None
    ]
    dataset.query("DELETE FROM {d}.sla_policy WHERE TRUE")
    if goals:
        insert(dataset, "sla_policy", goals)


def test_any_dates_and_goals(dataset: Dataset) -> None:
    """The API's dates and the user's goals may be of any size. There are ten years of weeks."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    make_tables(dataset)
    warehouse = dataset.warehouse
    warehouse.complete_load({}, None, warehouse.check_names())
    state = {"entity_key": "1", "id": 1, "title": "", "severity": "low", "valid_from": START}
    insert_states(dataset, "issues_history", [state])
    rows = [
        {"entity_key": f"1/{n}", "issue_id": 1, "id": n, "occurrence_id": n, "first_seen_at": seen}
        for n, seen in enumerate([first, START, last])
    ]
    insert_states(
        dataset, "occurrences_issues_history", [row | {"valid_from": START} for row in rows]
    )
    fix = {"_dlt_id": "", "occurrence_id": 1, "first_seen_at": START, "remediated_at": last}
    insert(dataset, "fixed_occurrences", [fix])
    dataset.query(f"UPDATE {{d}}.sla_policy SET days = {2**63 - 1} WHERE severity = 'low'")

    times = dataset.query("SELECT opened_at, closed_at FROM {d}.occurrence_lifecycle ORDER BY id")
    assert [(row["opened_at"], row["closed_at"]) for row in times] == [
        (first, None),
        (START, last),
        (START, None),
    ]
    due = dataset.query("SELECT opened_at, due_at FROM {d}.issue_lifecycle")
    assert due == [{"opened_at": first, "due_at": first + timedelta(days=365000)}]
    weeks = dataset.query(
        "SELECT week, open, opened FROM {d}.remediation_metrics WHERE severity = 'all'"
        " ORDER BY week"
    )
    assert timedelta(weeks=520) < weeks[-1]["week"] - weeks[0]["week"] < timedelta(weeks=524)
    assert (weeks[0]["open"], weeks[0]["opened"]) == (1, 0)
    assert (weeks[-1]["open"], sum(row["opened"] for row in weeks)) == (3, 2)


def days(value: Any) -> Any:
    """Return an instant or a date as days since the start."""
    if isinstance(value, datetime):
        return (value - START) / timedelta(days=1)
    return (value - START.date()).days if isinstance(value, date) else value


def reference(given: dict[str, Any]) -> Any:
    command = [ROOT / ".venv-checks/bin/python", ROOT / "tests/warehouse/reference.py"]
    done = subprocess.run(
        command, input=json.dumps(given).encode(), stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],  # the accounts of an example are checked together
    suppress_health_check=[*HealthCheck],
)
@given(accounts=st.lists(account, min_size=8, max_size=16))
def test_any_accounts(dataset: Dataset, accounts: list[Any]) -> None:
    """Each measure of each week, and each date on which something is due."""
    sample = Dataset(f"d{uuid.uuid4().hex[:12]}", dataset.client)
    with at_time(NOW):
        fill(sample, accounts)
        times, snoozes, rows = (
            [{column: days(value) for column, value in row.items()} for row in sample.query(sql)]
            for sql in (
                "SELECT * FROM {d}.occurrence_lifecycle",
                "SELECT entity_key, valid_from AS `from`, valid_to AS `to`"
                " FROM {d}.occurrences_issues_history WHERE snoozed",
                "SELECT *, CURRENT_TIMESTAMP() AS now FROM {d}.remediation_metrics",
            )
        )
    if all(time["opened_at"] is None for time in times):
        assert rows == []
        return
    now = max(row.pop("now") for row in rows)
    goals = {f"severity {number}": of[0] for number, of in enumerate(accounts) if of[0] is not None}
    found = reference({"now": now, "goals": goals, "times": times, "snoozes": snoozes})
    assert [time["due_at"] for time in times] == pytest.approx(found["due"], rel=0, abs=2 / 86400)
    for row in (rows, found["rows"]):
        row.sort(key=lambda row: (row["severity"], row["week"]))
    assert len(rows) == len(found["rows"])
    for row, expected in zip(rows, found["rows"], strict=True):
        assert row == pytest.approx(expected, abs=2 / 86400)  # the view counts whole seconds
