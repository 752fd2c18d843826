"""The views on the histories: what is open now, and each time that it was."""

import hashlib
from collections.abc import Mapping
from typing import Final

from google.cloud import bigquery

from scanner_sync.tables import Column, Table
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.history import HISTORY_COLUMNS, kept_columns

LABELS: Final = {"made_by": "scanner_sync"}
"""Of the views, so that a user's view is told from one of ours."""

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
        "Issues that are open now, one row each.", ("id",), kept_columns("issues_history") | _OPENED
    ),
    "open_occurrences": Table(
        "Occurrences that are open now, one row each.",
        ("issue_id", "id"),
        kept_columns("occurrences_issues_history")
        | {"severity": Column("text", "Severity of its issue.", "high")}
        | _OPENED,
    ),
}
"""What the views show."""


def is_ours(view: bigquery.Table, connection: Connection) -> bool:
    """Tell whether this program made a view, in this version or in 0.1."""
    text = (view.view_query or "").replace(connection.name, "{d}")
    return _is_labelled(view) or hashlib.sha256(text.encode()).hexdigest() in _VIEWS_OF_0_1


def _is_labelled(view: bigquery.Table) -> bool:
    return bool(view.labels.items() >= LABELS.items())


def ensure_views(connection: Connection, existing: Mapping[str, bigquery.Table]) -> None:
    """Create the views, and update those whose text has changed. API calls only, no jobs."""
    for name, text in VIEWS.items():
        view = bigquery.Table(f"{connection.name}.{name}")
        view.view_query = text.replace("{d}", connection.name).strip()
        view.labels = LABELS
        if name not in existing:
            connection.client.create_table(view)
        elif not _is_labelled(existing[name]) or existing[name].view_query != view.view_query:
            existing[name].view_query = view.view_query
            existing[name].labels |= LABELS
            connection.client.update_table(existing[name], ["view_query", "labels"])
