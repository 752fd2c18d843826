"""Loads without an API and without dlt: rows in the merged tables, then the histories."""

import json
from datetime import UTC, datetime
from typing import Any

from google.cloud import bigquery

from local.bigquery import at as at_time
from scanner_sync.plan import ListedIssue
from scanner_sync.reading import Scanned
from scanner_sync.schema.columns import BIGQUERY_TYPES, DLT_COLUMNS
from scanner_sync.schema.tables import FIXED, TABLES
from tests.conftest import Dataset

COLUMNS = {name: table.columns | DLT_COLUMNS for name, table in TABLES.items()}


def make_tables(dataset: Dataset) -> None:
    """Create the dataset with the merged tables, empty."""
    dataset.client.create_dataset(dataset.name)
    for name, columns in COLUMNS.items():
        fields = [bigquery.SchemaField(c, BIGQUERY_TYPES[d.type]) for c, d in columns.items()]
        dataset.client.create_table(
            bigquery.Table(f"{dataset.client.project}.{dataset.name}.{name}", fields)
        )


class Loads:
    """Loads into a dataset, each on a day of a calendar."""

    def __init__(self, dataset: Dataset) -> None:
        make_tables(dataset)
        self._dataset = dataset
        self._existing = dataset.warehouse.check_names()
        self._days: list[tuple[int, datetime, datetime]] = []

    def load(
        self,
        day: int,
        listed: list[ListedIssue] | None = None,
        named: list[int] | None = None,
        scanned: Scanned | None = None,
        /,
        **rows: list[dict[str, Any]],
    ) -> dict[str, dict[str, int]]:
        """Load rows by table, on a day. Returns `Completion.history`.

        `listed` are the issues that were listed; None if their occurrences were not to be read.
        `named` are those that a signal named; None if that is not to be judged. `scanned` are
        targets that were scanned lately.
        """
        load_id = str(len(self._days) + 1)
        merges = [_merge(self._dataset.name, name, of, load_id) for name, of in rows.items() if of]
        self._dataset.query(";\n".join(merges) or "SELECT 1")
        counts = {name: len(rows[name]) for name in rows}
        warehouse = self._dataset.warehouse
        start = datetime.now(UTC)
        completion = warehouse.complete_load(
            counts, load_id, self._existing, listed=listed, named=named, scanned=scanned
        )
        self._days.append((day, start, datetime.now(UTC)))
        if len(self._days) == 1:
            self._existing = warehouse.check_names()
        self.completion = completion
        return completion.history

    def day_of(self, instant: datetime | None) -> int | None:
        """Return the day of the load that an instant was in."""
        if instant is None:
            return None
        [day] = [day for day, start, end in self._days if start <= instant <= end]
        return day


def _merge(dataset: str, name: str, rows: list[dict[str, Any]], load_id: str) -> str:
    """Return statements that add rows to a table in place of those with the same key."""
    key, columns = TABLES[name].key, COLUMNS[name]
    present = " OR ".join(
        " AND ".join(
            f"{column} = {literal(BIGQUERY_TYPES[columns[column].type], row.get(column))}"
            for column in key
        )
        for row in rows
    )
    values = [
        ", ".join(
            literal(BIGQUERY_TYPES[declared.type], (row | {"_dlt_load_id": load_id}).get(column))
            for column, declared in columns.items()
        )
        for row in rows
    ]
    into = f"INSERT INTO {dataset}.{name} ({', '.join(columns)})"
    delete = f"DELETE FROM {dataset}.{name} WHERE {present}"
    return f"{delete};\n{into} VALUES ({'), ('.join(values)})"


def literal(kind: str, value: object) -> str:
    """Return SQL for a value of one of BigQuery's types."""
    if value is None:
        return "NULL"
    if isinstance(value, list) and kind != "JSON":
        return f"[{', '.join(literal(kind, item) for item in value)}]"
    if kind == "JSON":
        return f"JSON '{json.dumps(value)}'"
    return f"{kind} '{value}'" if kind in ("DATE", "TIMESTAMP") else json.dumps(value)


def insert(dataset: Dataset, table: str, rows: list[dict[str, Any]]) -> None:
    """Append rows to a table; a column that a row lacks is null."""
    fields = dataset.client.get_table(f"{dataset.name}.{table}").schema
    values = (", ".join(literal(f.field_type, row.get(f.name)) for f in fields) for row in rows)
    columns = ", ".join(f"`{field.name}`" for field in fields)
    dataset.query(f"INSERT INTO {{d}}.{table} ({columns}) VALUES ({'), ('.join(values)})")


def insert_states(dataset: Dataset, history: str, states: list[dict[str, Any]]) -> None:
    """Append states to a history, with the columns that every state has."""
    own = {"state_hash": "", "_dlt_load_id": "1", "_dlt_id": ""}
    insert(dataset, history, [own | state for state in states])


def conclude(dataset: Dataset, instant: datetime, **tags: Any) -> None:
    """Conclude from what was inserted, as a sync at an instant that reads nothing.

    `tags` are `exposed_tags` and `internal_tags`.
    """
    warehouse = dataset.warehouse
    with at_time(instant):
        warehouse.complete_load({FIXED: 0}, None, warehouse.check_names(), **tags)


def issue(n: int, severity: str, **fields: Any) -> dict[str, Any]:
    return {"id": n, "severity": severity, "title": f"Issue {n}", "snoozed": False, **fields}


def occurrence(
    issue: int, n: int, persistent: int | None, target: str, **fields: Any
) -> dict[str, Any]:
    return {"issue_id": issue, "id": n, "occurrence_id": persistent, "target": target, **fields}


def counts(opened: int, closed: int, changed: int) -> dict[str, int]:
    return {"opened": opened, "closed": closed, "changed": changed}
