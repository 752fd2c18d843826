"""What was open when: a row for each state that an issue, an occurrence or a target was in.

After each load one MERGE a table compares the rows that were just loaded with the states that are
open: a state that stopped coming is closed, a new one is opened, at one instant for the whole run,
and in one transaction.
A state is told by the columns that mean something, so that a date that moves with every scan makes
no new one.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.tables import BIGQUERY_TYPES, TABLES, Column
from scanner_sync.warehouse.arrival import arrived, compare_rows
from scanner_sync.warehouse.connection import Connection

STATE: Final = "state"


class History(NamedTuple):
    """Of which table it keeps the states, what a thing is known by, and what makes a state."""

    table: str
    thing: str
    """SQL that gives one text for one thing, for ever."""
    unversioned: tuple[str, ...]
    """Columns that tell of a thing and make no new state of it."""
    versioned: tuple[str, ...]


_COMMON = ("snoozed", "snooze_reason", "snooze_until", "exploit_likelihood", "cvss_score")
_ID = "CAST(id AS STRING)"

HISTORIES: Final = {
    "issues_history": History("issues", _ID, ("id",), ("title", "severity", *_COMMON)),
    "occurrences_issues_history": History(
        "occurrences_issues",
        # By the identifier that persists; `id` may change between scans.
        "CONCAT(CAST(issue_id AS STRING), COALESCE(CONCAT('/', CAST(occurrence_id AS STRING)),"
        f" CONCAT('/id/', {_ID})))",
        ("issue_id", "id", "occurrence_id", "first_seen_at"),
        ("target", "port", "protocol", *_COMMON),
    ),
    "targets_history": History(
        "targets", _ID, ("id",), ("address", "display_address", "tags", "target_type")
    ),
}

HISTORY_COLUMNS: Final = {
    "thing": Column(
        "text", "What the state is of: one value for one thing, for ever.", "812", required=True
    ),
    STATE: Column(
        "text",
        "Hash of the thing and of what makes this state of it.",
        "8f14e45fceea...",
        required=True,
    ),
    "valid_from": Column(
        "timestamp",
        "Instant of the sync that first saw the state.",
        "2026-11-20T06:00:04Z",
        required=True,
    ),
    "valid_to": Column(
        "timestamp",
        "Instant of the sync that no longer saw it; null while open.",
        "2026-11-24T06:00:05Z",
    ),
    "_dlt_load_id": Column(
        "text", "Load that brought the state: _dlt_loads.load_id.", "1795467916.39", required=True
    ),
    "_dlt_id": Column("text", "A value of this row's own.", "3d6f1c52-...", required=True),
}


def columns_of(name: str) -> dict[str, Column]:
    """All columns of a history table."""
    return {"thing": HISTORY_COLUMNS["thing"], **kept_columns(name)} | HISTORY_COLUMNS


def kept_columns(name: str) -> dict[str, Column]:
    """The columns of its table that a history keeps."""
    history = HISTORIES[name]
    columns = TABLES[history.table].columns
    return {column: columns[column] for column in history.unversioned + history.versioned}


def ensure_tables(connection: Connection, existing: Mapping[str, bigquery.Table]) -> None:
    """Create the history tables, and add the columns that they lack. API calls only, no jobs."""
    client = connection.client
    for name, history in HISTORIES.items():
        fields = [
            bigquery.SchemaField(
                column,
                BIGQUERY_TYPES[declaration.type],
                mode="REQUIRED"
                if column in HISTORY_COLUMNS and declaration.required
                else "NULLABLE",
                description=declaration.description,
            )
            for column, declaration in columns_of(name).items()
        ]
        if name not in existing:
            client.create_table(bigquery.Table(f"{connection.name}.{name}", fields))
            if history.table in existing:
                # Not the first sync: what was kept until now, if anything, is gone.
                log.event("history_started", logging.WARNING, table=name)
        else:
            table = existing[name]
            present = {field.name for field in table.schema}
            if missing := [field for field in fields if field.name not in present]:
                table.schema = [*table.schema, *missing]
                client.update_table(table, ["schema"])


def update_histories(
    connection: Connection, rows: Mapping[str, int], load_id: str | None
) -> dict[str, dict[str, int]]:
    """Bring the histories up to what the load `load_id` brought: so many `rows`, by table.

    Gives how many things were opened, closed and changed, by table. With no load nothing came, so
    all is closed. Raises `LoadUnavailable` where a table does not hold the rows of the load; no
    history has changed then.
    """
    names = [name for name, history in HISTORIES.items() if history.table in rows]
    into = connection.name
    expected = json.dumps(dict(rows), separators=(",", ":"))
    # One script is one job, and one transaction makes it all or nothing.
    script = [
        f"DECLARE this_load STRING DEFAULT '{load_id or ''}'",
        # One DECLARE for all tables, because BigQuery runs each as a job.
        f"DECLARE arrived STRING DEFAULT {arrived(rows, into, 'this_load')}",
        f"DECLARE instant TIMESTAMP DEFAULT {_next_instant(into)}",
        f"IF arrived = '{expected}' THEN BEGIN TRANSACTION",
        *(_merge(name, into) for name in names),
        "COMMIT TRANSACTION",
        "END IF",
        _changes(rows, names, into),
    ]
    found = {row["table_name"]: row for row in connection.client.query(";\n".join(script)).result()}
    compare_rows(rows, json.loads(next(iter(found.values()))["arrived"]))
    return {
        table: {count: int(found[table][count]) for count in ("opened", "closed", "changed")}
        for table in (HISTORIES[name].table for name in names)
    }


def _next_instant(dataset: str) -> str:
    """SQL for the instant of a sync: BigQuery's time, and later than all that is in the histories.

    The clock of the machine that syncs plays no part, so the instants of two syncs are in order.
    """
    states = " UNION ALL ".join(
        "SELECT GREATEST(valid_from, COALESCE(valid_to, valid_from)) AS moment"  # noqa: S608
        f" FROM `{dataset}.{name}`"
        for name in HISTORIES
    )
    return (
        "GREATEST(CURRENT_TIMESTAMP(), COALESCE("  # noqa: S608 - our names
        f"(SELECT TIMESTAMP_ADD(MAX(moment), INTERVAL 1 MICROSECOND) FROM ({states})),"
        " CURRENT_TIMESTAMP()))"
    )


def _merge(name: str, dataset: str) -> str:
    """The statement that closes and opens states."""
    history = HISTORIES[name]
    kept = [*history.unversioned, *history.versioned]
    inserted = ["thing", STATE, *kept, "_dlt_load_id", "_dlt_id", "valid_from"]
    values = [*inserted[:-2], "GENERATE_UUID()", "instant"]
    compared = ", ".join(_compared(history.table, column) for column in history.versioned)
    # Rows that share an identifier are numbered, in an order that stays while none comes or goes.
    # Then those after it move, so that how many are open is right; which one closed may not be.
    order = ", ".join([*(c for c in ("target", "port", "protocol") if c in kept), "id"])
    return f"""
MERGE `{dataset}.{name}` AS past
USING (
  SELECT *, TO_HEX(MD5(TO_JSON_STRING(STRUCT(thing, {compared})))) AS {STATE}
  FROM (
    SELECT * EXCEPT (shared, place),
      IF(place = 1, shared, CONCAT(shared, '/', CAST(place AS STRING))) AS thing
    FROM (
      SELECT {history.thing} AS shared, {", ".join(kept)}, _dlt_load_id,
        ROW_NUMBER() OVER (PARTITION BY {history.thing} ORDER BY {order}) AS place
      FROM `{dataset}.{history.table}` WHERE _dlt_load_id = this_load
    )
  )
) AS present
ON past.thing = present.thing AND past.{STATE} = present.{STATE} AND past.valid_to IS NULL
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({", ".join(inserted)}) VALUES ({", ".join(values)})
WHEN NOT MATCHED BY SOURCE AND past.valid_to IS NULL THEN
  UPDATE SET valid_to = instant
"""  # noqa: S608 - our names


def _compared(table: str, column: str) -> str:
    """SQL for what of a column tells a state from another: an array is a set.

    It is JSON again in the end, so that a sorted array has the same hash as in version 0.1.
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


def _changes(tables: Iterable[str], names: Sequence[str], dataset: str) -> str:
    """The statement that gives what arrived and what changed, by table."""
    all_tables = (f"SELECT '{table}' AS table_name" for table in tables)
    parts = (
        f"SELECT '{HISTORIES[name].table}' AS table_name, thing,"  # noqa: S608 - our names
        " COUNTIF(valid_from = instant) AS opened, COUNTIF(valid_to = instant) AS closed"
        f" FROM `{dataset}.{name}` WHERE valid_from = instant OR valid_to = instant GROUP BY 1, 2"
        for name in names
    )
    nothing = "SELECT '' AS table_name, '' AS thing, 0 AS opened, 0 AS closed"
    return (
        "SELECT table_name, arrived AS arrived, COUNTIF(opened > 0 AND closed = 0) AS opened,"  # noqa: S608
        " COUNTIF(opened = 0 AND closed > 0) AS closed,"
        " COUNTIF(opened > 0 AND closed > 0) AS changed"
        f" FROM ({' UNION ALL '.join(all_tables)})"
        f" LEFT JOIN ({' UNION ALL '.join([nothing, *parts])}) USING (table_name)"
        " GROUP BY table_name"
    )
