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
    found: Mapping[str, bigquery.Table], columns_of: Mapping[str, Collection[str]]
) -> None:
    """Raise `LoadError` where something else has the name of a table with these columns."""
    for name, columns in columns_of.items():
        if name in found:
            there = {field.name for field in found[name].schema}
            if found[name].table_type != "TABLE" or not there >= set(columns):
                raise in_the_way(found[name])


def in_the_way(table: bigquery.Table) -> LoadError:
    """The error that names a table or view which was not made by this program."""
    return LoadError(
        f"{table.project}.{table.dataset_id}.{table.table_id} is a {table.table_type.lower()} that"
        " this program did not make, and it needs the name. Nothing was loaded. Rename or move it,"
        " or set DATASET to a dataset without it."
    )
