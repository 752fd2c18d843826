"""What was open when: a row for each state that an issue, an occurrence or a target was in.

After each load one MERGE a table compares the rows that were just loaded with the states that are
open: a state that stopped coming is closed, a new one is opened, at one instant for the whole run,
and in one transaction.
A state is told by the columns that mean something, so that a date that moves with every scan makes
no new one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from scanner_sync.tables import BIGQUERY_TYPES, TABLES, Column, Table

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
    return {"thing": HISTORY_COLUMNS["thing"], **_kept(name)} | HISTORY_COLUMNS


def _kept(name: str) -> dict[str, Column]:
    """The columns of its table that a history keeps."""
    history = HISTORIES[name]
    columns = TABLES[history.table].columns
    return {column: columns[column] for column in history.unversioned + history.versioned}


def keep_tables(client: bigquery.Client, dataset: str) -> None:
    """Make the history tables, and add the columns that they lack. No jobs, calls only."""
    for name in HISTORIES:
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
        table = bigquery.Table(f"{client.project}.{dataset}.{name}", fields)
        try:
            made = client.get_table(table.reference)
        except NotFound:
            client.create_table(table)
        else:
            present = {field.name for field in made.schema}
            if missing := [field for field in fields if field.name not in present]:
                made.schema = [*made.schema, *missing]
                client.update_table(made, ["schema"])


def keep_histories(
    client: bigquery.Client, dataset: str, tables: Sequence[str], load_id: str | None, at: datetime
) -> dict[str, dict[str, int]]:
    """Bring the histories of `tables` up to what the load `load_id` brought, as of `at`.

    Gives how many things were opened, closed and changed, by table. With no load nothing came, so
    all is closed.
    """
    names = [name for name, history in HISTORIES.items() if history.table in tables]
    if not names:
        return {}
    into = f"{client.project}.{dataset}"
    # One script is one job, and one transaction makes it all or nothing.
    script = [
        f"DECLARE instant TIMESTAMP DEFAULT TIMESTAMP '{at.isoformat()}'",
        f"DECLARE this_load STRING DEFAULT '{load_id or ''}'",
        "BEGIN TRANSACTION",
        *(_merge(name, into) for name in names),
        "COMMIT TRANSACTION",
        _changes(names, into),
    ]
    rows = client.query(";\n".join(script)).result()
    found = {row["table_name"]: row for row in rows}
    return {
        table: {
            count: int(found[table][count]) if table in found else 0
            for count in ("opened", "closed", "changed")
        }
        for table in (HISTORIES[name].table for name in names)
    }


def _merge(name: str, dataset: str) -> str:
    """The statement that closes and opens states."""
    history = HISTORIES[name]
    kept = [*history.unversioned, *history.versioned]
    inserted = ["thing", STATE, *kept, "_dlt_load_id", "_dlt_id", "valid_from"]
    values = [*inserted[:-2], "GENERATE_UUID()", "instant"]
    return f"""
MERGE `{dataset}.{name}` AS past
USING (
  SELECT *, TO_HEX(MD5(TO_JSON_STRING(STRUCT(thing, {", ".join(history.versioned)})))) AS {STATE}
  FROM (
    SELECT {history.thing} AS thing, {", ".join(kept)}, _dlt_load_id
    FROM `{dataset}.{history.table}` WHERE _dlt_load_id = this_load
  )
  WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY thing ORDER BY id) = 1
) AS present
ON past.thing = present.thing AND past.{STATE} = present.{STATE} AND past.valid_to IS NULL
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({", ".join(inserted)}) VALUES ({", ".join(values)})
WHEN NOT MATCHED BY SOURCE AND past.valid_to IS NULL THEN
  UPDATE SET valid_to = instant
"""  # noqa: S608 - our names


def _changes(names: Sequence[str], dataset: str) -> str:
    parts = (
        f"SELECT '{HISTORIES[name].table}' AS table_name, thing,"  # noqa: S608 - our names
        " COUNTIF(valid_from = instant) AS opened, COUNTIF(valid_to = instant) AS closed"
        f" FROM `{dataset}.{name}` WHERE valid_from = instant OR valid_to = instant GROUP BY 1, 2"
        for name in names
    )
    return (
        "SELECT table_name, COUNTIF(closed = 0) AS opened, COUNTIF(opened = 0) AS closed,"  # noqa: S608
        " COUNTIF(opened > 0 AND closed > 0) AS changed"
        f" FROM ({' UNION ALL '.join(parts)}) GROUP BY 1"
    )


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
  TIMESTAMP_DIFF(COALESCE(closed, CURRENT_TIMESTAMP()), opened, SECOND) / 86400 AS days_open,
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
        "Occurrences that are open now, one row each; by `id` where there is no `occurrence_id`.",
        ("issue_id", "occurrence_id"),
        _kept("occurrences_issues_history")
        | {"severity": Column("text", "Severity of its issue.", "high")}
        | _OPENED,
    ),
}
"""What the views show."""


def keep_views(client: bigquery.Client, dataset: str) -> None:
    """Make the views, and bring those up to date whose text has changed. No jobs, calls only."""
    for name, text in VIEWS.items():
        view = bigquery.Table(f"{client.project}.{dataset}.{name}")
        view.view_query = text.replace("{d}", f"{client.project}.{dataset}").strip()
        try:
            made = client.get_table(view.reference)
        except NotFound:
            client.create_table(view)
        else:
            if made.view_query != view.view_query:
                made.view_query = view.view_query
                client.update_table(made, ["view_query"])
