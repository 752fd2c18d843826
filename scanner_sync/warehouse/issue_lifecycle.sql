-- Each time that an issue was open: from the first finding that opened until none was left, so times of
-- findings that overlap or touch are one time.
WITH spans AS (
  SELECT issue_id AS id, TRUE AS is_finding, title, severity, opened_at, detected_at, last_seen_at,
    closed_at, close_reason, snoozed AND COALESCE(
      TIMESTAMP(snooze_until, 'UTC') > COALESCE(closed_at, CURRENT_TIMESTAMP()), TRUE) AS snoozed,
    COALESCE(target_status, '') = 'deleted' AS is_deleted, in_kev, epss, due_at, met_sla
  FROM `{dataset}.findings` WHERE issue_id IS NOT NULL AND opened_at IS NOT NULL
  UNION ALL
  -- An issue of which no occurrence is known is open while it is listed.
  SELECT h.id, FALSE, h.title, h.severity, h.valid_from, h.valid_from, h.valid_to, h.valid_to,
    IF(h.valid_to IS NULL, NULL, 'not_reported'), COALESCE(h.snoozed AND COALESCE(
      TIMESTAMP(h.snooze_until, 'UTC') > COALESCE(h.valid_to, CURRENT_TIMESTAMP()), TRUE), FALSE),
    FALSE, NULL, NULL, NULL, NULL
  FROM `{dataset}.issues_history` AS h
  LEFT JOIN (SELECT DISTINCT issue_id FROM `{dataset}.findings`) AS f ON f.issue_id = h.id
  WHERE f.issue_id IS NULL
),
-- Spans that overlap are one time. Of those that open at the same instant, one is new at most, and
-- all have its number.
numbered AS (
  SELECT *, COUNT(IF(is_new, 1, NULL)) OVER (PARTITION BY id ORDER BY opened_at) - 1 AS times_reopened
  FROM (
    SELECT *, COALESCE(opened_at > MAX(COALESCE(closed_at, TIMESTAMP '9999-12-31')) OVER (
        PARTITION BY id ORDER BY opened_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), TRUE) AS is_new
    FROM spans
  )
),
times AS (
  SELECT id, times_reopened, MIN(opened_at) AS opened_at, MIN(detected_at) AS detected_at,
    MAX(last_seen_at) AS last_seen_at, COUNTIF(is_finding) AS findings,
    COUNTIF(is_finding AND closed_at IS NULL) AS open_findings,
    IF(LOGICAL_OR(closed_at IS NULL), NULL, MAX(closed_at)) AS closed_at,
    MAX_BY(title, COALESCE(closed_at, TIMESTAMP '9999-12-31')) AS title,
    MAX_BY(severity, COALESCE(closed_at, TIMESTAMP '9999-12-31')) AS severity,
    -- Of several that closed last, the reason that comes first by name: fixed before removed.
    ARRAY_AGG(close_reason ORDER BY closed_at DESC, close_reason LIMIT 1)[SAFE_OFFSET(0)] AS last_reason,
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
