"""How `cve_intelligence` is read and written."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import orjson
from google.cloud import bigquery

from scanner_sync.schema.cve_intelligence import INTELLIGENCE, INTELLIGENCE_TABLE
from scanner_sync.schema.histories import OCCURRENCES
from scanner_sync.warehouse.connection import Connection, schema_of
from scanner_sync.warehouse.jobs import load_rows

_READ: Final = "Last read: "
"""What stands before the state of the feeds in the description of the table."""


def intelligence_state(existing: Mapping[str, bigquery.Table]) -> dict[str, Any]:
    """Return what the last sync that read the feeds kept about them; empty if none did.

    It is empty as well if the table lacks a column, which only a feed that is read again can fill.
    """
    table = existing.get(INTELLIGENCE)
    present = {field.name for field in table.schema} if table else set()
    return state_of(table) if present >= INTELLIGENCE_TABLE.columns.keys() else {}


def state_of(table: bigquery.Table | None) -> dict[str, Any]:
    """Return what `write_state` kept in the description of the table; empty if nothing is."""
    _, _, text = str(table.description if table else "").partition(_READ)
    try:
        state: dict[str, Any] = json.loads(text)
        assert all(isinstance(feed, dict) for feed in state["feeds"].values())
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        return {}  # there is none, or somebody has edited it
    return state


def write_state(connection: Connection, state: Mapping[str, Any]) -> bigquery.Table:
    """Keep what is to be known of the feeds in the description of the table, and return the table.

    It goes with the table, and may be any text, which a label may not. Runs no jobs.
    """
    description = f"{INTELLIGENCE_TABLE.description} {_READ}{json.dumps(state)}"
    written = []

    def put(found: bigquery.Table | None) -> None:
        found = found or connection.client.get_table(f"{connection.name}.{INTELLIGENCE}")
        found.description = description
        written.append(connection.client.update_table(found, ["description"]))

    connection.change(INTELLIGENCE, None, put)
    return written[-1]


def read_intelligence(
    connection: Connection, existing: Mapping[str, bigquery.Table]
) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Return the rows of the table, by CVE, and all values in `cves` of the history of occurrences.

    `existing` are the tables that there are. Runs a query, unless there are none of these.
    """
    sources = []
    if INTELLIGENCE in existing:
        sources.append("`{dataset}.cve_intelligence`")
    # A column that was dropped is added again at the end of the sync.
    if OCCURRENCES in existing and "cves" in {of.name for of in existing[OCCURRENCES].schema}:
        sources.append(
            "(SELECT DISTINCT JSON_VALUE(item) AS seen FROM `{dataset}.occurrences_issues_history`,"
            " UNNEST(JSON_QUERY_ARRAY(cves)) AS item)"
        )
    if not sources:
        return {}, set()
    joined = " FULL JOIN ".join(sources) + (" ON cve = seen" if len(sources) == 2 else "")
    found = connection.run("SELECT * FROM {joined}".replace("{joined}", joined))
    rows, seen = {}, set()
    for row in map(dict, found):
        if value := row.pop("seen", None):
            seen.add(value)
        if row.get("cve"):
            rows[row["cve"]] = row
    return rows, seen


def write_intelligence(
    connection: Connection,
    existing: dict[str, bigquery.Table],
    rows: Collection[Mapping[str, Any]] | None,
    state: Mapping[str, Any],
) -> None:
    """Replace the rows of the table, unless that is None, and keep the state.

    `existing` is what `check_names` returned; it is brought up to date. Runs one load job if there
    are rows.
    """
    connection.ensure_table(INTELLIGENCE, INTELLIGENCE_TABLE.columns, existing.get(INTELLIGENCE))
    if rows is not None:
        write_rows(connection, rows)
    existing[INTELLIGENCE] = write_state(connection, state)


def write_rows(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace the rows of the table, all at once, and keep its keys and columns.

    Runs one load job, which is free.
    """
    lines = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    config = bigquery.LoadJobConfig(
        schema=schema_of(INTELLIGENCE_TABLE.columns),
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE_DATA,
    )
    load_rows(connection.client, f"{connection.name}.{INTELLIGENCE}", lines, config)
