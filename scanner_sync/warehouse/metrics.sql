-- The measures of each week that is not final, by severity, merged into `remediation_metrics`.
--
-- A week is final eight days after its end. What is learned about it later is in `corrected` of the
-- first week that is not final. A new table begins with the first date that the API gives, if it
-- lists what was fixed; otherwise the past would only rise, so it begins with the first sync.
MERGE `{dataset}.remediation_metrics` AS known
USING (
  WITH
  written AS (
    SELECT MIN(week) AS first_week, MAX(week) AS last_week FROM `{dataset}.remediation_metrics`
  ),
  synced AS (
    SELECT MIN(synced_at) AS first_sync,
      LOGICAL_OR('fixed_occurrences' IN UNNEST(tables)) AS has_fixes
    FROM `{dataset}.syncs`
  ),
  begun AS (
    SELECT MIN(opened_at) AS first_opened FROM `{dataset}.findings`
  ),
  bounds AS (
    SELECT last_week, first_sync,
      IF(last_week IS NULL,
        IF(has_fixes AND first_opened < first_sync, GREATEST(
            DATE(first_opened), DATE_SUB(DATE(instant), INTERVAL 10 YEAR)), DATE(first_sync)),
        GREATEST(first_week, LEAST(
            DATE_ADD(last_week, INTERVAL 7 DAY), DATE_SUB(DATE(instant), INTERVAL 15 DAY)))
      ) AS first_day
    FROM written CROSS JOIN synced CROSS JOIN begun
  ),
  weeks AS (
    SELECT *, TIMESTAMP_SUB(week_to, INTERVAL 182 DAY) AS watched_from
    FROM (
      SELECT week, first_sync, TIMESTAMP(week) AS week_from,
        -- What happened at the instant of this sync counts.
        LEAST(TIMESTAMP(DATE_ADD(week, INTERVAL 7 DAY)),
          TIMESTAMP_ADD(instant, INTERVAL 1 MICROSECOND)) AS week_to
      FROM bounds, UNNEST(GENERATE_DATE_ARRAY(
        -- The Monday before, as 0001-01-01 was one.
        DATE_SUB(first_day, INTERVAL MOD(DATE_DIFF(first_day, DATE '0001-01-01', DAY), 7) DAY),
        DATE(instant), INTERVAL 7 DAY
      )) AS week
      WHERE last_week IS NULL OR week > last_week
        OR TIMESTAMP_ADD(TIMESTAMP(week), INTERVAL 15 DAY) > instant
    )
  ),
  grouped AS (
    SELECT grouped_by AS severity, f.entity_key, f.issue_id, f.opened_at, f.detected_at, f.closed_at,
      f.close_reason, f.due_at, GREATEST(f.due_at, f.opened_at) AS due_from, f.accepted_at,
      f.times_reopened, f.target_status,
      f.close_reason IN ('fixed', 'not_reported') AS is_fix
    FROM `{dataset}.findings` AS f
    CROSS JOIN UNNEST(['all', COALESCE(NULLIF(f.severity, ''), 'none')]) AS grouped_by
    WHERE f.opened_at IS NOT NULL
  ),
  severities AS (
    SELECT severity FROM grouped
    UNION DISTINCT
    SELECT severity FROM `{dataset}.remediation_metrics`
  ),
  -- Who was snoozed at the end of a week. The state of what is gone lasts until it is back, or as long
  -- as its finding.
  snoozed_occurrences AS (
    SELECT DISTINCT w.week, h.entity_key
    FROM weeks AS w CROSS JOIN (
      SELECT entity_key, snoozed, snooze_until, valid_from,
        LEAD(valid_from) OVER (PARTITION BY entity_key ORDER BY valid_from) AS next_from
      FROM `{dataset}.occurrences_issues_history`
    ) AS h
    WHERE h.snoozed AND h.valid_from < w.week_to AND COALESCE(h.next_from >= w.week_to, TRUE)
      AND COALESCE(TIMESTAMP(h.snooze_until) >= w.week_to, TRUE)
  ),
  snoozed_issues AS (
    SELECT DISTINCT w.week, i.id
    FROM weeks AS w CROSS JOIN (
      SELECT id, snoozed, snooze_until, valid_from,
        LEAD(valid_from) OVER (PARTITION BY id ORDER BY valid_from) AS next_from
      FROM `{dataset}.issues_history`
    ) AS i
    WHERE i.snoozed AND i.valid_from < w.week_to AND COALESCE(i.next_from >= w.week_to, TRUE)
      AND COALESCE(TIMESTAMP(i.snooze_until) >= w.week_to, TRUE)
  ),
  -- Each finding in each week in which it was open, or closed, or due.
  present AS (
    SELECT w.week, g.severity, g.times_reopened > 0 AS is_again, g.close_reason,
      g.opened_at < w.week_to AND COALESCE(g.closed_at >= w.week_to, TRUE) AS is_open,
      g.opened_at >= w.week_from AND g.opened_at < w.week_to AS is_opened,
      COALESCE(g.closed_at >= w.week_from AND g.closed_at < w.week_to, FALSE) AS is_closed,
      g.is_fix AND g.closed_at >= w.week_from AND g.closed_at < w.week_to AS is_fixed,
      COALESCE(g.due_from >= w.week_from AND g.due_from < w.week_to
        AND (g.is_fix OR COALESCE(g.closed_at >= g.due_from, TRUE)), FALSE) AS is_due,
      COALESCE(g.is_fix AND g.closed_at <= g.due_at, FALSE) AS is_met, g.due_at IS NOT NULL AS has_goal,
      COALESCE(g.due_at < w.week_to AND COALESCE(g.target_status, '') != 'deleted', FALSE)
        AND o.entity_key IS NULL AND i.id IS NULL AS is_late,
      TIMESTAMP_DIFF(IF(COALESCE(g.closed_at < w.week_to, FALSE), g.closed_at, w.week_to), g.opened_at,
        SECOND) / 86400 AS days
    FROM weeks AS w
    JOIN grouped AS g ON g.opened_at < w.week_to AND (
      COALESCE(g.closed_at >= w.week_from, TRUE)
      OR COALESCE(g.due_from >= w.week_from AND g.due_from < w.week_to, FALSE)
    )
    LEFT JOIN snoozed_occurrences AS o ON o.week = w.week AND o.entity_key = g.entity_key
    LEFT JOIN snoozed_issues AS i ON i.week = w.week AND i.id = g.issue_id
  ),
  counted AS (
    SELECT week, severity, COUNTIF(is_open) AS open, COUNTIF(is_opened) AS opened,
      COUNTIF(is_closed) AS closed, COUNTIF(is_closed AND close_reason = 'fixed') AS fixed,
      COUNTIF(is_closed AND close_reason = 'not_reported') AS not_reported,
      COUNTIF(is_opened AND is_again) AS reopened,
      AVG(IF(is_fixed, days, NULL)) AS mean_days_to_fix,
      ARRAY_AGG(IF(is_fixed, days, NULL) IGNORE NULLS ORDER BY days) AS days_to_fix,
      AVG(IF(is_open, days, NULL)) AS mean_days_open,
      COUNTIF(is_due) AS due, COUNTIF(is_due AND is_met) AS met,
      SAFE_DIVIDE(COUNTIF(is_due AND is_met), COUNTIF(is_due)) AS share_in_time,
      SAFE_DIVIDE(COUNTIF(is_fixed AND is_met), COUNTIF(is_fixed AND has_goal)) AS fixed_in_time,
      COUNTIF(is_open AND is_late) AS overdue
    FROM present GROUP BY week, severity
  ),
  -- The 26 weeks that end with a week: a finding is at risk from when a sync first saw it, or from
  -- when they begin, until it closes, or is accepted, or they end.
  watched AS (
    SELECT w.week, g.severity,
      UNIX_MICROS(GREATEST(g.detected_at, w.watched_from)) - UNIX_MICROS(g.opened_at) AS age_from,
      UNIX_MICROS(LEAST(COALESCE(g.closed_at, w.week_to), COALESCE(g.accepted_at, w.week_to),
        w.week_to)) - UNIX_MICROS(g.opened_at) AS age_to,
      COALESCE(g.closed_at < w.week_to AND g.closed_at <= COALESCE(g.accepted_at, g.closed_at), FALSE)
        AS is_closed,
      g.is_fix
    FROM weeks AS w JOIN grouped AS g ON g.detected_at < w.week_to
      AND COALESCE(g.closed_at > w.watched_from, TRUE)
  ),
  ages AS (
    SELECT week, severity, age, SUM(IF(is_end, 0, 1)) AS entered, SUM(IF(is_end, 1, 0)) AS left_risk,
      COUNTIF(is_end AND is_closed AND is_fix) AS fixed,
      COUNTIF(is_end AND is_closed AND NOT is_fix) AS removed
    FROM watched CROSS JOIN UNNEST([FALSE, TRUE]) AS is_end
    CROSS JOIN UNNEST([IF(is_end, age_to, age_from)]) AS age
    WHERE age_to > age_from
    GROUP BY week, severity, age
  ),
  risks AS (
    SELECT week, severity, age, fixed, removed, SUM(entered - left_risk) OVER (
        PARTITION BY week, severity ORDER BY age ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS at_risk
    FROM ages
  ),
  -- The product-limit estimates: of those that were open for so long, how many were fixed then, and
  -- how many ended.
  survival AS (
    SELECT week, severity, age, fixed / at_risk AS hazard,
      EXP(SUM(LN(GREATEST(1 - fixed / at_risk, 1e-300))) OVER (
        PARTITION BY week, severity ORDER BY age)) AS unfixed,
      EXP(SUM(LN(GREATEST(1 - (fixed + removed) / at_risk, 1e-300))) OVER (
        PARTITION BY week, severity ORDER BY age)) AS open_after
    FROM risks WHERE at_risk > 0
  ),
  incidence AS (
    SELECT *, hazard * COALESCE(LAG(open_after) OVER (PARTITION BY week, severity ORDER BY age), 1)
        AS fixed_then
    FROM survival
  ),
  estimates AS (
    SELECT week, severity, MIN(IF(unfixed < 0.5 + 1e-9, age, NULL)) / 86400000000 AS median,
      IF(MAX(age) >= 90 * 86400000000 OR MIN(open_after) < 1e-9,
        SUM(IF(age <= 90 * 86400000000, fixed_then, 0)), NULL) AS share_fixed
    FROM incidence GROUP BY week, severity
  ),
  measured AS (
    SELECT w.week, w.first_sync, s.severity, COALESCE(c.open, 0) AS open,
      COALESCE(c.opened, 0) AS opened, COALESCE(c.closed, 0) AS closed, COALESCE(c.fixed, 0) AS fixed,
      COALESCE(c.not_reported, 0) AS not_reported, COALESCE(c.reopened, 0) AS reopened,
      c.mean_days_to_fix, (
        c.days_to_fix[SAFE_OFFSET(DIV(ARRAY_LENGTH(c.days_to_fix) - 1, 2))]
        + c.days_to_fix[SAFE_OFFSET(DIV(ARRAY_LENGTH(c.days_to_fix), 2))]
      ) / 2 AS median_days_to_fix, e.median AS kaplan_meier_days_to_fix,
      e.share_fixed AS share_fixed_90_days, c.mean_days_open, COALESCE(c.due, 0) AS due,
      COALESCE(c.met, 0) AS met, c.share_in_time, c.fixed_in_time, COALESCE(c.overdue, 0) AS overdue
    FROM weeks AS w CROSS JOIN severities AS s
    LEFT JOIN counted AS c ON c.week = w.week AND c.severity = s.severity
    LEFT JOIN estimates AS e ON e.week = w.week AND e.severity = s.severity
  )
  SELECT m.*, m.open - m.opened + m.closed - COALESCE(
      LAG(m.open) OVER (PARTITION BY m.severity ORDER BY m.week), b.open, 0) AS corrected,
    TIMESTAMP_ADD(TIMESTAMP(m.week), INTERVAL 7 DAY) <= m.first_sync AS reconstructed
  FROM measured AS m LEFT JOIN `{dataset}.remediation_metrics` AS b
    ON b.week = DATE_SUB(m.week, INTERVAL 7 DAY) AND b.severity = m.severity
) AS present
ON known.week = present.week AND known.severity = present.severity
WHEN MATCHED THEN UPDATE SET
  open = present.open, opened = present.opened, closed = present.closed,
  corrected = present.corrected, fixed = present.fixed, not_reported = present.not_reported,
  reopened = present.reopened, mean_days_to_fix = present.mean_days_to_fix,
  median_days_to_fix = present.median_days_to_fix,
  kaplan_meier_days_to_fix = present.kaplan_meier_days_to_fix,
  share_fixed_90_days = present.share_fixed_90_days, mean_days_open = present.mean_days_open,
  due = present.due, met = present.met, share_in_time = present.share_in_time,
  fixed_in_time = present.fixed_in_time, overdue = present.overdue,
  reconstructed = present.reconstructed, measured_at = instant
WHEN NOT MATCHED BY TARGET THEN INSERT (
  week, severity, open, opened, closed, corrected, fixed, not_reported, reopened, mean_days_to_fix,
  median_days_to_fix, kaplan_meier_days_to_fix, share_fixed_90_days, mean_days_open, due, met,
  share_in_time, fixed_in_time, overdue, reconstructed, measured_at
) VALUES (
  present.week, present.severity, present.open, present.opened, present.closed, present.corrected,
  present.fixed, present.not_reported, present.reopened, present.mean_days_to_fix,
  present.median_days_to_fix, present.kaplan_meier_days_to_fix, present.share_fixed_90_days,
  present.mean_days_open, present.due, present.met, present.share_in_time, present.fixed_in_time,
  present.overdue, present.reconstructed, instant
)
