"""The lifecycles: each time that an issue or an occurrence was open, with true dates.

The histories say what the syncs saw. The API says when an occurrence was first seen, and when it
was fixed. These views put the two together, and nothing is rewritten: a fix that the API reports
late corrects the dates. docs/metrics.md defines each column.
"""

from typing import Final

IS_FIX: Final = "close_reason IN ('fixed', 'not_reported')"
"""SQL: whether something that was closed was fixed."""
SEVERITY: Final = "COALESCE(NULLIF(severity, ''), 'none')"
"""SQL: the severity by which the measures and the report group."""

_NOW: Final = "CURRENT_TIMESTAMP()"


def _seen(history: str, columns: str) -> str:
    """Return SQL for each time that the syncs saw an entity, numbered by `nth`, one row each.

    States without a gap between them are one time. The row has the `columns` of the last state.
    """
    time = "PARTITION BY entity_key, nth"
    return f"""
  SELECT entity_key, nth, {columns}, snoozed, snooze_reason,
    MIN(valid_from) OVER ({time}) AS seen_from, valid_to AS seen_to
  FROM (
    SELECT *, SUM(IF(is_new, 1, 0)) OVER (PARTITION BY entity_key ORDER BY valid_from) AS nth
    FROM (
      SELECT *, COALESCE(
        LAG(valid_to) OVER (PARTITION BY entity_key ORDER BY valid_from) < valid_from, TRUE
      ) AS is_new
      FROM `{{d}}.{history}`
    )
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER ({time} ORDER BY valid_from DESC) = 1
"""  # noqa: S608 - our names


_NAMES: Final = ", ".join(
    f"LAST_VALUE({column} IGNORE NULLS) OVER (PARTITION BY id ORDER BY valid_from"
    f" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS {column}"
    for column in ("title", "severity")
)


def _with_goals(history: str, columns: str) -> str:
    """Return SQL for `columns` of `times`, and for what follows from its dates and `sla_policy`.

    The clock of a goal stops while the entity is snoozed, as far as `history` knows. A snooze that
    began after the goal was missed does not count.
    """
    return f"""
goals AS (  -- a thousand years at most, so that it has a date
  SELECT severity, GREATEST(LEAST(MIN(days), 365000), 0) * 86400 AS goal
  FROM `{{d}}.sla_policy` GROUP BY severity
),
snoozes AS (
  SELECT t.entity_key, t.times_reopened, t.opened_at,
    GREATEST(h.valid_from, t.opened_at) AS snoozed_from, TIMESTAMP_DIFF(
      LEAST(COALESCE(h.valid_to, {_NOW}), COALESCE(t.closed_at, {_NOW})),
      GREATEST(h.valid_from, t.opened_at), SECOND) AS length
  FROM times AS t JOIN `{{d}}.{history}` AS h ON h.entity_key = t.entity_key AND h.snoozed
    AND h.valid_from < COALESCE(t.closed_at, {_NOW})
    AND (h.valid_to IS NULL OR h.valid_to > t.opened_at)
),
paused AS (
  SELECT *, TIMESTAMP_DIFF(snoozed_from, opened_at, SECOND) - COALESCE(SUM(length) OVER (
      PARTITION BY entity_key, times_reopened ORDER BY snoozed_from
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS unsnoozed
  FROM snoozes
),
due AS (
  SELECT t.entity_key, t.times_reopened, TIMESTAMP_ADD(t.opened_at, INTERVAL
      g.goal + COALESCE(SUM(IF(p.unsnoozed < g.goal, p.length, 0)), 0) SECOND) AS due_at
  FROM times AS t JOIN goals AS g ON g.severity = t.severity LEFT JOIN paused AS p
    ON p.entity_key = t.entity_key AND p.times_reopened = t.times_reopened
  GROUP BY t.entity_key, t.times_reopened, t.opened_at, g.goal
)
SELECT {columns},
  CASE WHEN NOT COALESCE(t.snoozed, FALSE) THEN 'open'
    WHEN t.snooze_reason = 'ACCEPT_RISK' THEN 'accepted_risk'
    WHEN t.snooze_reason = 'FALSE_POSITIVE' THEN 'false_positive'
    WHEN t.snooze_reason = 'MITIGATING_CONTROLS' THEN 'mitigated'
    ELSE 'snoozed' END AS triage,
  t.opened_at, t.detected_at, t.closed_at, t.close_reason,
  TIMESTAMP_DIFF(COALESCE(t.closed_at, GREATEST(t.opened_at, {_NOW})), t.opened_at, SECOND)
    / 86400 AS days_open,
  t.times_reopened, d.due_at,
  t.closed_at IS NULL AND NOT COALESCE(t.snoozed, FALSE)
    AND COALESCE(d.due_at < {_NOW}, FALSE) AS overdue,
  t.closed_at <= d.due_at AS met_sla
FROM times AS t LEFT JOIN due AS d
  ON d.entity_key = t.entity_key AND d.times_reopened = t.times_reopened
"""  # noqa: S608 - our names


OCCURRENCE_LIFECYCLE: Final = f"""
WITH seen AS ({
    _seen(
        "occurrences_issues_history",
        "issue_id, id, occurrence_id, target, valid_from AS state_from,"
        " MIN(first_seen_at) OVER (PARTITION BY entity_key, nth) AS first_seen_at",
    )
}),
-- A fix ended the last time that had begun by then. The time of a sync is when it ended: it may
-- have read the API an hour before.
fixed AS (
  SELECT f.occurrence_id, f.remediated_at, f.first_seen_at, f.id, f.title, f.severity,
    COALESCE(f.affected_host, f.display_address) AS target, s.entity_key,
    MAX(IF(TIMESTAMP_SUB(s.seen_from, INTERVAL IF(s.nth = 1, 1, 0) HOUR) <= f.remediated_at,
      s.nth, NULL)) AS nth
  FROM `{{d}}.fixed_occurrences` AS f LEFT JOIN seen AS s ON s.occurrence_id = f.occurrence_id
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
-- If the API lists no fix, or a sync saw it after the fix, then the syncs say when it ended.
ended AS (
  SELECT COALESCE(entity_key, CONCAT('/', CAST(occurrence_id AS STRING))) AS entity_key, nth,
    occurrence_id, id, title, severity, target, first_seen_at, remediated_at AS closed_at,
    TRUE AS is_fixed
  FROM fixed
  UNION ALL
  SELECT s.entity_key, s.nth, s.occurrence_id, s.id, NULL, NULL, s.target, s.first_seen_at,
    s.seen_to, FALSE
  FROM seen AS s
  LEFT JOIN `{{d}}.occurrence_reads` AS r ON r.issue_id = s.issue_id AND s.seen_to IS NULL
  LEFT JOIN (
    SELECT entity_key, nth, MAX(remediated_at) AS fixed_at FROM fixed GROUP BY entity_key, nth
  ) AS f ON f.entity_key = s.entity_key AND f.nth = s.nth
  WHERE f.fixed_at IS NULL
    OR f.fixed_at < TIMESTAMP_SUB(COALESCE(r.read_at, s.state_from), INTERVAL 1 HOUR)
),
dated AS (
  SELECT e.entity_key, MAX(s.issue_id) OVER (PARTITION BY e.entity_key) AS issue_id,
    COALESCE(s.id, e.id) AS id, e.occurrence_id, e.title, e.severity,
    COALESCE(s.target, e.target) AS target, s.snoozed, s.snooze_reason, s.seen_from,
    COALESCE(e.first_seen_at, s.first_seen_at) AS first_seen_at, e.closed_at, e.is_fixed,
    LAG(e.closed_at) OVER in_order AS closed_before,
    ROW_NUMBER() OVER in_order - 1 AS times_reopened,
    IF(e.nth = LAG(e.nth) OVER in_order, LAG(e.closed_at) OVER in_order, s.seen_from)
      AS detected_at
  FROM ended AS e LEFT JOIN seen AS s ON s.entity_key = e.entity_key AND s.nth = e.nth
  WINDOW in_order AS (
    PARTITION BY e.entity_key ORDER BY COALESCE(e.nth, 0), e.closed_at IS NULL, e.closed_at
  )
),
opened AS (
  SELECT *, IF(
      first_seen_at <= LEAST(COALESCE(detected_at, closed_at), COALESCE(closed_at, detected_at))
      AND (closed_before IS NULL OR first_seen_at > closed_before), first_seen_at,
      COALESCE(IF(closed_at < detected_at, closed_at, detected_at), closed_before)) AS opened_at
  FROM dated
),
-- What was listed of its target when a sync no longer saw it.
targets AS (
  SELECT o.entity_key, o.times_reopened,
    LOGICAL_OR(h.valid_to IS NULL OR h.valid_to > o.closed_at) AS is_listed,
    LOGICAL_OR((h.valid_to IS NULL OR h.valid_to > o.closed_at) AND COALESCE(h.target_status, '')
      NOT IN ('unresponsive', 'license_exceeded', 'unscanned', 'agent_uninstalled')) AS is_scanned
  FROM opened AS o JOIN `{{d}}.targets_history` AS h
    ON h.address = o.target AND h.valid_from <= o.closed_at
  WHERE NOT o.is_fixed GROUP BY o.entity_key, o.times_reopened
),
times AS (
  SELECT o.* REPLACE (
      COALESCE(i.title, o.title) AS title, COALESCE(i.severity, o.severity) AS severity),
    CASE WHEN o.closed_at IS NULL THEN NULL WHEN o.is_fixed THEN 'fixed'
      WHEN NOT t.is_listed THEN 'target_removed' WHEN NOT t.is_scanned THEN 'target_not_scanned'
      ELSE 'not_reported' END AS close_reason
  FROM opened AS o LEFT JOIN targets AS t
    ON t.entity_key = o.entity_key AND t.times_reopened = o.times_reopened
  LEFT JOIN (SELECT DISTINCT id, {_NAMES} FROM `{{d}}.issues_history`) AS i ON i.id = o.issue_id
),{
    _with_goals(
        "occurrences_issues_history",
        "t.entity_key, t.issue_id, t.id, t.occurrence_id, t.title, t.severity, t.target",
    )
}"""  # noqa: S608 - our names

ISSUE_LIFECYCLE: Final = f"""
WITH listed AS ({_seen("issues_history", f"id, {_NAMES}")}),
found AS (
  SELECT issue_id, opened_at, detected_at, closed_at, close_reason
  FROM `{{d}}.occurrence_lifecycle` WHERE opened_at IS NOT NULL
),
-- From its first occurrence to its last, each time that it was listed; and each time that one of
-- its occurrences was fixed before a sync saw it.
spans AS (
  SELECT l.entity_key, l.id, l.nth, l.seen_from AS detected_at,
    LEAST(l.seen_from, COALESCE(MIN(f.opened_at), l.seen_from)) AS opened_at,
    IF(l.seen_to IS NULL OR COUNTIF(f.issue_id IS NOT NULL AND f.closed_at IS NULL) > 0,
      l.seen_to, COALESCE(MAX(f.closed_at), l.seen_to)) AS closed_at
  FROM (
    SELECT *, LEAD(seen_from) OVER (PARTITION BY entity_key ORDER BY nth) AS seen_again
    FROM listed
  ) AS l LEFT JOIN found AS f ON f.issue_id = l.id
    AND (l.nth = 1 OR f.detected_at >= l.seen_from)  -- the first, if its history began later, too
    AND f.detected_at < COALESCE(l.seen_again, TIMESTAMP '9999-12-31')
  GROUP BY l.entity_key, l.id, l.nth, l.seen_from, l.seen_to
  UNION ALL
  SELECT CAST(issue_id AS STRING), issue_id, 0, NULL, opened_at, closed_at
  FROM found WHERE detected_at IS NULL AND issue_id IS NOT NULL
),
-- Spans that overlap are one time.
numbered AS (
  SELECT *, SUM(IF(is_new, 1, 0)) OVER (PARTITION BY entity_key ORDER BY opened_at, nth) - 1
      AS times_reopened
  FROM (
    SELECT *, COALESCE(opened_at > MAX(COALESCE(closed_at, TIMESTAMP '9999-12-31')) OVER (
        PARTITION BY entity_key ORDER BY opened_at, nth
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), TRUE) AS is_new
    FROM spans
  )
),
dated AS (
  SELECT entity_key, id, times_reopened, MAX(nth) AS nth, MIN(opened_at) AS opened_at,
    MIN(detected_at) AS detected_at, IF(LOGICAL_OR(closed_at IS NULL), NULL, MAX(closed_at))
      AS closed_at
  FROM numbered GROUP BY entity_key, id, times_reopened
),
reasons AS (
  SELECT d.entity_key, d.times_reopened, MIN(f.close_reason) AS close_reason
  FROM dated AS d JOIN found AS f ON f.issue_id = d.id AND f.closed_at = d.closed_at
  GROUP BY d.entity_key, d.times_reopened
),
times AS (
  SELECT d.*, n.title, n.severity, l.snoozed, l.snooze_reason,
    IF(d.closed_at IS NULL, NULL, COALESCE(r.close_reason, 'not_reported')) AS close_reason
  FROM dated AS d JOIN listed AS n ON n.entity_key = d.entity_key AND n.nth = 1
  LEFT JOIN listed AS l ON l.entity_key = d.entity_key AND l.nth = d.nth
  LEFT JOIN reasons AS r
    ON r.entity_key = d.entity_key AND r.times_reopened = d.times_reopened
),{_with_goals("issues_history", "t.entity_key, t.id, t.title, t.severity")}"""  # noqa: S608
