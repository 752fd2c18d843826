-- The ten tags with the worst to do, and how long the fixes since `start` took on their targets. The order
-- is the one of targets.sql.
WITH tagged AS (
  SELECT tag, COUNT(*) AS to_do, COUNT(DISTINCT issue_id) AS issues, COUNTIF(in_kev) AS exploited,
    COUNTIF(severity = 'critical') AS critical, COUNTIF(severity = 'high') AS high,
    COUNTIF(overdue) AS overdue, AVG(days_open) AS mean_age
  FROM (SELECT * FROM `{dataset}.open_findings` WHERE to_do) CROSS JOIN UNNEST(tags) AS tag
  GROUP BY tag
),
fixes AS (
  SELECT DISTINCT tag, COUNT(*) OVER one AS fixed, PERCENTILE_CONT(days, 0.5) OVER one AS median
  FROM (
    SELECT tags, TIMESTAMP_DIFF(closed_at, opened_at, SECOND) / 86400 AS days
    FROM `{dataset}.findings`
    WHERE closed_at >= @start AND close_reason IN ('fixed', 'not_reported')
      AND opened_at IS NOT NULL
  ) CROSS JOIN UNNEST(tags) AS tag
  WINDOW one AS (PARTITION BY tag)
)
SELECT tag, to_do, issues, exploited, critical, high, overdue, mean_age,
  COALESCE(fixed, 0) AS fixed, median, ROW_NUMBER() OVER (
    ORDER BY exploited DESC, critical DESC, high DESC, overdue DESC, to_do DESC, tag
  ) AS place
FROM tagged LEFT JOIN fixes USING (tag)
ORDER BY place LIMIT 10
