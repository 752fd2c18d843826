"""The rows of a dataset, and those that an account should leave there."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from sample_api import Account
from scanner_sync.plan import LastRead
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import PROJECT, Dataset


def expected_rows(account: Account, api_url: str) -> dict[str, list[dict[str, Any]]]:
    """Return what the tables hold after a sync of the account, as `all_rows` gives it."""
    issues = [
        issue | {"occurrences": f"{api_url}/issues/{issue['id']}/occurrences/"}
        for issue in account.issues
    ]
    occurrences = [
        row | {"issue_id": issue}
        for issue, rows in sorted(account.occurrences.items())
        for row in sorted(rows, key=lambda row: row["id"])
    ]
    items = {
        "issues": issues,
        "occurrences_issues": occurrences,
        "scans": account.scans,
        "targets": account.targets,
        "fixed_occurrences": account.fixed,
        "scan_schedules": account.schedules,
        "tags": account.tags,
        "licenses": [account.licenses],
    }
    rows = {
        table: sorted(
            (expected(table, item) for item in items[table]),
            key=lambda row: [row[name] or 0 for name in declaration.key],
        )
        for table, declaration in TABLES.items()
    }
    del rows["licenses"][0]["recorded_on"]
    return rows


def all_rows(dataset: Dataset, tables: Iterable[str] = TABLES) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table. Of `licenses`, it is the last day, without its date."""
    rows = {table: dataset.rows(table) for table in tables}
    if "licenses" in rows:
        rows["licenses"] = [
            {name: value for name, value in row.items() if name != "recorded_on"}
            for row in rows["licenses"][-1:]
        ]
    return rows


def reads(dataset: Dataset) -> dict[int, LastRead]:
    """Return the table, as the next sync reads it."""
    warehouse = dataset.warehouse
    return warehouse.read_reads(warehouse.check_names())


def release_lease(dataset: Dataset) -> None:
    """Release the lease of a killed sync, so that the next one need not wait for it."""
    lease = dataset.client.get_table(f"{PROJECT}.{dataset.name}.{LEASE_TABLE}")
    lease.labels = lease.labels | {"until": "0"}
    dataset.client.update_table(lease, ["labels"])


def expected(table: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return the row in BigQuery that holds an item of the API."""
    row: dict[str, Any] = {}
    for name, column in TABLES[table].columns.items():
        value = item.get(name)
        if value is not None:
            if column.type == "timestamp":
                value = datetime.fromisoformat(value)
                value = value if value.tzinfo else value.replace(tzinfo=UTC)
            elif column.type == "date":
                value = date.fromisoformat(value)
            elif column.type == "text|bigint":
                value = str(value)
        row[name] = value
    return row
