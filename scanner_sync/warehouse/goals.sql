-- When each finding is due, for those that this sync wrote. A closed finding keeps its goal.
--
-- The clock of a goal stands still while the occurrence or its issue is snoozed, but a snooze that
-- began after the goal was missed does not count.
UPDATE `{dataset}.findings` AS known
SET goal_days = present.goal_days, accepted_at = present.accepted_at, due_at = present.due_at,
  met_sla = known.closed_at <= present.due_at
FROM (
  WITH
  goals AS (  -- a thousand years at most, so that it has a date
    SELECT severity, GREATEST(LEAST(MIN(days), 365000), 0) AS days
    FROM `{dataset}.sla_policy` GROUP BY severity
  ),
  asked AS (
    SELECT f.finding_id, f.entity_key, f.issue_id, f.opened_at, f.detected_at, f.due_at AS given,
      COALESCE(f.closed_at, TIMESTAMP '9999-12-31') AS until,
      IF(f.closed_at IS NOT NULL AND f.goal_days IS NOT NULL, f.goal_days, g.days) AS goal_days
    FROM `{dataset}.findings` AS f
    LEFT JOIN goals AS g ON g.severity = COALESCE(NULLIF(f.severity, ''), 'none')
    WHERE f.updated_at = instant
  ),
  snoozes AS (
    SELECT CONCAT('occurrence ', entity_key) AS whose, snooze_reason, valid_from AS since,
      LEAST(COALESCE(valid_to, TIMESTAMP '9999-12-31'),
        COALESCE(TIMESTAMP(snooze_until), TIMESTAMP '9999-12-31')) AS until
    FROM `{dataset}.occurrences_issues_history` WHERE snoozed
    UNION ALL
    SELECT CONCAT('issue ', CAST(id AS STRING)), snooze_reason, valid_from,
      LEAST(COALESCE(valid_to, TIMESTAMP '9999-12-31'),
        COALESCE(TIMESTAMP(snooze_until), TIMESTAMP '9999-12-31'))
    FROM `{dataset}.issues_history` WHERE snoozed
  ),
  spans AS (
    SELECT a.finding_id, a.goal_days, a.opened_at, a.detected_at, a.given, s.snooze_reason,
      GREATEST(s.since, a.opened_at) AS since, LEAST(s.until, a.until) AS until
    FROM asked AS a
    CROSS JOIN UNNEST([
      CONCAT('occurrence ', a.entity_key), CONCAT('issue ', CAST(a.issue_id AS STRING))
    ]) AS name
    LEFT JOIN snoozes AS s
      ON s.whose = name AND a.detected_at IS NOT NULL AND s.since < a.until
      AND s.until > s.since AND s.until > a.opened_at
  ),
  -- Where two overlap, the later one counts from the end of the earlier one.
  apart AS (
    SELECT *, GREATEST(since, COALESCE(MAX(until) OVER (
        PARTITION BY finding_id ORDER BY since, until
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), since)) AS stopped_at
    FROM spans
  ),
  stops AS (
    SELECT *, GREATEST(TIMESTAMP_DIFF(until, stopped_at, SECOND), 0) AS seconds,
      TIMESTAMP_DIFF(stopped_at, opened_at, SECOND) - COALESCE(SUM(
        GREATEST(TIMESTAMP_DIFF(until, stopped_at, SECOND), 0)
      ) OVER (
        PARTITION BY finding_id ORDER BY since, until
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), 0) AS run
    FROM apart
  )
  SELECT finding_id, goal_days,
    MIN(IF(snooze_reason IN ('ACCEPT_RISK', 'FALSE_POSITIVE'), since, NULL)) AS accepted_at,
    CASE
      WHEN detected_at IS NULL AND given IS NOT NULL THEN given  -- the API's own goal
      -- It is snoozed without an end, so nobody knows.
      WHEN LOGICAL_OR(run < goal_days * 86400 AND until = TIMESTAMP '9999-12-31') THEN NULL
      ELSE TIMESTAMP_ADD(opened_at, INTERVAL
        goal_days * 86400 + COALESCE(SUM(IF(run < goal_days * 86400, seconds, 0)), 0) SECOND)
    END AS due_at
  FROM stops
  GROUP BY finding_id, goal_days, opened_at, detected_at, given
) AS present
WHERE known.finding_id = present.finding_id
