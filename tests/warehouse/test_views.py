"""The views are there from the first load on, and as this version has them."""

import sqlglot
from google.cloud import bigquery

from scanner_sync.plan import ListedIssue
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.warehouse.views import LABELS, VIEWS
from tests.conftest import PROJECT, Dataset
from tests.warehouse.conftest import through
from tests.warehouse.loads import Loads, insert


def test_an_outdated_view_is_updated(dataset: Dataset) -> None:
    """A view with other SQL gets this version's; labels of the user stay."""
    Loads(dataset).load(1, issues=[{"id": 1, "title": "One"}])
    made = {name: dataset.client.get_table(f"{dataset.name}.{name}") for name in VIEWS}
    assert {name: view.labels for name, view in made.items()} == dict.fromkeys(VIEWS, LABELS)
    outdated = dataset.client.get_table(f"{dataset.name}.open_issues")
    outdated.view_query = "SELECT 1 AS outdated"
    outdated.labels |= {"team": "security"}
    dataset.client.update_table(outdated, ["view_query", "labels"])
    assert dataset.query("SELECT * FROM {d}.open_issues") == [{"outdated": 1}]
    warehouse = dataset.warehouse
    warehouse.complete_load({"issues": 1}, "1", warehouse.check_names())
    now = {name: dataset.client.get_table(f"{dataset.name}.{name}") for name in VIEWS}
    assert {name: view.view_query for name, view in now.items()} == {
        name: view.view_query for name, view in made.items()
    }
    assert now["open_issues"].labels == LABELS | {"team": "security"}
    assert [row["title"] for row in dataset.query("SELECT * FROM {d}.open_issues")] == ["One"]


def test_a_dataset_that_is_up_to_date_is_only_read(dataset: Dataset, emulator_port: int) -> None:
    """No table and no view is written, and there is one job, which updates the histories."""
    Loads(dataset).load(1, issues=[{"id": 1}])
    requests: list[tuple[str, bytes]] = []

    def note(method: str, path: str, body: bytes) -> None:
        requests.append((method, body))

    dataset.warehouse.complete_load({"issues": 1}, "1", dataset.warehouse.check_names())
    with through(emulator_port, note, dataset) as warehouse:
        warehouse.complete_load({"issues": 1}, "1", warehouse.check_names())
    assert {method for method, _ in requests} == {"GET", "POST"}
    [job] = [body for method, body in requests if method == "POST"]
    assert b"MERGE" in job


def test_what_somebody_changes_meanwhile_is_read_again(dataset: Dataset) -> None:
    """Between the look at the dataset and the end of the load are up to 25 minutes."""
    Loads(dataset).load(1, issues=[{"id": 1, "title": "One"}])
    client, warehouse = dataset.client, dataset.warehouse
    made = {name: client.get_table(f"{dataset.name}.{name}") for name in (*VIEWS, READS)}
    for name in ("open_issues", "issue_lifecycle"):
        outdated = client.get_table(f"{dataset.name}.{name}")
        outdated.view_query = "SELECT 1 AS outdated"
        client.update_table(outdated, ["view_query"])
    fewer = bigquery.Table(f"{PROJECT}.{dataset.name}.{READS}", made[READS].schema[:-1])
    client.delete_table(fewer)
    client.create_table(fewer)
    client.delete_table(f"{dataset.name}.open_findings")
    existing = warehouse.check_names()
    for name in ("open_issues", READS):
        labeled = client.get_table(f"{dataset.name}.{name}")
        labeled.labels |= {"team": "security"}
        client.update_table(labeled, ["labels"])
    client.delete_table(f"{dataset.name}.issue_lifecycle")
    client.create_table(made["open_findings"])

    warehouse.complete_load({"issues": 1}, "1", existing, listed=[ListedIssue(1, 0, "hash")])
    found = {name: client.get_table(f"{dataset.name}.{name}") for name in made}
    assert {name: table.view_query for name, table in found.items()} == {
        name: table.view_query for name, table in made.items()
    }
    assert found[READS].schema == made[READS].schema
    assert found["open_issues"].labels == LABELS | {"team": "security"}
    assert found[READS].labels == {"team": "security"}


def test_a_view_reads_tables_few_times() -> None:
    """BigQuery evaluates a view, or a CTE, again for each reference to it."""
    counts: dict[str, int] = {}

    def reads(part: sqlglot.Expr, ctes: dict[str, int]) -> int:
        tables = list(part.find_all(sqlglot.exp.Table))
        return sum((counts if table.db else ctes).get(table.name, 1) for table in tables)

    for name, sql in VIEWS.items():
        query = sqlglot.parse_one(sql.replace("{dataset}", "dataset"), read="bigquery")
        assert isinstance(query, sqlglot.exp.Query)
        ctes: dict[str, int] = {}
        for cte in query.ctes:
            ctes[cte.alias] = reads(cte.this, ctes)
        if ctes:
            query.args["with_"].pop()
        counts[name] = reads(query, ctes)
    assert counts == {"open_findings": 2, "issue_lifecycle": 3, "open_issues": 4}


def test_tables_have_keys(dataset: Dataset) -> None:
    """BigQuery plans joins by them. What dlt makes gets them from the next sync."""
    loads = Loads(dataset)
    for day in (1, 2):
        loads.load(day, issues=[{"id": 1}], targets=[], occurrences_issues=[])
    tables = {
        name: dataset.client.get_table(f"{dataset.name}.{name}").table_constraints
        for name in ("issues", "occurrences_issues", "findings", "syncs", "remediation_metrics")
    }
    primary = {
        name: keys.primary_key.columns for name, keys in tables.items() if keys and keys.primary_key
    }
    assert primary == {
        "issues": ["id"],
        "occurrences_issues": ["issue_id", "id"],
        "findings": ["finding_id"],
        "syncs": ["synced_at"],
        "remediation_metrics": ["week", "severity"],
    }
    foreign = {
        name: {
            (of.referencing_column, key.referenced_table.table_id)
            for key in keys.foreign_keys or []
            for of in key.column_references
        }
        for name, keys in tables.items()
        if keys
    }
    assert foreign == {name: set() for name in primary} | {
        "occurrences_issues": {("issue_id", "issues")},
        "findings": {("issue_id", "issues"), ("target_id", "targets")},
    }
    findings = dataset.client.get_table(f"{dataset.name}.findings")
    assert findings.clustering_fields == ["closed_at", "severity_rank"]


def test_an_issue_whose_findings_close_at_once(dataset: Dataset) -> None:
    """It has the reason of one of them, and always of the same."""
    Loads(dataset).load(1, issues=[])
    opened, closed = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    reasons = ["target_removed", "not_reported"]
    rows = [
        {"finding_id": f"{issue}/{reason}", "issue_id": issue, "close_reason": reason}
        for issue, ordered in enumerate([reasons, reasons[::-1]])
        for reason in ordered
    ]
    own = {"entity_key": "", "times_reopened": 0, "opened_at": opened, "closed_at": closed}
    insert(dataset, "findings", [own | row for row in rows])
    found = dataset.query("SELECT id, close_reason FROM {d}.issue_lifecycle ORDER BY id")
    assert found == [{"id": issue, "close_reason": "not_reported"} for issue in (0, 1)]
