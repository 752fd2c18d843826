"""What the tables hold from the last load, so that equal rows are not loaded again.

The lease notes for each table a digest of its rows, the load that brought them, and when BigQuery
last changed it. A table that has changed since is loaded again, which heals what somebody else did
to it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from google.cloud import bigquery

from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.connection import Connection, milliseconds_of
from scanner_sync.warehouse.lease import Lease
from scanner_sync.warehouse.names import DLT_TABLES

AGE: Final = "age"
"""A column that changes every day and says nothing that others do not."""


class Held(NamedTuple):
    """What a table holds, which nobody has changed since."""

    digest: str
    """`LoadFile.digest` of the rows of its last load."""
    load_id: str


NOTHING: Final = Held("", "")


def find_held(
    lease: Lease, tables: Collection[str], existing: Mapping[str, bigquery.Table]
) -> dict[str, Held]:
    """Return what the `tables` hold that nobody has changed since they were loaded.

    `existing` is what `check_names` returned. If one of dlt's own is missing, nothing is held, and
    neither is a table that lacks a column: dlt creates both with the next load. A table with the
    column `age` is among them only on the day on which it was loaded.
    """
    held: dict[str, Held] = {}
    if not existing.keys() >= DLT_TABLES.keys():
        return held
    for table in tables:
        digest, _, load = lease.last.held.get(table, "").partition("_")
        columns = TABLES[table].columns
        is_of_today = lease.last.aged == day_of(lease.began) or AGE not in columns
        found = existing.get(table)
        is_complete = found and {field.name for field in found.schema} >= columns.keys()
        if load and is_complete and is_of_today and is_untouched(lease, table, existing):
            held[table] = Held(digest, load.replace("-", "."))
    return held


def is_untouched(lease: Lease, table: str, existing: Mapping[str, bigquery.Table]) -> bool:
    """Tell whether nobody has changed a table since it was loaded."""
    found = existing.get(table)
    noted = lease.last.changed.get(table)
    return bool(found and lease.last.held.get(table) and noted == _changed(found))


def note_held(
    connection: Connection,
    lease: Lease,
    before: Mapping[str, Held],
    now: Mapping[str, Held],
    instant: datetime | None,
) -> None:
    """Note in the lease what the tables hold that were loaded. Makes one call for each.

    `instant` is a time between the end of their load and now; what has changed later was changed by
    somebody else.
    """
    loaded = {table: held for table, held in now.items() if before.get(table) != held}
    for table, found in connection.find_tables(loaded).items():
        held = loaded[table]
        is_ours = instant is not None and found.modified is not None and found.modified <= instant
        text = f"{held.digest}_{held.load_id.replace('.', '-')}" if is_ours else ""
        lease.memory.held[table] = text
        lease.memory.changed[table] = _changed(found)
        if AGE in TABLES[table].columns:
            lease.memory.aged = day_of(lease.began)


def day_of(moment: datetime) -> int:
    """Return the day of a moment, in days since 1970, in UTC."""
    return int(moment.timestamp()) // 86_400


def _changed(table: bigquery.Table) -> str:
    return str(milliseconds_of(table) or "")
