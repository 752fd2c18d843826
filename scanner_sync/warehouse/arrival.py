"""Whether the rows that were read are in BigQuery."""

from collections.abc import Iterable, Mapping
from typing import Final

from scanner_sync.errors import LoadUnavailable

# Not a file, because it is repeated for each table of a sync.
_COUNT: Final = (
    "(SELECT COUNT(*) FROM `{{dataset}}.{table}` WHERE _dlt_load_id = {load}) AS {table}"
)


def arrived(tables: Iterable[str], loads: Mapping[str, str]) -> str:
    """Return SQL for the number of rows of a load in each table, as a JSON object.

    The load is the one in the variable `this_load`, or the table's in `loads`.
    """
    counts = (_COUNT.format(table=table, load=of_load(table, loads)) for table in tables)
    return f"TO_JSON_STRING(STRUCT({', '.join(counts)}))"


def of_load(table: str, loads: Mapping[str, str]) -> str:
    """Return SQL for the id of the load that brought the rows of a table."""
    return f"'{loads[table]}'" if table in loads else "this_load"


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
