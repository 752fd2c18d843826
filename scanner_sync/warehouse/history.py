"""The histories: one row for each state that an issue, an occurrence or a target was in.

After a load, one MERGE for each history compares the rows that were just loaded with the states
that are open. It closes the states that are no longer there and opens the new ones. `completion`
runs them, all at the same instant and in one transaction.

Some columns make a state; the others may change without a new one. Otherwise a date that changes
with every scan would begin a state with every scan.
"""

import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.tables import TABLES, Column
from scanner_sync.warehouse.connection import Connection


class History(NamedTuple):
    """What a history keeps: of which table, by which key, and in which columns."""

    table: str
    """The merged table whose states it keeps."""
    entity_key: str
    """SQL for a text that identifies an entity, and stays the same for good."""
    unversioned: tuple[str, ...]
    """Columns that are kept, and whose change begins no new state."""
    versioned: tuple[str, ...]
    """Columns whose change begins a new state."""


_COMMON = ("snoozed", "snooze_reason", "snooze_until", "exploit_likelihood", "cvss_score")
_ID = "CAST(id AS STRING)"

HISTORIES: Final = {
    "issues_history": History("issues", _ID, ("id",), ("title", "severity", *_COMMON)),
    "occurrences_issues_history": History(
        "occurrences_issues",
        # By `occurrence_id`, which persists; `id` may change between scans.
        "CONCAT(CAST(issue_id AS STRING), COALESCE(CONCAT('/', CAST(occurrence_id AS STRING)),"
        f" CONCAT('/id/', {_ID})))",
        ("issue_id", "id", "occurrence_id", "first_seen_at"),
        ("target", "port", "protocol", *_COMMON),
    ),
    "targets_history": History(
        "targets",
        _ID,
        ("id",),
        ("address", "display_address", "tags", "target_type", "target_status"),
    ),
}
"""The histories, by the names of their tables."""

_ADDED: Final = ("target_status",)
"""Versioned columns that came later than the others. They are no part of the hash where they are
null, so that the states of an older dataset stay as they are until the column has a value."""

HISTORY_COLUMNS: Final = {
    "entity_key": Column("text", "Identifies the entity for good.", "812", required=True),
    "state_hash": Column(
        "text",
        "Hash of the entity's key and of the columns whose change begins a new state.",
        "8f14e45fceea...",
        required=True,
    ),
    "valid_from": Column(
        "timestamp",
        "Time of the sync that first saw the state.",
        "2026-11-20T06:00:04Z",
        required=True,
    ),
    "valid_to": Column(
        "timestamp",
        "Time of the sync that no longer saw the state; null while it is open.",
        "2026-11-24T06:00:05Z",
    ),
    "_dlt_load_id": Column(
        "text", "Load that brought the state: _dlt_loads.load_id.", "1795467916.39", required=True
    ),
    "_dlt_id": Column("text", "Random identifier of the row.", "3d6f1c52-...", required=True),
}
"""The columns that every history has; a table without one of them is not a history."""


def columns_of(name: str) -> dict[str, Column]:
    """Return all columns of a history, in their order."""
    return {"entity_key": HISTORY_COLUMNS["entity_key"], **kept_columns(name)} | HISTORY_COLUMNS


def kept_columns(name: str) -> dict[str, Column]:
    """Return the columns that a history has from its merged table."""
    history = HISTORIES[name]
    columns = TABLES[history.table].columns
    return {column: columns[column] for column in history.unversioned + history.versioned}


def ensure_tables(connection: Connection, existing: Mapping[str, bigquery.Table]) -> None:
    """Create the histories, and add the columns that they lack. Makes API calls only, no jobs.

    `existing` holds the tables that exist. Logs `history_started` if a history is created after the
    first sync, because what it held before, if anything, is lost.
    """
    for name, history in HISTORIES.items():
        columns = {
            column: of if column in HISTORY_COLUMNS else of._replace(required=False)
            for column, of in columns_of(name).items()
        }
        connection.ensure_table(name, columns, existing.get(name))
        if name not in existing and history.table in existing:
            log.event("history_started", logging.WARNING, table=name)


def merge_history(name: str, dataset: str, not_read: str | None = None) -> str:
    """Return the statement that closes and opens the states of a history.

    It uses the variables `this_load`, whose rows it compares, and `instant`, the time of the sync.
    `not_read` is SQL for the ids of issues whose occurrences were not read: what is open of these
    stays as it is.
    """
    history = HISTORIES[name]
    kept = [*history.unversioned, *history.versioned]
    inserted = ["entity_key", "state_hash", *kept, "_dlt_load_id", "_dlt_id", "valid_from"]
    values = [*inserted[:-2], "GENERATE_UUID()", "instant"]
    compared = ", ".join(
        _compared(history.table, column) for column in history.versioned if column not in _ADDED
    )
    hashed = f"TO_JSON_STRING(STRUCT(entity_key AS thing, {compared}))"
    for column in history.versioned:
        if column in _ADDED:
            hashed = f"CONCAT({hashed}, COALESCE(CONCAT('/', {column}), ''))"
    # Rows that share a key are numbered, in an order that lasts while none of them comes or goes.
    # When one goes, those after it move up: the number of open states is right, but the state that
    # is closed may be another one's.
    order = ", ".join([*(c for c in ("target", "port", "protocol") if c in kept), "id"])
    # In the hash the key has its first name, `thing`: another would give every entity a new state.
    unchanged = (
        f"""
  UNION ALL
  SELECT {", ".join(kept)}, _dlt_load_id, entity_key, state_hash
  FROM `{dataset}.{name}` WHERE valid_to IS NULL AND issue_id IN ({not_read})"""  # noqa: S608
        if not_read
        else ""
    )
    return f"""
MERGE `{dataset}.{name}` AS past
USING (
  SELECT *, TO_HEX(MD5({hashed})) AS state_hash
  FROM (
    SELECT * EXCEPT (shared, place),
      IF(place = 1, shared, CONCAT(shared, '/', CAST(place AS STRING))) AS entity_key
    FROM (
      SELECT {history.entity_key} AS shared, {", ".join(kept)}, _dlt_load_id,
        ROW_NUMBER() OVER (PARTITION BY {history.entity_key} ORDER BY {order}) AS place
      FROM `{dataset}.{history.table}` WHERE _dlt_load_id = this_load
    )
  ){unchanged}
) AS present
ON past.entity_key = present.entity_key AND past.state_hash = present.state_hash
  AND past.valid_to IS NULL
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({", ".join(inserted)}) VALUES ({", ".join(values)})
WHEN NOT MATCHED BY SOURCE AND past.valid_to IS NULL THEN
  UPDATE SET valid_to = instant
"""  # noqa: S608 - our names


def _compared(table: str, column: str) -> str:
    """Return SQL for what the hash takes of a column: an array counts as a set.

    The result is JSON again, so that a sorted array keeps the hash from before arrays were sets.
    """
    if TABLES[table].columns[column].type != "array":
        return column
    items = (
        "SELECT STRING_AGG(DISTINCT TO_JSON_STRING(item), ',' ORDER BY TO_JSON_STRING(item))"  # noqa: S608
        f" FROM UNNEST(JSON_QUERY_ARRAY({column})) AS item"
    )
    return (
        f"IF(JSON_QUERY_ARRAY({column}) IS NULL, NULL,"
        f" PARSE_JSON(CONCAT('[', COALESCE(({items}), ''), ']'))) AS {column}"
    )
