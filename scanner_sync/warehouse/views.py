"""How the views are created and updated, and their SQL."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from google.cloud import bigquery

from scanner_sync.errors import LoadUnavailable
from scanner_sync.warehouse.connection import Connection

LABELS: Final = {"made_by": "scanner_sync"}
"""Labels of the views, which tell them from views of the user."""


VIEWS: Final = {
    "open_findings": """
SELECT f.finding_id, f.occurrence_id, f.issue_id, f.times_reopened, f.title, f.severity,
  f.severity_rank, f.cvss_score, f.exploit_likelihood, f.cves, f.in_kev, f.kev_due_on, f.epss,
  f.host, f.port, f.protocol, f.target_id, f.target_type, f.target_status, f.tags, f.exposed,
  f.opened_at, f.detected_at, f.last_seen_at, f.snoozed, f.triage, f.snooze_until, f.due_rule,
  f.cve_to_fix, f.due_at,
  TIMESTAMP_DIFF(GREATEST(f.opened_at, CURRENT_TIMESTAMP()), f.opened_at, SECOND) / 86400
    AS days_open,
  NOT f.snoozed AND COALESCE(f.target_status, '') != 'deleted' AS to_do,
  NOT f.snoozed AND COALESCE(f.target_status, '') != 'deleted'
    AND COALESCE(f.due_at < CURRENT_TIMESTAMP(), FALSE) AS overdue,
  i.description, i.remediation
FROM (
  -- A snooze ends on its day, even if no sync has come since.
  SELECT * REPLACE (
    snoozed AND COALESCE(TIMESTAMP(snooze_until) > CURRENT_TIMESTAMP(), TRUE) AS snoozed,
    IF(COALESCE(TIMESTAMP(snooze_until) > CURRENT_TIMESTAMP(), TRUE), triage, 'open') AS triage)
  FROM `{d}.findings` WHERE closed_at IS NULL
) AS f
LEFT JOIN `{d}.issues` AS i ON i.id = f.issue_id
""",
    "issue_lifecycle": """
WITH spans AS (
  SELECT issue_id AS id, finding_id, title, severity, opened_at, detected_at, last_seen_at,
    closed_at, close_reason, snoozed AND COALESCE(
      TIMESTAMP(snooze_until) > COALESCE(closed_at, CURRENT_TIMESTAMP()), TRUE) AS snoozed,
    COALESCE(target_status, '') = 'deleted' AS is_deleted, in_kev, epss, due_at, met_sla
  FROM `{d}.findings` WHERE issue_id IS NOT NULL AND opened_at IS NOT NULL
  UNION ALL
  -- An issue of which no occurrence is known is open while it is listed.
  SELECT h.id, NULL, h.title, h.severity, h.valid_from, h.valid_from, h.valid_to, h.valid_to,
    IF(h.valid_to IS NULL, NULL, 'not_reported'), COALESCE(h.snoozed AND COALESCE(
      TIMESTAMP(h.snooze_until) > COALESCE(h.valid_to, CURRENT_TIMESTAMP()), TRUE), FALSE),
    FALSE, NULL, NULL, NULL, NULL
  FROM `{d}.issues_history` AS h
  LEFT JOIN (SELECT DISTINCT issue_id FROM `{d}.findings`) AS f ON f.issue_id = h.id
  WHERE f.issue_id IS NULL
),
-- Spans that overlap are one time.
numbered AS (
  SELECT *, SUM(IF(is_new, 1, 0)) OVER (
      PARTITION BY id ORDER BY opened_at, closed_at IS NULL, closed_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - 1 AS times_reopened
  FROM (
    SELECT *, COALESCE(opened_at > MAX(COALESCE(closed_at, TIMESTAMP '9999-12-31')) OVER (
        PARTITION BY id ORDER BY opened_at, closed_at IS NULL, closed_at
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), TRUE) AS is_new
    FROM spans
  )
),
times AS (
  SELECT id, times_reopened, MIN(opened_at) AS opened_at, MIN(detected_at) AS detected_at,
    MAX(last_seen_at) AS last_seen_at, COUNT(finding_id) AS findings,
    COUNTIF(finding_id IS NOT NULL AND closed_at IS NULL) AS open_findings,
    IF(LOGICAL_OR(closed_at IS NULL), NULL, MAX(closed_at)) AS closed_at,
    MAX_BY(title, COALESCE(closed_at, TIMESTAMP '9999-12-31')) AS title,
    MAX_BY(severity, COALESCE(closed_at, TIMESTAMP '9999-12-31')) AS severity,
    MAX_BY(close_reason, COALESCE(closed_at, TIMESTAMP '9999-12-31')) AS last_reason,
    -- While one is open, those that are closed say nothing about it.
    COALESCE(LOGICAL_AND(IF(closed_at IS NULL, snoozed, NULL)), LOGICAL_AND(snoozed)) AS snoozed,
    LOGICAL_OR(closed_at IS NULL AND NOT snoozed AND NOT is_deleted) AS to_do,
    LOGICAL_OR(in_kev) AS in_kev, MAX(epss) AS epss, MIN(due_at) AS due_at,
    LOGICAL_AND(met_sla) AS met,
    MIN(IF(closed_at IS NULL AND NOT snoozed AND NOT is_deleted, due_at, NULL)) AS next_due
  FROM numbered GROUP BY id, times_reopened
)
SELECT id, times_reopened, title, severity,
  CASE severity WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4
    ELSE IF(COALESCE(severity, '') = '', 6, 5) END AS severity_rank,
  in_kev, epss, snoozed, to_do, findings, open_findings, opened_at, detected_at, last_seen_at,
  closed_at, IF(closed_at IS NULL, NULL, last_reason) AS close_reason,
  TIMESTAMP_DIFF(COALESCE(closed_at, GREATEST(opened_at, CURRENT_TIMESTAMP())), opened_at, SECOND)
    / 86400 AS days_open,
  due_at, COALESCE(next_due < CURRENT_TIMESTAMP(), FALSE) AS overdue,
  IF(closed_at IS NULL, NULL, met) AS met_sla
FROM times
""",
    "open_issues": """
SELECT l.id, l.title, l.severity, l.severity_rank, l.in_kev, l.epss, l.snoozed, l.to_do,
  i.exploit_likelihood, i.cvss_score, l.findings, l.open_findings, l.opened_at, l.times_reopened,
  l.days_open, l.due_at, l.overdue, i.description, i.remediation
FROM `{d}.issue_lifecycle` AS l LEFT JOIN `{d}.issues` AS i ON i.id = l.id
WHERE l.closed_at IS NULL
""",
}
"""SQL of the views, where `{d}` is the dataset; a view comes after those that it reads."""


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
