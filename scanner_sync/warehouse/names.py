"""Whether something else in the dataset has a name that a sync needs."""

from collections.abc import Collection, Mapping
from typing import Final

from google.cloud import bigquery

from scanner_sync.errors import LoadError
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.findings import OWN_TABLES
from scanner_sync.schema.histories import HISTORIES, HISTORY_COLUMNS, columns_of
from scanner_sync.schema.sla_policy import SLA, SLA_TABLE
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.connection import STAGING, Connection
from scanner_sync.warehouse.views import VIEWS, is_ours

_Columns = tuple[Collection[str], Collection[str]]
"""The columns that a table may have, and the columns without which it is not ours."""

DLT_TABLES: Final[dict[str, _Columns]] = {
    "_dlt_loads": ((), ("load_id",)),
    "_dlt_version": ((), ("version_hash",)),
}
"""dlt's own tables, which it creates when it loads something."""
_MERGED: Final[dict[str, _Columns]] = {
    name: (table.columns, (*table.key, *DLT_COLUMNS)) for name, table in TABLES.items()
}
"""The tables that dlt merges."""


def check_names(connection: Connection) -> dict[str, bigquery.Table]:
    """Check that nothing else has the name of one of this program's tables or views.

    Returns the ones that exist, by name. Raises `LoadError` with the name of what is in the way.
    """
    existing = connection.find_tables([*TABLES, *DLT_TABLES, *HISTORIES, *OWN_TABLES, SLA, *VIEWS])
    histories = {name: (columns_of(name), tuple(HISTORY_COLUMNS)) for name in HISTORIES}
    others: dict[str, _Columns] = {
        SLA: (SLA_TABLE.columns, (*SLA_TABLE.key, "days")),
        **{name: (table.columns, table.key) for name, table in OWN_TABLES.items()},
    }
    _check_tables(existing, _MERGED | DLT_TABLES | histories | others)
    for name in VIEWS.keys() & existing.keys():
        if not is_ours(existing[name]):
            raise _in_the_way(existing[name])
    return existing


def check_staging(connection: Connection) -> dict[str, bigquery.Table]:
    """Check the names in the dataset in which rows are staged, as `check_names` does."""
    existing = connection.find_tables([*TABLES, "_dlt_version"], STAGING)
    _check_tables(existing, _MERGED)
    return existing


def _check_tables(existing: Mapping[str, bigquery.Table], expected: Mapping[str, _Columns]) -> None:
    """Raise `LoadError` if something else has the name of one of our tables.

    Columns may have been added or dropped, but half of them must be there, and identifiers are
    integers.
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
        f"{table.project}.{table.dataset_id}.{table.table_id} ({kind}) was not created by this"
        " program, which needs its name. Nothing was loaded. Rename or move it, or set DATASET to"
        " another dataset."
    )
