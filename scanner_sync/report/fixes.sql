-- How many days the fixes since `start` took, and which share of them was in time, a row for each severity.
-- Each row also has the figures of all severities together: a median of medians is none.
SELECT severity, fixed, not_reported, mean, quarter, median, three_quarters, in_time,
  all_fixed, all_not_reported, all_median, all_in_time
FROM (
  SELECT severity, COUNT(*) OVER one AS fixed, SUM(is_undated) OVER one AS not_reported,
    AVG(days) OVER one AS mean, PERCENTILE_CONT(days, 0.25) OVER one AS quarter,
    PERCENTILE_CONT(days, 0.5) OVER one AS median,
    PERCENTILE_CONT(days, 0.75) OVER one AS three_quarters, AVG(is_met) OVER one AS in_time,
    COUNT(*) OVER () AS all_fixed, SUM(is_undated) OVER () AS all_not_reported,
    PERCENTILE_CONT(days, 0.5) OVER () AS all_median, AVG(is_met) OVER () AS all_in_time
  FROM (
    SELECT COALESCE(NULLIF(severity, ''), 'none') AS severity,
      TIMESTAMP_DIFF(closed_at, opened_at, SECOND) / 86400 AS days,
      CAST(met_sla AS INT64) AS is_met, IF(close_reason = 'not_reported', 1, 0) AS is_undated
    FROM `{dataset}.findings`
    WHERE closed_at >= @start AND close_reason IN ('fixed', 'not_reported')
      AND opened_at IS NOT NULL
  )
  WINDOW one AS (PARTITION BY severity)
)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
