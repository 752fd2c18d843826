"""The views: what is open now, each time that something was open, and how fast it is fixed."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from google.cloud import bigquery

from scanner_sync.errors import LoadUnavailable
from scanner_sync.tables import Column, Table
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.history import HISTORY_COLUMNS, kept_columns
from scanner_sync.warehouse.lifecycles import ISSUE_LIFECYCLE, OCCURRENCE_LIFECYCLE
from scanner_sync.warehouse.metrics import METRICS_TABLE, REMEDIATION_METRICS

LABELS: Final = {"made_by": "scanner_sync"}
"""Labels of the views, which tell them from views of the user."""


VIEWS: Final = {
    "occurrence_lifecycle": OCCURRENCE_LIFECYCLE,
    "issue_lifecycle": ISSUE_LIFECYCLE,
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
    "remediation_metrics": REMEDIATION_METRICS,
}
"""SQL of the views, where `{d}` is the dataset; a view comes after those that it reads."""

_OPENED = {
    "opened_at": Column(
        "timestamp",
        "When it was first seen, or, if it had been closed before, seen again.",
        "2026-02-19T02:14:00Z",
    ),
    "times_reopened": Column("bigint", "How often it had been open and closed before.", 0),
}

_LIFECYCLE = {
    "triage": Column(
        "text",
        "open, or why it was last snoozed: accepted_risk, false_positive, mitigated, snoozed.",
        "open",
    ),
    "opened_at": _OPENED["opened_at"],
    "detected_at": Column(
        "timestamp",
        "Time of the sync that first saw it, this time; null if none did.",
        "2026-11-20T06:00:04Z",
    ),
    "closed_at": Column(
        "timestamp",
        "When the scanner found it fixed, or the time of the sync that no longer saw it; null"
        " while it is open.",
        "2026-11-24T02:10:00Z",
    ),
    "close_reason": Column(
        "text",
        "fixed, target_removed, target_not_scanned or not_reported; null while it is open.",
        "fixed",
    ),
    "days_open": Column("double", "Days from `opened_at` to `closed_at`, or to now.", 277.9972222),
    "times_reopened": _OPENED["times_reopened"],
    "due_at": Column(
        "timestamp",
        "When it was to be fixed, by `sla_policy`, snoozed time left out; null without a goal.",
        "2026-03-21T02:14:00Z",
    ),
    "overdue": Column("bool", "Whether it is open, not snoozed, and `due_at` has passed.", False),
    "met_sla": Column("bool", "Whether it was closed by `due_at`; null while it is open.", False),
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
            "issue_id": _OCCURRENCE["issue_id"]._replace(
                description="The issue: issues.id. Null if it was fixed before a sync saw it."
            ),
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
    "remediation_metrics": METRICS_TABLE,
}
"""The views with their columns, and the columns that tell their rows apart."""


def is_ours(view: bigquery.Table) -> bool:
    """Return whether this program made a view."""
    return bool(view.table_type == "VIEW" and view.labels.items() >= LABELS.items())


def ensure_views(connection: Connection, existing: Mapping[str, bigquery.Table]) -> None:
    """Create the views that are missing, and update those that are outdated.

    `existing` holds the tables and views that exist. Makes API calls only, no jobs.
    """
    for name, text in VIEWS.items():
        query = text.replace("{d}", connection.name).strip()
        connection.change(name, existing.get(name), partial(_put, connection, name, query))


def _put(connection: Connection, name: str, query: str, found: bigquery.Table | None) -> None:
    if found is None:
        view = bigquery.Table(f"{connection.name}.{name}")
        view.view_query, view.labels = query, LABELS
        connection.client.create_table(view)
    elif not is_ours(found):
        raise LoadUnavailable(
            f"{connection.name}.{name} was created or changed by something else while the sync ran."
            " The next sync says what to do about it."
        )
    elif found.view_query != query:
        found.view_query = query
        connection.client.update_table(found, ["view_query"])
