-- The ten tags with the worst to do, and how long the fixes since `start` took on their targets. The order
-- is the one of targets.sql.
WITH tagged AS (
  SELECT tag, COUNTIF(to_do) AS to_do, COUNT(DISTINCT IF(to_do, issue_id, NULL)) AS issues,
    COUNTIF(to_do AND in_kev) AS exploited, COUNTIF(to_do AND severity = 'critical') AS critical,
    COUNTIF(to_do AND severity = 'high') AS high, COUNTIF(overdue) AS overdue,
    AVG(IF(to_do, days_open, NULL)) AS mean_age
  FROM `{dataset}.open_findings` CROSS JOIN UNNEST(tags) AS tag
  GROUP BY tag
),
fixes AS (
  SELECT DISTINCT tag, COUNT(*) OVER one AS fixed, PERCENTILE_CONT(days, 0.5) OVER one AS median
  FROM (
    SELECT tag, TIMESTAMP_DIFF(closed_at, opened_at, SECOND) / 86400 AS days
    FROM `{dataset}.findings` CROSS JOIN UNNEST(tags) AS tag
    WHERE closed_at >= @start AND close_reason IN ('fixed', 'not_reported')
      AND opened_at IS NOT NULL
  )
  WINDOW one AS (PARTITION BY tag)
)
SELECT tag, to_do, issues, exploited, critical, high, overdue, mean_age,
  COALESCE(fixed, 0) AS fixed, median, ROW_NUMBER() OVER (
    ORDER BY exploited DESC, critical DESC, high DESC, overdue DESC, to_do DESC, tag
  ) AS place
FROM tagged LEFT JOIN fixes USING (tag)
WHERE to_do > 0
ORDER BY place LIMIT 10
