"""The views on the histories: what is open now, and each time that something was open."""

from collections.abc import Mapping
from typing import Final

from google.cloud import bigquery

from scanner_sync.tables import Column, Table
from scanner_sync.warehouse import migration
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.history import HISTORY_COLUMNS, kept_columns

LABELS: Final = {"made_by": "scanner_sync"}
"""Labels of the views, which tell them from views of the user."""


def _openings(table: str, columns: str) -> str:
    """Return SQL for one row for each time that an entity was open, from its last state then.

    States without a gap between them belong to one opening.
    """
    opening = "PARTITION BY entity_key, times_reopened"
    return f"""
  SELECT entity_key, {columns}, times_reopened,
    MIN(valid_from) OVER ({opening}) AS opened_at, valid_to AS closed_at
  FROM (
    SELECT *,
      SUM(is_opened) OVER (PARTITION BY entity_key ORDER BY valid_from) - 1 AS times_reopened
    FROM (
      SELECT *, IF(
        LAG(valid_to) OVER (PARTITION BY entity_key ORDER BY valid_from) = valid_from, 0, 1
      ) AS is_opened
      FROM `{{d}}.{table}`
    )
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER ({opening} ORDER BY valid_from DESC) = 1
"""  # noqa: S608 - our names


_LATEST = """LAST_VALUE({column} IGNORE NULLS) OVER (
      PARTITION BY id ORDER BY valid_from ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS {column}"""

# A sync may be later than BigQuery's present time, after a clock that was ahead.
_DAYS_OPEN = """TIMESTAMP_DIFF(
    COALESCE(closed_at, GREATEST(opened_at, CURRENT_TIMESTAMP())), opened_at, SECOND
  ) / 86400 AS days_open"""

_ISSUE_COLUMNS = ",\n    ".join(
    ["id", _LATEST.format(column="title"), _LATEST.format(column="severity")]
)

VIEWS: Final = {
    "issue_lifecycle": f"""
SELECT entity_key, id, title, severity, opened_at, closed_at,
  {_DAYS_OPEN}, times_reopened
FROM ({_openings("issues_history", _ISSUE_COLUMNS)})
""",  # noqa: S608 - our names
    "occurrence_lifecycle": f"""
SELECT o.entity_key, o.issue_id, o.id, o.occurrence_id, i.title, i.severity, o.target,
  o.opened_at, o.closed_at,
  {_DAYS_OPEN}, o.times_reopened
FROM ({_openings("occurrences_issues_history", "issue_id, id, occurrence_id, target")}) AS o
LEFT JOIN (SELECT DISTINCT id, title, severity FROM `{{d}}.issue_lifecycle`) AS i
  ON i.id = o.issue_id
""",  # noqa: S608 - our names
    "open_issues": """
SELECT i.id, i.severity, i.title, i.snoozed, i.snooze_reason, i.snooze_until,
  i.exploit_likelihood, i.cvss_score, l.opened_at, l.times_reopened
FROM `{d}.issues_history` AS i
JOIN `{d}.issue_lifecycle` AS l ON l.entity_key = i.entity_key AND l.closed_at IS NULL
WHERE i.valid_to IS NULL
""",
    "open_occurrences": """
SELECT o.issue_id, o.id, o.occurrence_id, o.target, o.port, o.protocol, o.snoozed,
  o.snooze_reason, o.snooze_until, o.exploit_likelihood, o.cvss_score, o.first_seen_at,
  l.severity, l.opened_at, l.times_reopened, r.read_at
FROM `{d}.occurrences_issues_history` AS o
JOIN `{d}.occurrence_lifecycle` AS l ON l.entity_key = o.entity_key AND l.closed_at IS NULL
LEFT JOIN `{d}.occurrence_reads` AS r ON r.issue_id = o.issue_id
WHERE o.valid_to IS NULL
""",
}
"""SQL of the views, where `{d}` is the dataset; a view comes after those that it reads."""

_OPENED = {
    "opened_at": Column(
        "timestamp", "Time of the sync that first saw it, this time.", "2026-11-20T06:00:04Z"
    ),
    "times_reopened": Column("bigint", "How often it had been open and closed before.", 0),
}

_LIFECYCLE = {
    "opened_at": _OPENED["opened_at"],
    "closed_at": Column(
        "timestamp",
        "Time of the sync that no longer saw it; null while it is open.",
        "2026-11-24T06:00:05Z",
    ),
    "days_open": Column("double", "Days from `opened_at` to `closed_at`, or to now.", 4.00001157),
    "times_reopened": _OPENED["times_reopened"],
}

_TITLE = Column("text", "Title that the issue last had.", "OpenSSH arbitrary file read")
_SEVERITY = Column("text", "Severity that the issue last had.", "high")
_OCCURRENCE = kept_columns("occurrences_issues_history")

VIEW_TABLES: Final = {
    "issue_lifecycle": Table(
        "Each time that an issue was open, one row each.",
        ("entity_key", "times_reopened"),
        {
            "entity_key": HISTORY_COLUMNS["entity_key"],
            "id": Column("bigint", "The issue: issues.id.", 812),
            "title": _TITLE,
            "severity": _SEVERITY,
        }
        | _LIFECYCLE,
    ),
    "occurrence_lifecycle": Table(
        "Each time that an occurrence was open, one row each.",
        ("entity_key", "times_reopened"),
        {
            "entity_key": HISTORY_COLUMNS["entity_key"]._replace(example="812/90417"),
            "issue_id": _OCCURRENCE["issue_id"],
            "id": _OCCURRENCE["id"],
            "occurrence_id": _OCCURRENCE["occurrence_id"],
            "title": _TITLE,
            "severity": _SEVERITY,
            "target": _OCCURRENCE["target"],
        }
        | _LIFECYCLE,
    ),
    "open_issues": Table(
        "Issues that are open now, one row each.", ("id",), kept_columns("issues_history") | _OPENED
    ),
    "open_occurrences": Table(
        "Occurrences that are open now, one row each.",
        ("issue_id", "id"),
        _OCCURRENCE
        | {"severity": _SEVERITY}
        | _OPENED
        | {
            "read_at": Column(
                "timestamp",
                "Time of the sync that last read the occurrences of its issue.",
                "2026-11-24T06:00:05Z",
            )
        },
    ),
}
"""The views with their columns, and the columns that tell their rows apart."""


def is_ours(view: bigquery.Table, connection: Connection) -> bool:
    """Return whether this program made a view, in this version or in 0.1."""
    return _is_labeled(view) or migration.is_view_of_0_1(view, connection)


def _is_labeled(view: bigquery.Table) -> bool:
    return bool(view.labels.items() >= LABELS.items())


def ensure_views(connection: Connection, existing: Mapping[str, bigquery.Table]) -> None:
    """Create the views that are missing, and update those that are outdated.

    `existing` holds the tables and views that exist. The view of version 0.1 that these replace is
    deleted. Makes API calls only, no jobs.
    """
    outdated = []
    for name, text in VIEWS.items():
        view = existing.get(name) or bigquery.Table(f"{connection.name}.{name}")
        query = text.replace("{d}", connection.name).strip()
        if name not in existing or not _is_labeled(view) or view.view_query != query:
            view.view_query, view.labels = query, view.labels | LABELS
            outdated.append(view)
    if outdated:
        # First, because a sync that ends in between is made up for only while a view is outdated.
        _delete_view_of_0_1(connection)
    for view in outdated:
        if view.table_id in existing:
            connection.client.update_table(view, ["view_query", "labels"])
        else:
            connection.client.create_table(view)


def _delete_view_of_0_1(connection: Connection) -> None:
    for view in connection.find_tables([migration.VIEW]).values():
        if view.table_type == "VIEW" and is_ours(view, connection):
            connection.client.delete_table(view, not_found_ok=True)
