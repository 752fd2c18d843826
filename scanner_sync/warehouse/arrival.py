"""Whether the rows that were read are in BigQuery."""

import json
from collections.abc import Iterable, Mapping

from scanner_sync.errors import LoadUnavailable
from scanner_sync.warehouse.connection import Connection


def arrived(tables: Iterable[str], dataset: str, load: str) -> str:
    """Return SQL for the number of rows of a load in each table, as a JSON object.

    `dataset` is `PROJECT.DATASET`, and `load` is SQL for the load's id.
    """
    counts = (
        f"(SELECT COUNT(*) FROM `{dataset}.{table}` WHERE _dlt_load_id = {load}) AS {table}"  # noqa: S608
        for table in tables
    )
    return f"TO_JSON_STRING(STRUCT({', '.join(counts)}))"


def check_arrival(connection: Connection, rows: Mapping[str, int], load_id: str) -> None:
    """Check, in one query, that each table holds as many rows of a load as were read.

    `rows` are the numbers that were read, by table. Raises `LoadUnavailable` if one differs.
    """
    counts = arrived(rows, connection.name, f"'{load_id}'")
    [row] = connection.client.query_and_wait(f"SELECT {counts} AS arrived")
    compare_rows(rows, json.loads(row["arrived"]))


def compare_rows(read: Mapping[str, int], arrived: Mapping[str, int]) -> None:
    """Compare the numbers of rows that were read and that arrived, by table.

    Raises `LoadUnavailable` if one differs.
    """
    wrong = [
        f"{arrived[table]:,} of {count:,} in {table}"
        for table, count in read.items()
        if arrived[table] != count
    ]
    if wrong:
        raise LoadUnavailable(
            f"BigQuery does not hold the rows that were read: {', '.join(wrong)}. No history was"
            " changed, and the next sync loads all rows again. Check that nothing else writes to"
            " these tables or to the staging dataset."
        )
