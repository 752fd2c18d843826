"""Whether the rows that were read are in BigQuery."""

import json
from collections.abc import Iterable, Mapping

from scanner_sync.errors import LoadUnavailable
from scanner_sync.warehouse.connection import Connection


def arrived(tables: Iterable[str], dataset: str, load: str) -> str:
    """Return SQL for a JSON object of how many rows of a load each table holds."""
    counts = (
        f"(SELECT COUNT(*) FROM `{dataset}.{table}` WHERE _dlt_load_id = {load}) AS {table}"  # noqa: S608
        for table in tables
    )
    return f"TO_JSON_STRING(STRUCT({', '.join(counts)}))"


def check_arrival(connection: Connection, rows: Mapping[str, int], load_id: str) -> None:
    """Check, in one query, that the tables hold as many rows of a load as were read.

    Raises `LoadUnavailable` if they do not.
    """
    counts = arrived(rows, connection.name, f"'{load_id}'")
    [row] = connection.client.query_and_wait(f"SELECT {counts} AS arrived")
    compare_rows(rows, json.loads(row["arrived"]))


def compare_rows(read: Mapping[str, int], arrived: Mapping[str, int]) -> None:
    """Raise `LoadUnavailable` if other numbers of rows arrived than were read, by table."""
    wrong = [
        f"{arrived[table]:,} of {count:,} in {table}"
        for table, count in read.items()
        if arrived[table] != count
    ]
    if wrong:
        raise LoadUnavailable(
            "BigQuery does not hold all rows that this sync loaded, but"
            f" {', '.join(wrong)}. No history was changed. Something else may write to these tables"
            " or to the staging dataset; the next sync loads all rows again."
        )
