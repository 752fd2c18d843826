"""A dataset of version 0.1 keeps all that it holds, under the present names."""

import json
from pathlib import Path
from typing import Any

import flask.testing
import pytest
from google.api_core.exceptions import Forbidden
from google.cloud import bigquery

from local.bigquery import error_of
from sample_api import Account
from scanner_sync.warehouse import Warehouse
from scanner_sync.warehouse.history import HISTORIES, HISTORY_COLUMNS, columns_of
from scanner_sync.warehouse.migration import COLUMNS
from scanner_sync.warehouse.views import LABELS, VIEWS
from tests.conftest import PROJECT, Dataset
from tests.warehouse.conftest import through
from tests.warehouse.loads import literal

VERSION_0_1 = json.loads(Path(__file__).with_name("version_0_1.json").read_text())
LAST_LOAD = max(row[0] for row in VERSION_0_1["tables"]["_dlt_loads"]["rows"])
ROWS = {"issues": 3, "occurrences_issues": 3, "scans": 1, "targets": 2}
"""Rows of the last load, by table."""
NEW_ROWS = {"fixed_occurrences": 0, "scan_schedules": 0, "tags": 0, "licenses": 1}
"""Rows of tables that version 0.1 did not have."""
NEW_COLUMNS = {"target_status"}
"""Columns of histories that version 0.1 did not have."""
UNCHANGED = {
    name: {"opened": 0, "closed": 0, "changed": 0}
    for name in ("issues", "occurrences_issues", "targets")
}
FIRST, SECOND, THIRD = sorted({row[-4] for row in VERSION_0_1["tables"]["issues_history"]["rows"]})
"""Instants of the three syncs."""
FOUND = "2026-11-01 00:00:00+00:00"
"""When the API first saw each occurrence."""


def restore(dataset: Dataset, views: str) -> None:
    """Create the dataset of version 0.1, with the views of 0.1.0 or with those that have labels."""
    dataset.client.create_dataset(dataset.name)
    full_name = f"{PROJECT}.{dataset.name}"
    inserts = []
    for name, made in VERSION_0_1["tables"].items():
        types = {column: kind.split() for column, kind in made["columns"].items()}
        table = bigquery.Table(
            f"{full_name}.{name}",
            [
                bigquery.SchemaField(column, kind, mode=mode[0] if mode else "NULLABLE")
                for column, (kind, *mode) in types.items()
            ],
        )
        table.labels = made["labels"]
        dataset.client.create_table(table)
        for row in made["rows"]:
            values = (
                literal(kind, value) for (kind, *_), value in zip(types.values(), row, strict=True)
            )
            inserts.append(f"INSERT INTO {{d}}.{name} VALUES ({', '.join(values)})")
    dataset.query(";\n".join(inserts))
    for name, made in VERSION_0_1["views"][views].items():
        create_view(dataset, name, made["query"].replace("{d}", full_name), made["labels"])


def create_view(dataset: Dataset, name: str, query: str, labels: dict[str, str]) -> None:
    view = bigquery.Table(f"{PROJECT}.{dataset.name}.{name}")
    view.view_query, view.labels = query, labels
    dataset.client.create_table(view)


def update(warehouse: Warehouse) -> dict[str, dict[str, int]]:
    """Do what a sync does with the dataset after a load that brought the rows of the last one."""
    existing = warehouse.check_names()
    return warehouse.complete_load(ROWS, LAST_LOAD, existing).history


def assert_kept(dataset: Dataset) -> None:
    """Assert that every state is as it was, and that the views show it."""
    for name in HISTORIES:
        made = VERSION_0_1["tables"][name]
        columns = [COLUMNS.get(column, column) for column in made["columns"]]
        assert columns == [column for column in columns_of(name) if column not in NEW_COLUMNS]
        assert dataset.columns(name).keys() == set(columns_of(name))
        rows = dataset.query(f"SELECT * FROM {{d}}.{name}")
        assert sorted([shown(row[column]) for column in columns] for row in rows) == sorted(
            [shown(value) for value in row] for row in made["rows"]
        )
        schema = dataset.client.get_table(f"{dataset.name}.{name}").schema
        assert {field.name for field in schema if field.mode == "REQUIRED"} == {
            column for column, declared in HISTORY_COLUMNS.items() if declared.required
        }
    assert lifecycle(dataset, "issue", "id", "title", "severity") == [
        (1, "Issue 1", "critical", 0, FOUND, None),
        (2, "Issue 2", "critical", 0, FOUND, SECOND),
        (2, "Issue 2", "critical", 1, THIRD, None),
        (3, "Issue 3", "low", 0, FOUND, None),
    ]
    assert lifecycle(dataset, "occurrence", "entity_key", "severity", "target") == [
        ("1/11", "critical", "www.example.com", 0, FOUND, None),
        ("2/21", "critical", "db.example.com", 1, THIRD, None),
        ("2/21", "critical", "www.example.com", 0, FOUND, SECOND),
        ("2/id/2", "critical", "db.example.com", 0, FOUND, SECOND),
        ("2/id/2", "critical", "db.example.com", 1, THIRD, None),
        ("3/31", "low", "db.example.com", 0, FOUND, THIRD),
    ]
    opened = dataset.query("SELECT id, opened_at, times_reopened FROM {d}.open_issues ORDER BY id")
    assert [(row["id"], str(row["opened_at"]), row["times_reopened"]) for row in opened] == [
        (1, FOUND, 0),
        (2, THIRD, 1),
        (3, FOUND, 0),
    ]
    assert len(dataset.query("SELECT * FROM {d}.open_occurrences")) == 3
    labels = {t.table_id: t.labels for t in tables(dataset) if t.table_type == "VIEW"}
    assert labels == dict.fromkeys(VIEWS, LABELS)


def lifecycle(dataset: Dataset, kind: str, *columns: str) -> list[tuple[Any, ...]]:
    rows = dataset.query(f"SELECT * FROM {{d}}.{kind}_lifecycle")
    all_columns = (*columns, "times_reopened", "opened_at", "closed_at")
    found = [tuple(row[column] for column in all_columns) for row in rows]
    return sorted(
        (*row[:-2], *(None if at is None else str(at) for at in row[-2:])) for row in found
    )


def shown(value: object) -> str:
    return json.dumps(value, default=str)


def tables(dataset: Dataset) -> list[bigquery.Table]:
    listed = dataset.client.list_tables(dataset.name)
    return [dataset.client.get_table(table.reference) for table in listed]


@pytest.mark.usefixtures("api_url")
def test_a_dataset_of_0_1_is_kept(
    account: Account, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """The first sync opens and closes nothing where the account is as it was."""
    restore(dataset, "0.1.0")
    shown_last = VERSION_0_1["account"]
    account.issues, account.targets = shown_last["issues"], shown_last["targets"]
    account.occurrences = {int(n): rows for n, rows in shown_last["occurrences"].items()}
    account.scans = shown_last["scans"]
    answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["history"] == UNCHANGED
    assert answer.get_json()["tables"] == {
        name: {"rows": rows} for name, rows in (ROWS | NEW_ROWS).items()
    }
    assert_kept(dataset)


Request = tuple[str, str, bytes]


def is_alter(request: Request) -> bool:
    return b"ALTER TABLE" in request[2]


def is_delete(request: Request) -> bool:
    return request[0] == "DELETE" and request[1].split("?")[0].endswith("/remediation")


def is_create(request: Request) -> bool:
    return request[0] == "POST" and b'"tableId": "occurrence_lifecycle"' in request[2]


def is_update(request: Request) -> bool:
    return request[0] == "PATCH" and request[1].split("?")[0].endswith("/open_occurrences")


def is_merge(request: Request) -> bool:
    return b"MERGE" in request[2]


def test_an_interrupted_migration_is_completed(dataset: Dataset, emulator_port: int) -> None:
    """Each sync here is stopped one step later, and completes what the one before left."""
    restore(dataset, "labeled")
    half = "occurrences_issues_history"
    for step, renamed in (
        (is_alter, None),
        (is_alter, half),
        (is_delete, None),
        (is_create, None),
        (is_update, None),
        (is_merge, None),
    ):
        stopped = []

        def stop(*request: Any) -> tuple[int, bytes] | None:
            if not step(request):  # noqa: B023 - called within this turn
                return None
            stopped.append(request)  # noqa: B023
            if renamed:  # noqa: B023
                columns = ", ".join(f"RENAME COLUMN {old} TO {new}" for old, new in COLUMNS.items())
                dataset.client.query_and_wait(
                    f"ALTER TABLE `{PROJECT}.{dataset.name}.{half}` {columns}"
                )
            return 403, error_of(403, "stopped", "accessDenied")

        with through(emulator_port, stop, dataset) as warehouse, pytest.raises(Forbidden):
            update(warehouse)
        assert len(stopped) == 1
    assert update(dataset.warehouse) == UNCHANGED
    assert_kept(dataset)


def test_later_syncs_look_for_nothing_of_0_1(dataset: Dataset, emulator_port: int) -> None:
    restore(dataset, "labeled")
    update(dataset.warehouse)
    requests: list[Request] = []

    def note(*request: Any) -> None:
        requests.append(request)

    with through(emulator_port, note, dataset) as warehouse:
        assert update(warehouse) == UNCHANGED
    assert requests
    assert not [path for _, path, _ in requests if path.split("?")[0].endswith("/remediation")]
    assert {method for method, _, _ in requests} == {"GET", "POST"}
    [job] = [body for method, _, body in requests if method == "POST"]
    assert b"ALTER" not in job
    # The status of a target, which version 0.1 did not keep, is a state from now on.
    dataset.query("UPDATE {d}.targets SET target_status = 'live' WHERE id = 1")
    changed = {"targets": {"opened": 0, "closed": 0, "changed": 1}}
    assert update(dataset.warehouse) == UNCHANGED | changed


@pytest.mark.parametrize("kind", ["VIEW", "TABLE"])
def test_what_a_user_calls_remediation_is_left_alone(dataset: Dataset, kind: str) -> None:
    """A sync no longer needs the name."""
    restore(dataset, "0.1.0")
    dataset.client.delete_table(f"{dataset.name}.remediation")
    if kind == "VIEW":
        create_view(dataset, "remediation", "SELECT 'mine' AS note", {})
    else:
        dataset.query("CREATE TABLE {d}.remediation AS SELECT 'mine' AS note")
    assert update(dataset.warehouse) == UNCHANGED
    assert dataset.query("SELECT note FROM {d}.remediation") == [{"note": "mine"}]
    assert update(dataset.warehouse) == UNCHANGED
