"""The names that a sync needs in the dataset, and whether they are free or its own."""

from collections.abc import Collection, Mapping
from typing import Final

from google.cloud import bigquery

from scanner_sync.errors import LoadError
from scanner_sync.tables import DLT_COLUMNS, TABLES
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.history import HISTORIES, HISTORY_COLUMNS, columns_of
from scanner_sync.warehouse.views import VIEWS, is_ours

_Columns = tuple[Collection[str], Collection[str]]
"""The columns of a table, and those without which it is not ours."""

_DLT_TABLES: Final[dict[str, _Columns]] = {
    "_dlt_loads": ((), ("load_id",)),
    "_dlt_version": ((), ("version_hash",)),
}
"""dlt's own tables."""


def check_names(connection: Connection, *, history: bool) -> dict[str, bigquery.Table]:
    """Check that only this program uses the names of its tables and views.

    Returns those that exist. Raises `LoadError` naming what is in the way.
    """
    names = [*TABLES, *_DLT_TABLES, *(HISTORIES if history else ()), *(VIEWS if history else ())]
    existing = connection.find_tables(names)
    merged: dict[str, _Columns] = {
        name: (table.columns, (*table.key, *DLT_COLUMNS)) for name, table in TABLES.items()
    }
    _check_tables(existing, merged | _DLT_TABLES)
    _check_tables(connection.find_tables(TABLES, "_staging"), merged)
    if history:
        histories = {name: (columns_of(name), tuple(HISTORY_COLUMNS)) for name in HISTORIES}
        _check_tables(existing, histories)
    for name in VIEWS.keys() & existing.keys():
        if not is_ours(existing[name], connection):
            raise _in_the_way(existing[name])
    return existing


def _check_tables(existing: Mapping[str, bigquery.Table], expected: Mapping[str, _Columns]) -> None:
    """Raise `LoadError` if something else has the name of a table of ours.

    Columns may be new or dropped, but half of them are there. Identifiers are integers.
    """
    for name in expected.keys() & existing.keys():
        table, (columns, needed) = existing[name], expected[name]
        types = {field.name: field.field_type for field in table.schema}
        is_ours = (
            table.table_type == "TABLE"
            and types.keys() >= set(needed)
            and 2 * len(types.keys() & set(columns)) >= len(columns)
            and types.get("id") in (None, "INTEGER", "INT64")
        )
        if not is_ours:
            raise _in_the_way(table)


def _in_the_way(table: bigquery.Table) -> LoadError:
    kind = table.table_type.lower().replace("_", " ")
    return LoadError(
        f"{table.project}.{table.dataset_id}.{table.table_id} ({kind}) was not made by this"
        " program, which needs the name. Nothing was loaded. Rename or move it, or set DATASET to a"
        " dataset without it."
    )
