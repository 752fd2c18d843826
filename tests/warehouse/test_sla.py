"""The goals for fixing are the user's to edit."""

from datetime import UTC, datetime, timedelta

from scanner_sync.warehouse.sla import SLA
from tests.conftest import Dataset
from tests.warehouse.loads import insert, insert_states, make_tables

OPENED = datetime(2026, 1, 1, tzinfo=UTC)
GOALS = {"critical": 7, "high": 30, "medium": 60, "low": 120}


def complete(dataset: Dataset) -> None:
    """Do what every sync does with the tables, without a load."""
    warehouse = dataset.warehouse
    warehouse.complete_load({}, None, warehouse.check_names())


def test_goals_are_the_users_to_edit(dataset: Dataset) -> None:
    """A sync writes the table where it is missing, and never again."""
    make_tables(dataset)
    complete(dataset)
    for number, severity in enumerate([*GOALS, "info"]):
        own = {"valid_from": OPENED, "valid_to": OPENED + timedelta(days=50)}
        issue = {"entity_key": f"{number}", "id": number, "severity": severity}
        insert_states(dataset, "issues_history", [own | issue])
        occurrence = {"entity_key": f"{number}/1", "issue_id": number, "occurrence_id": number}
        insert_states(dataset, "occurrences_issues_history", [own | occurrence])

    def policy() -> list[tuple[str, int]]:
        rows = dataset.query(f"SELECT * FROM {{d}}.{SLA}")
        return sorted((row["severity"], row["days"]) for row in rows)

    def due() -> list[list[tuple[str, int | None, bool | None]]]:
        """Return what the two lifecycles have: the severity, the days it had, and how it went."""
        return [
            sorted(
                (row["severity"], row["due_at"] and (row["due_at"] - OPENED).days, row["met_sla"])
                for row in dataset.query(f"SELECT * FROM {{d}}.{view}")
            )
            for view in ("issue_lifecycle", "occurrence_lifecycle")
        ]

    assert policy() == sorted(GOALS.items())
    assert due() == 2 * [
        [
            ("critical", 7, False),
            ("high", 30, False),
            ("info", None, None),
            ("low", 120, True),
            ("medium", 60, True),
        ]
    ]

    # One goal is changed, one is dropped, one is added, and one is there twice.
    dataset.query(f"UPDATE {{d}}.{SLA} SET days = 50 WHERE severity = 'high'")
    dataset.query(f"DELETE FROM {{d}}.{SLA} WHERE severity = 'low'")
    insert(dataset, SLA, [{"severity": "info", "days": 365}, {"severity": "critical", "days": 90}])
    edited = policy()
    assert len(edited) == 5
    complete(dataset)
    assert policy() == edited
    assert due() == 2 * [
        [
            ("critical", 7, False),
            ("high", 50, True),
            ("info", 365, True),
            ("low", None, None),
            ("medium", 60, True),
        ]
    ]

    dataset.client.delete_table(f"{dataset.name}.{SLA}")
    complete(dataset)
    assert policy() == sorted(GOALS.items())
