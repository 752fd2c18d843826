"""A sync creates again what was dropped from the dataset."""

import json

import pytest
from google.cloud import bigquery

from sample_api import Account, generate
from scanner_sync.schema.columns import BIGQUERY_TYPES, DLT_COLUMNS
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from scanner_sync.schema.findings import CONCLUSIONS, FINDINGS
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.sla_policy import SLA
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.views import VIEWS
from tests.conftest import PROJECT, Dataset
from tests.warehouse.conftest import Run


@pytest.fixture
def account() -> Account:
    return generate(seed=21, issues=3, targets=3, scans=3)


@pytest.fixture
def resources() -> tuple[str, ...]:
    """All tables, because each can be dropped."""
    return tuple(TABLES)


@pytest.fixture
def synced(run: Run, dataset: Dataset) -> Dataset:
    """A dataset into which the account was synced once."""
    run()
    return dataset


def everything(dataset: Dataset) -> dict[str, list[str]]:
    """The rows of tables, histories and findings, but for what is different in each load.

    Of a view it has the query, which says which rows it has.
    """
    apart = {"valid_from", "valid_to", "listed_at", "read_at"}
    apart |= {"finding_id", "detected_at", "last_seen_at", "updated_at"}
    # A snooze is known since a sync first saw it, and so is what the API does not date.
    apart |= {"accepted_at", "due_at", "goal_from", "opened_at"}
    found = {
        name: sorted(
            json.dumps(
                {k: v for k, v in row.items() if not k.startswith("_dlt_") and k not in apart},
                default=str,
                sort_keys=True,
            )
            for row in dataset.query(f"SELECT * FROM {{d}}.{name}")
        )
        for name in (*TABLES, READS, SLA, INTELLIGENCE, *HISTORIES, FINDINGS)
    }
    views = {name: dataset.client.get_table(f"{dataset.name}.{name}") for name in VIEWS}
    return found | {name: [str(view.view_query)] for name, view in views.items()}


def test_what_was_dropped_is_created_again(
    synced: Dataset, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    """The next sync creates and fills it; a history that begins again is in the log."""
    before = everything(synced)
    for dropped, loads, started in (
        (["targets", "issues_history", "open_issues", READS, SLA], 2, ["issues_history"]),
        ([*CONCLUSIONS, INTELLIGENCE], 3, []),
        (["_dlt_loads"], 1, []),
        (["_dlt_version"], 2, []),
        # Without its tables, the dataset is as before the first sync.
        (
            [
                *(*TABLES, READS, SLA, INTELLIGENCE, *HISTORIES, *CONCLUSIONS, *VIEWS),
                *("_dlt_loads", "_dlt_version"),
            ],
            1,
            [],
        ),
    ):
        capfd.readouterr()
        for name in dropped:
            synced.client.delete_table(f"{PROJECT}.{synced.name}.{name}")
        run()
        assert everything(synced) == before, dropped
        assert len(synced.query("SELECT load_id FROM {d}._dlt_loads")) == loads, dropped
        entries = [
            json.loads(line) for line in capfd.readouterr().err.splitlines() if line[0] == "{"
        ]
        found = [entry["table"] for entry in entries if entry["message"] == "history_started"]
        assert found == started, dropped


def test_a_staging_dataset_that_was_dropped_is_created_again(synced: Dataset, run: Run) -> None:
    """As a whole, or one of its tables."""
    before = everything(synced)
    staging = f"{PROJECT}.{synced.name}_staging"
    for name in ("", "targets", "_dlt_version"):
        if name:
            synced.client.delete_table(f"{staging}.{name}")
        else:
            synced.client.delete_dataset(staging, delete_contents=True)
        run()
        assert everything(synced) == before, name


def test_a_column_that_was_dropped_is_created_again(synced: Dataset, run: Run) -> None:
    """The next sync creates the column, and fills it in the rows that come.

    To drop it, the table is created without it: after DROP COLUMN the local BigQuery still
    describes the column, and it has columns that were added only in SELECT *.
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
    run()
    assert everything(synced) == before
