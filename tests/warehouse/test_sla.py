"""The goals for fixing are the user's to edit."""

from datetime import UTC, datetime, timedelta

from scanner_sync.schema.sla_policy import SLA
from tests.conftest import Dataset
from tests.warehouse.loads import conclude, insert, insert_states, make_tables

OPENED = datetime(2026, 1, 1, tzinfo=UTC)
GOALS = {"critical": 7, "high": 30, "medium": 60, "low": 120}


def test_goals_are_the_users_to_edit(dataset: Dataset) -> None:
    """A sync writes the table where it is missing, and never again. What is open follows it."""
    make_tables(dataset)
    conclude(dataset, OPENED)
    for number, severity in enumerate([*GOALS, "info", None]):
        issue = {"entity_key": f"{number}", "id": number, "severity": severity}
        insert_states(dataset, "issues_history", [issue | {"valid_from": OPENED}])
        for id, closed_at in ((10 * number, OPENED + timedelta(days=50)), (10 * number + 1, None)):
            occurrence = {"entity_key": f"{id}", "issue_id": number, "occurrence_id": id}
            state = {"valid_from": OPENED, "valid_to": closed_at}
            insert_states(dataset, "occurrences_issues_history", [occurrence | state])

    def policy() -> list[tuple[str, int]]:
        rows = dataset.query(f"SELECT * FROM {{d}}.{SLA}")
        return sorted((row["severity"], row["days"]) for row in rows)

    def due(what: str) -> dict[str | None, tuple[int | None, bool | None]]:
        """Return the days that findings had, or have, and how it went, by severity."""
        rows = dataset.query(f"SELECT * FROM {{d}}.findings WHERE {what}")
        for row in rows:
            assert (row["due_at"] and (row["due_at"] - OPENED).days) == row["goal_days"]
        return {row["severity"]: (row["goal_days"], row["met_sla"]) for row in rows}

    assert policy() == sorted(GOALS.items())
    conclude(dataset, OPENED + timedelta(days=60))
    closed: dict[str | None, tuple[int | None, bool | None]] = {
        "critical": (7, False),
        "high": (30, False),
        "medium": (60, True),
        "low": (120, True),
        "info": (None, None),
        None: (None, None),
    }
    assert due("closed_at IS NOT NULL") == closed
    assert due("closed_at IS NULL") == {name: (days, None) for name, (days, _) in closed.items()}

    # One goal is changed, one is dropped, two are added, and one is there twice.
    dataset.query(f"UPDATE {{d}}.{SLA} SET days = 50 WHERE severity = 'high'")
    dataset.query(f"DELETE FROM {{d}}.{SLA} WHERE severity = 'low'")
    added = [(None, "info", 365), (10, "critical", 90), (5, "none", 10)]
    rows = [{"rank": rank, "severity": name, "days": days} for rank, name, days in added]
    insert(dataset, SLA, rows)
    edited = policy()
    assert len(edited) == 6
    conclude(dataset, OPENED + timedelta(days=61))
    assert policy() == edited
    assert due("closed_at IS NOT NULL") == closed
    assert due("closed_at IS NULL") == {
        "critical": (7, None),
        "high": (50, None),
        "medium": (60, None),
        "low": (None, None),
        "info": (365, None),
        None: (10, None),
    }

    dataset.client.delete_table(f"{dataset.name}.{SLA}")
    conclude(dataset, OPENED + timedelta(days=62))
    assert policy() == sorted(GOALS.items())
