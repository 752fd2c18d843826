"""A sync makes what the dataset lacks, and names what is in its way."""

import json
from collections.abc import Callable

import flask.testing
import pytest
from google.cloud import bigquery

from sample_api import Account, generate
from scanner_sync.tables import BIGQUERY_TYPES, DLT_COLUMNS, TABLES
from scanner_sync.warehouse.history import HISTORIES
from scanner_sync.warehouse.views import VIEWS
from tests.conftest import PROJECT, Dataset

Post = Callable[[], dict[str, object]]


@pytest.fixture
def account() -> Account:
    return generate(seed=21, issues=5, targets=4, scans=3)


@pytest.fixture
def synced(http: flask.testing.FlaskClient, api_url: str, dataset: Dataset) -> Dataset:
    """A dataset into which the account was synced once."""
    answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    return dataset


def everything(dataset: Dataset) -> dict[str, list[str]]:
    """The rows of all tables, histories and views, but for what each load has of its own."""
    apart = ("valid_from", "valid_to", "opened", "since", "days_open")
    return {
        name: sorted(
            json.dumps(
                {k: v for k, v in row.items() if not k.startswith("_dlt_") and k not in apart},
                default=str,
                sort_keys=True,
            )
            for row in dataset.query(f"SELECT * FROM {{d}}.{name}")
        )
        for name in (*TABLES, *HISTORIES, *VIEWS)
    }


DLT_OWN = "_dlt_load_id STRING, _dlt_id STRING"
DLT_TABLES = ("_dlt_loads", "_dlt_version")


@pytest.mark.parametrize("name", ["targets", "issues_history", "open_issues", *DLT_TABLES, "all"])
def test_what_was_dropped_is_made_again(
    synced: Dataset,
    http: flask.testing.FlaskClient,
    name: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The next sync makes it and fills it; a history that begins again is in the log."""
    before = everything(synced)
    capfd.readouterr()
    for each in [*TABLES, *HISTORIES, *VIEWS, *DLT_TABLES] if name == "all" else [name]:
        synced.client.delete_table(f"{PROJECT}.{synced.name}.{each}")
    answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert everything(synced) == before
    assert len(synced.query("SELECT load_id FROM {d}._dlt_loads")) == (
        1 if name in ("_dlt_loads", "all") else 2
    )
    started = [
        entry["table"]
        for entry in map(json.loads, capfd.readouterr().err.splitlines())
        if entry["message"] == "history_started"
    ]
    assert started == ([name] if name in HISTORIES else [])


@pytest.mark.parametrize("name", ["", "targets", "_dlt_version"])
def test_a_staging_dataset_that_was_dropped_is_made_again(
    synced: Dataset, http: flask.testing.FlaskClient, name: str
) -> None:
    """As a whole, or one of its tables."""
    before = everything(synced)
    staging = f"{PROJECT}.{synced.name}_staging"
    if name:
        synced.client.delete_table(f"{staging}.{name}")
    else:
        synced.client.delete_dataset(staging, delete_contents=True)
    answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert everything(synced) == before


def test_a_column_that_was_dropped_is_made_again(
    synced: Dataset, http: flask.testing.FlaskClient
) -> None:
    """The next sync makes the column, and fills it in the rows that come.

    It is dropped by making the table without it: after ALTER TABLE the local BigQuery still
    describes the column, and it knows columns that were added in SELECT * alone.
    """
    before = everything(synced)
    name = f"{PROJECT}.{synced.name}.scans"
    fields = [
        bigquery.SchemaField(column, BIGQUERY_TYPES[declared.type])
        for column, declared in (TABLES["scans"].columns | DLT_COLUMNS).items()
        if column != "scan_type"
    ]
    synced.client.delete_table(name)
    synced.client.create_table(bigquery.Table(name, fields))
    answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert everything(synced) == before


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("issues", "CREATE VIEW {d}.issues AS SELECT 1 AS id"),
        ("issues", "CREATE TABLE {d}.issues (id INT64, note STRING)"),
        ("issues", f"CREATE TABLE {{d}}.issues (id INT64, number INT64, {DLT_OWN})"),
        (
            "scans",
            f"CREATE TABLE {{d}}.scans (id STRING, status STRING, created_at TIMESTAMP, {DLT_OWN})",
        ),
        ("issues", "CREATE VIEW {d}_staging.issues AS SELECT 1 AS id"),
        ("_dlt_loads", "CREATE VIEW {d}._dlt_loads AS SELECT 1 AS id"),
        ("targets_history", "CREATE VIEW {d}.targets_history AS SELECT 1 AS id"),
        ("targets_history", "CREATE TABLE {d}.targets_history (id INT64, note STRING)"),
        ("open_issues", "CREATE VIEW {d}.open_issues AS SELECT 1 AS id"),
        ("open_issues", "CREATE TABLE {d}.open_issues (id INT64)"),
    ],
)
@pytest.mark.usefixtures("api_url")
def test_what_is_in_the_way_is_named(
    dataset: Dataset, http: flask.testing.FlaskClient, name: str, sql: str
) -> None:
    """A table or view of the user's is left as it is, and the error says how to go on."""
    staging = "_staging" if "_staging" in sql else ""
    dataset.client.create_dataset(dataset.name + staging)
    dataset.query(sql)
    before = dataset.query(f"SELECT * FROM {{d}}{staging}.{name}")
    answer = http.post("/")
    kind = "view" if "VIEW" in sql else "table"
    assert (answer.status_code, answer.get_json()["error"]) == (
        500,
        {
            "type": "LoadError",
            "message": f"{PROJECT}.{dataset.name}{staging}.{name} ({kind}) was not made by this"
            " program, which needs the name. Nothing was loaded. Rename or move it, or set DATASET"
            " to a dataset without it.",
        },
    )
    assert dataset.query(f"SELECT * FROM {{d}}{staging}.{name}") == before
    assert dataset.tables() <= {name}


def test_the_views_of_version_0_1_are_brought_up_to_date(
    synced: Dataset, http: flask.testing.FlaskClient
) -> None:
    """They have no label, but their text tells that they are not the user's."""
    before = everything(synced)
    view = synced.client.get_table(f"{PROJECT}.{synced.name}.open_issues")
    made = synced.client.get_table(view.reference)
    synced.client.delete_table(view)
    old = bigquery.Table(view.reference)
    old.view_query = made.view_query
    synced.client.create_table(old)
    answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert everything(synced) == before
    view = synced.client.get_table(view.reference)
    assert (view.labels, view.view_query) == (made.labels, made.view_query)
