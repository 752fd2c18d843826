-- What is open at this moment, by severity. Each count of findings has one of their issues beside it.
-- Deadlines and ages are of the findings that are to do: not snoozed, and not on a deleted target.
SELECT COALESCE(NULLIF(severity, ''), 'none') AS severity,
  COUNT(*) AS open, COUNT(DISTINCT issue_id) AS open_issues,
  COUNTIF(snoozed) AS snoozed,
  COUNTIF(to_do) AS to_do, COUNT(DISTINCT IF(to_do, issue_id, NULL)) AS to_do_issues,
  COUNTIF(overdue) AS overdue, COUNT(DISTINCT IF(overdue, issue_id, NULL)) AS overdue_issues,
  COUNTIF(is_due) AS due, COUNT(DISTINCT IF(is_due, issue_id, NULL)) AS due_issues,
  COUNTIF(to_do AND in_kev) AS exploited,
  COUNT(DISTINCT IF(to_do AND in_kev, issue_id, NULL)) AS exploited_issues,
  COUNTIF(to_do AND in_kev IS NOT NULL) AS looked_up,
  COUNTIF(to_do AND epss IS NOT NULL) AS scored,
  COUNTIF(to_do AND exploit_likelihood = 'known') AS likely,
  COUNT(DISTINCT IF(to_do AND exploit_likelihood = 'known', issue_id, NULL)) AS likely_issues,
  AVG(IF(to_do, days_open, NULL)) AS mean_age, MAX(IF(to_do, days_open, NULL)) AS oldest
FROM (
  SELECT *, to_do AND due_at >= @now AND due_at < @in_a_week AS is_due
  FROM `{dataset}.open_findings`
)
GROUP BY 1
