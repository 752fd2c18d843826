"""What is in a dataset under the names that this program uses."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from scanner_sync.errors import LoadError


def find_tables(
    client: bigquery.Client, dataset: str, names: Iterable[str]
) -> dict[str, bigquery.Table]:
    """Find the tables and views that exist among `names`. No jobs: calls, side by side."""

    def find(name: str) -> bigquery.Table | None:
        try:
            return client.get_table(f"{client.project}.{dataset}.{name}")
        except NotFound:
            return None

    with ThreadPoolExecutor(8, "inventory") as pool:
        found = {table.table_id: table for table in pool.map(find, names) if table is not None}
    return found


def check_tables(
    found: Mapping[str, bigquery.Table],
    expected: Mapping[str, tuple[Collection[str], Collection[str]]],
) -> None:
    """Raise `LoadError` where something else has the name of a table of ours.

    `expected` has of each name its columns, and those without which a table is not ours. The other
    columns may be new or dropped, but half of them are there. Identifiers are integers.
    """
    for name in expected.keys() & found.keys():
        table, (columns, needed) = found[name], expected[name]
        types = {field.name: field.field_type for field in table.schema}
        is_ours = (
            table.table_type == "TABLE"
            and types.keys() >= set(needed)
            and 2 * len(types.keys() & set(columns)) >= len(columns)
            and types.get("id") in (None, "INTEGER", "INT64")
        )
        if not is_ours:
            raise in_the_way(table)


def in_the_way(table: bigquery.Table) -> LoadError:
    """The error that names a table or view which was not made by this program."""
    kind = table.table_type.lower().replace("_", " ")
    return LoadError(
        f"{table.project}.{table.dataset_id}.{table.table_id} ({kind}) was not made by this"
        " program, which needs the name. Nothing was loaded. Rename or move it, or set DATASET to a"
        " dataset without it."
    )
