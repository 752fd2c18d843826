"""What was open when: a row for each state that an issue, an occurrence or a target was in.

After each load one MERGE a table compares the rows that were just loaded with the states that are
open: a state that stopped coming is closed, a new one is opened, at one instant for the whole run,
and in one transaction.
A state is told by the columns that mean something, so that a date that moves with every scan makes
no new one.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.errors import LoadUnavailable
from scanner_sync.inventory import check_tables, find_tables, in_the_way
from scanner_sync.tables import BIGQUERY_TYPES, DLT_COLUMNS, TABLES, Column, Table

STATE: Final = "state"
LABELS: Final = {"made_by": "scanner_sync"}
"""Of the views, so that a view of the user's is told from one of ours."""


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
    return {"thing": HISTORY_COLUMNS["thing"], **_kept(name)} | HISTORY_COLUMNS


def _kept(name: str) -> dict[str, Column]:
    """The columns of its table that a history keeps."""
    history = HISTORIES[name]
    columns = TABLES[history.table].columns
    return {column: columns[column] for column in history.unversioned + history.versioned}


def check_names(client: bigquery.Client, dataset: str, history: bool) -> dict[str, bigquery.Table]:
    """Find what the dataset holds of this program's, before anything is read.

    Raises `LoadError` where something of the user's has the name of a table or view of ours.
    """
    names = [*TABLES, *_DLT_TABLES, *(HISTORIES if history else ()), *(VIEWS if history else ())]
    found = find_tables(client, dataset, names)
    merged: dict[str, tuple[Collection[str], Collection[str]]] = {
        name: (table.columns, (*table.key, *DLT_COLUMNS)) for name, table in TABLES.items()
    }
    check_tables(found, merged | _DLT_TABLES)
    check_tables(find_tables(client, f"{dataset}_staging", TABLES), merged)
    if history:
        check_tables(
            found, {name: (columns_of(name), tuple(HISTORY_COLUMNS)) for name in HISTORIES}
        )
    for name in VIEWS.keys() & found.keys():
        view = found[name]
        text = (view.view_query or "").replace(f"{client.project}.{dataset}", "{d}")
        is_of_0_1 = hashlib.sha256(text.encode()).hexdigest() in _VIEWS_OF_0_1
        if not (_is_labelled(view) or is_of_0_1):
            raise in_the_way(view)
    return found


def _is_labelled(view: bigquery.Table) -> bool:
    return bool(view.labels.items() >= LABELS.items())


def keep_tables(client: bigquery.Client, dataset: str, found: Mapping[str, bigquery.Table]) -> None:
    """Make the history tables, and add the columns that they lack. No jobs, calls only."""
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
        if name not in found:
            client.create_table(bigquery.Table(f"{client.project}.{dataset}.{name}", fields))
            if history.table in found:
                # Not the first sync: what was kept until now, if anything, is gone.
                log.event("history_started", logging.WARNING, table=name)
        else:
            table = found[name]
            present = {field.name for field in table.schema}
            if missing := [field for field in fields if field.name not in present]:
                table.schema = [*table.schema, *missing]
                client.update_table(table, ["schema"])


def keep_histories(
    client: bigquery.Client, dataset: str, rows: Mapping[str, int], load_id: str | None
) -> dict[str, dict[str, int]]:
    """Bring the histories up to what the load `load_id` brought: so many `rows`, by table.

    Gives how many things were opened, closed and changed, by table. With no load nothing came, so
    all is closed. Raises `LoadUnavailable` where a table does not hold the rows of the load; no
    history has changed then.
    """
    names = [name for name, history in HISTORIES.items() if history.table in rows]
    into = f"{client.project}.{dataset}"
    expected = json.dumps(dict(rows), separators=(",", ":"))
    # One script is one job, and one transaction makes it all or nothing.
    script = [
        f"DECLARE this_load STRING DEFAULT '{load_id or ''}'",
        # One DECLARE for all tables, because BigQuery runs each as a job.
        f"DECLARE arrived STRING DEFAULT {_arrived(rows, into, 'this_load')}",
        f"DECLARE instant TIMESTAMP DEFAULT {_next_instant(into)}",
        f"IF arrived = '{expected}' THEN BEGIN TRANSACTION",
        *(_merge(name, into) for name in names),
        "COMMIT TRANSACTION",
        "END IF",
        _changes(rows, names, into),
    ]
    found = {row["table_name"]: row for row in client.query(";\n".join(script)).result()}
    check_arrival(rows, json.loads(next(iter(found.values()))["arrived"]))
    return {
        table: {count: int(found[table][count]) for count in ("opened", "closed", "changed")}
        for table in (HISTORIES[name].table for name in names)
    }


def count_arrived(
    client: bigquery.Client, dataset: str, tables: Iterable[str], load_id: str
) -> dict[str, int]:
    """Count the rows of a load that each table holds, in one query."""
    arrived = _arrived(tables, f"{client.project}.{dataset}", f"'{load_id}'")
    [row] = client.query_and_wait(f"SELECT {arrived} AS arrived")
    found: dict[str, int] = json.loads(row["arrived"])
    return found


def _arrived(tables: Iterable[str], dataset: str, load: str) -> str:
    """SQL for a JSON object of how many rows of a load each table holds."""
    counts = (
        f"(SELECT COUNT(*) FROM `{dataset}.{table}` WHERE _dlt_load_id = {load}) AS {table}"  # noqa: S608
        for table in tables
    )
    return f"TO_JSON_STRING(STRUCT({', '.join(counts)}))"


def check_arrival(rows: Mapping[str, int], arrived: Mapping[str, int]) -> None:
    """Raise `LoadUnavailable` where fewer or more rows of a load arrived than were read."""
    wrong = [
        f"{arrived[table]:,} of {count:,} in {table}"
        for table, count in rows.items()
        if arrived[table] != count
    ]
    if wrong:
        raise LoadUnavailable(
            "BigQuery does not hold the rows that this sync loaded, but"
            f" {', '.join(wrong)}. No history was changed. Something else may write to these tables"
            " or to the staging dataset; the next sync loads all rows again."
        )


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


def _view_query(client: bigquery.Client, dataset: str, name: str) -> str:
    return VIEWS[name].replace("{d}", f"{client.project}.{dataset}").strip()


# An opening of a thing is a run of its states with no gap between them.
_OPENINGS = """
  SELECT
    '{table}' AS table_name, thing, {issue} AS issue_id,
    SUM(begins) OVER (PARTITION BY thing ORDER BY valid_from) AS opening,
    valid_from, valid_to
  FROM (
    SELECT *, IF(
      LAG(valid_to) OVER (PARTITION BY thing ORDER BY valid_from) = valid_from, 0, 1) AS begins
    FROM `{d}.{table}_history`
  )
"""

VIEWS: Final = {
    "remediation": f"""
WITH states AS ({_OPENINGS.replace("{table}", "issues").replace("{issue}", "id")}
  UNION ALL
{_OPENINGS.replace("{table}", "occurrences_issues").replace("{issue}", "issue_id")}),
severities AS (
  SELECT id, MAX_BY(severity, valid_from) AS severity FROM `{{d}}.issues_history` GROUP BY id
),
openings AS (
  SELECT
    table_name, thing, issue_id, opening - 1 AS reopened, MIN(valid_from) AS opened,
    IF(COUNTIF(valid_to IS NULL) > 0, NULL, MAX(valid_to)) AS closed
  FROM states GROUP BY table_name, thing, issue_id, opening
)
SELECT
  table_name, thing, issue_id, severity, opened, closed,
  TIMESTAMP_DIFF(
    COALESCE(closed, GREATEST(opened, CURRENT_TIMESTAMP())), opened, SECOND) / 86400 AS days_open,
  reopened
FROM openings LEFT JOIN severities ON severities.id = openings.issue_id
""",  # noqa: S608 - our names
    "open_issues": """
SELECT i.id, i.severity, i.title, i.snoozed, i.snooze_reason, i.snooze_until,
  i.exploit_likelihood, i.cvss_score, r.opened AS since, r.reopened
FROM `{d}.issues_history` AS i
JOIN `{d}.remediation` AS r ON r.table_name = 'issues' AND r.thing = i.thing AND r.closed IS NULL
WHERE i.valid_to IS NULL
""",
    "open_occurrences": """
SELECT o.issue_id, o.id, o.occurrence_id, o.target, o.port, o.protocol, o.snoozed,
  o.snooze_reason, o.snooze_until, o.exploit_likelihood, o.cvss_score, o.first_seen_at,
  r.severity, r.opened AS since, r.reopened
FROM `{d}.occurrences_issues_history` AS o
JOIN `{d}.remediation` AS r
  ON r.table_name = 'occurrences_issues' AND r.thing = o.thing AND r.closed IS NULL
WHERE o.valid_to IS NULL
""",
}
"""In the order in which they are made: the others read `remediation`."""

_DLT_TABLES: Final[dict[str, tuple[Collection[str], Collection[str]]]] = {
    "_dlt_loads": ((), ("load_id",)),
    "_dlt_version": ((), ("version_hash",)),
}
"""dlt's own tables, with columns to know them by."""

_VIEWS_OF_0_1: Final = {
    "971ae32248a485ba2ed321a022e2be888f8e5fce2190599d0b2ef329b1f1a012",  # pragma: allowlist secret
    "9df03a0f4b139e5d383b19537d0a7fe954105ac868b009ae061d18b7908d0cec",  # pragma: allowlist secret
    "9b00ce3b11f0451c1d3107afa8623c2d44cf787fd76d4d0b062b44b87707c35d",  # pragma: allowlist secret
}
"""SHA-256 of the texts of version 0.1, whose views had no label; the dataset in them is `{d}`."""

_OPENED = {
    "since": Column(
        "timestamp", "Instant of the sync that first saw it, this time.", "2026-11-20T06:00:04Z"
    ),
    "reopened": Column("bigint", "How often it had been opened before.", 0),
}


VIEW_TABLES: Final = {
    "remediation": Table(
        "Each time that an issue or an occurrence was opened, one row for each.",
        ("table_name", "thing", "reopened"),
        {
            "table_name": Column(
                "text", "Table of the thing: issues or occurrences_issues.", "issues"
            ),
            "thing": HISTORY_COLUMNS["thing"],
            "issue_id": Column("bigint", "The issue that it is or is of: issues.id.", 812),
            "severity": Column("text", "Severity that the issue last had.", "high"),
            "opened": _OPENED["since"],
            "closed": HISTORY_COLUMNS["valid_to"],
            "days_open": Column("double", "Days from `opened` to `closed`, or to now.", 4.00001157),
            "reopened": _OPENED["reopened"],
        },
    ),
    "open_issues": Table(
        "Issues that are open now, one row each.", ("id",), _kept("issues_history") | _OPENED
    ),
    "open_occurrences": Table(
        "Occurrences that are open now, one row each.",
        ("issue_id", "id"),
        _kept("occurrences_issues_history")
        | {"severity": Column("text", "Severity of its issue.", "high")}
        | _OPENED,
    ),
}
"""What the views show."""


def keep_views(client: bigquery.Client, dataset: str, found: Mapping[str, bigquery.Table]) -> None:
    """Make the views, and bring those up to date whose text has changed. No jobs, calls only."""
    for name in VIEWS:
        view = bigquery.Table(f"{client.project}.{dataset}.{name}")
        view.view_query = _view_query(client, dataset, name)
        view.labels = LABELS
        if name not in found:
            client.create_table(view)
        elif not _is_labelled(found[name]) or found[name].view_query != view.view_query:
            found[name].view_query = view.view_query
            found[name].labels |= LABELS
            client.update_table(found[name], ["view_query", "labels"])
