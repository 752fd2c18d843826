"""A table or view of the user that has a name which a sync needs is named, and left alone."""

import pytest

from sample_api import Account
from scanner_sync.errors import LoadError
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.names import check_names, check_staging
from tests.conftest import PROJECT, Dataset
from tests.warehouse.conftest import Run
from tests.warehouse.loads import Loads

DLT_OWN = "_dlt_load_id STRING, _dlt_id STRING"


def test_what_exists_is_returned(dataset: Dataset) -> None:
    """By name: tables, histories, goals and views."""
    dataset.client.create_dataset(dataset.name)
    assert dataset.warehouse.check_names() == {}
    dataset.client.delete_dataset(dataset.name)
    Loads(dataset).load(1, issues=[{"id": 1}])
    merged = {*TABLES, "occurrence_reads", "cve_intelligence"}
    histories = {"issues_history", "occurrences_issues_history", "targets_history", "sla_policy"}
    conclusions = {"findings", "remediation_metrics", "syncs"}
    views = {"issue_lifecycle", "open_findings", "open_issues"}
    found = dataset.warehouse.check_names()
    assert found.keys() == merged | histories | conclusions | views
    assert all(table.table_id == name for name, table in found.items())


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
        ("sla_policy", "CREATE TABLE {d}.sla_policy (severity STRING, hours INT64)"),
        ("cve_intelligence", "CREATE TABLE {d}.cve_intelligence (cve STRING, note STRING)"),
        ("findings", "CREATE TABLE {d}.findings (id INT64, note STRING)"),
        ("findings", "CREATE VIEW {d}.findings AS SELECT 1 AS finding_id"),
        ("open_issues", "CREATE VIEW {d}.open_issues AS SELECT 1 AS id"),
        ("open_issues", "CREATE TABLE {d}.open_issues (id INT64)"),
    ],
)
def test_what_is_in_the_way_is_named(dataset: Dataset, name: str, sql: str) -> None:
    """The error names the table or view, and says what to do."""
    staging = "_staging" if "_staging" in sql else ""
    dataset.client.create_dataset(dataset.name + staging)
    dataset.query(sql)
    kind = "view" if "VIEW" in sql else "table"
    full_name = rf"{PROJECT}\.{dataset.name}{staging}\.{name} \({kind}\)"
    check = check_staging if staging else check_names
    with pytest.raises(LoadError, match=rf"{full_name}.* Nothing was loaded.*DATASET"):
        check(dataset.warehouse)


def test_what_is_in_the_way_is_left_alone(dataset: Dataset, run: Run, account: Account) -> None:
    """A sync ends before it changes anything. It looks at staging tables only if it needs them."""
    run()
    dataset.client.create_dataset(f"{dataset.name}_staging", exists_ok=True)
    dataset.query("CREATE VIEW {d}_staging.issues AS SELECT 'mine' AS note")
    run()
    account.issues.append({"id": 1, "severity": "high"})
    account.occurrences[1] = []
    with pytest.raises(LoadError, match=r"_staging\.issues"):
        run()
    assert dataset.query("SELECT * FROM {d}_staging.issues") == [{"note": "mine"}]
    assert dataset.query("SELECT * FROM {d}.issues") == []
    account.issues.clear()
    dataset.client.delete_table(f"{PROJECT}.{dataset.name}.open_issues")
    dataset.query("CREATE VIEW {d}.open_issues AS SELECT 'mine' AS note")
    loads = dataset.query("SELECT * FROM {d}._dlt_loads")
    with pytest.raises(LoadError, match="open_issues"):
        run()
    assert dataset.query("SELECT * FROM {d}.open_issues") == [{"note": "mine"}]
    assert dataset.query("SELECT * FROM {d}._dlt_loads") == loads
