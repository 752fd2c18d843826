-- What opened and was fixed since `week_ago`, and why findings closed since `start`, by severity. A finding
-- that closed has one of four reasons, and is fixed for two of them.
SELECT COALESCE(NULLIF(severity, ''), 'none') AS severity,
  COUNTIF(opened_at > @week_ago) AS opened_lately,
  COUNTIF(closed_at > @week_ago AND close_reason IN ('fixed', 'not_reported')) AS fixed_lately,
  COUNTIF(closed_at >= @start AND close_reason = 'fixed') AS fixed,
  COUNTIF(closed_at >= @start AND close_reason = 'not_reported') AS not_reported,
  COUNTIF(closed_at >= @start AND close_reason = 'target_removed') AS target_removed,
  COUNTIF(closed_at >= @start AND close_reason = 'target_not_scanned') AS target_not_scanned
FROM `{dataset}.findings` WHERE opened_at > @week_ago OR closed_at >= @start GROUP BY 1
