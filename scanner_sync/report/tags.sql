-- The ten tags with the worst to do, and how long the fixes since `start` took on their targets. The order
-- is the one of targets.sql.
WITH found AS (
  SELECT tag, severity, days_open AS days, to_do, overdue, in_kev, issue_id, FALSE AS is_fixed
  FROM `{dataset}.open_findings` CROSS JOIN UNNEST(tags) AS tag
  UNION ALL
  SELECT tag, NULL, TIMESTAMP_DIFF(closed_at, opened_at, SECOND) / 86400, FALSE, FALSE, FALSE, NULL,
    TRUE
  FROM `{dataset}.findings` CROSS JOIN UNNEST(tags) AS tag
  WHERE closed_at >= @start AND close_reason IN ('fixed', 'not_reported')
    AND opened_at IS NOT NULL
),
measured AS (
  SELECT *, PERCENTILE_CONT(IF(is_fixed, days, NULL), 0.5) OVER (PARTITION BY tag) AS median
  FROM found
)
SELECT * FROM (
  SELECT tag, COUNTIF(to_do) AS to_do, COUNT(DISTINCT IF(to_do, issue_id, NULL)) AS issues,
    COUNTIF(to_do AND in_kev) AS exploited, COUNTIF(to_do AND severity = 'critical') AS critical,
    COUNTIF(to_do AND severity = 'high') AS high, COUNTIF(overdue) AS overdue,
    AVG(IF(to_do, days, NULL)) AS mean_age, COUNTIF(is_fixed) AS fixed, median
  FROM measured GROUP BY tag, median
)
WHERE to_do > 0
ORDER BY exploited DESC, critical DESC, high DESC, overdue DESC, to_do DESC, tag LIMIT 10
