"""What was open when: a row for each state that an issue, an occurrence or a target was in.

dlt's scd2 merge does the work. It is fed from the pages that were read already: a state that stops
coming is closed, a new one is opened, at one instant for the whole run. A state's version is taken
from the columns that mean something, so that a date that moves with every scan makes no new state.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import dlt
import orjson
from dlt.extract.resource import DltResource
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from scanner_sync.tables import TABLES, Column

VERSION: Final = "state"
VALIDITY: Final = ("valid_from", "valid_to")


class History(NamedTuple):
    """Of which table it keeps the states, what a thing is known by, and what makes a state."""

    table: str
    key: Callable[[Mapping[str, Any]], str]
    unversioned: tuple[str, ...]
    """Columns that tell of a thing and make no new state of it."""
    versioned: tuple[str, ...]


_COMMON = ("snoozed", "snooze_reason", "snooze_until", "exploit_likelihood", "cvss_score")


def _id(row: Mapping[str, Any]) -> str:
    return str(row["id"])


def _occurrence(row: Mapping[str, Any]) -> str:
    """By the identifier that persists; `id` may change between scans."""
    if row["occurrence_id"] is not None:
        return f"{row['issue_id']}/{row['occurrence_id']}"
    return f"{row['issue_id']}/id/{row['id']}"


HISTORIES: Final = {
    "issues_history": History("issues", _id, ("id",), ("title", "severity", *_COMMON)),
    "occurrences_issues_history": History(
        "occurrences_issues",
        _occurrence,
        ("issue_id", "id", "occurrence_id", "first_seen_at"),
        ("target", "port", "protocol", *_COMMON),
    ),
    "targets_history": History(
        "targets", _id, ("id",), ("address", "display_address", "tags", "target_type")
    ),
}

HISTORY_COLUMNS: Final = {
    "thing": Column("text", "What the state is of: one value for one thing, for ever.", True),
    VERSION: Column("text", "Hash of the thing and of what makes this state of it.", True),
    "valid_from": Column("timestamp", "Instant of the sync that first saw the state."),
    "valid_to": Column("timestamp", "Instant of the sync that no longer saw it; null while open."),
}


def columns_of(name: str) -> dict[str, Column]:
    """All columns of a history table."""
    history = HISTORIES[name]
    columns = TABLES[history.table].columns
    kept = {column: columns[column] for column in history.unversioned + history.versioned}
    return {"thing": HISTORY_COLUMNS["thing"], **kept} | HISTORY_COLUMNS


def history_resource(name: str, of: DltResource, instant: datetime, hints: Any) -> DltResource:
    """The dlt resource that turns the rows of `of` into states, as of `instant`."""
    history = HISTORIES[name]
    seen: set[str] = set()

    def states(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for row in rows:
            thing = history.key(row)
            if thing not in seen:
                seen.add(thing)
                values = [row[column] for column in history.versioned]
                content = orjson.dumps([thing, *values], option=orjson.OPT_SORT_KEYS)
                version = hashlib.blake2b(content, digest_size=16).hexdigest()
                kept = {column: row[column] for column in history.unversioned + history.versioned}
                found.append({"thing": thing, VERSION: version, **kept})
        return found

    resource: DltResource = dlt.transformer(  # type: ignore[call-overload] # its write disposition
        states,
        data_from=of,
        name=name,
        columns=hints,
        max_table_nesting=0,
        write_disposition={
            "disposition": "merge",
            "strategy": "scd2",
            "validity_column_names": list(VALIDITY),
            "row_version_column_name": VERSION,
            "boundary_timestamp": instant,
        },
    )
    return resource


def close_all(client: bigquery.Client, dataset: str, names: Sequence[str], at: datetime) -> None:
    """Close every open state of the named tables: nothing came for them, and dlt merges nothing."""
    for name in names:
        client.query_and_wait(
            f"UPDATE `{client.project}.{dataset}.{name}` SET valid_to = @at"  # noqa: S608 - our names
            " WHERE valid_to IS NULL",
            job_config=_parameters(at),
        )


def changes_at(
    client: bigquery.Client, dataset: str, names: Sequence[str], at: datetime
) -> dict[str, dict[str, int]]:
    """How many things were opened, closed and changed at an instant, by the table they are of."""
    if not names:
        return {}
    parts = (
        f"SELECT '{HISTORIES[name].table}' AS table_name, thing,"  # noqa: S608 - our names
        " COUNTIF(valid_from = @at) AS opened, COUNTIF(valid_to = @at) AS closed"
        f" FROM `{client.project}.{dataset}.{name}`"
        " WHERE valid_from = @at OR valid_to = @at GROUP BY 1, 2"
        for name in names
    )
    rows = client.query_and_wait(
        "SELECT table_name, COUNTIF(closed = 0) AS opened, COUNTIF(opened = 0) AS closed,"  # noqa: S608
        " COUNTIF(opened > 0 AND closed > 0) AS changed"
        f" FROM ({' UNION ALL '.join(parts)}) GROUP BY 1",
        job_config=_parameters(at),
    )
    found = {row["table_name"]: row for row in rows}
    return {
        table: {
            count: int(found[table][count]) if table in found else 0
            for count in ("opened", "closed", "changed")
        }
        for table in (HISTORIES[name].table for name in names)
    }


def _parameters(at: datetime) -> bigquery.QueryJobConfig:
    return bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter("at", "TIMESTAMP", at)]
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
