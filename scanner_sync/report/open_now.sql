-- What is open at this moment, by severity. Each count of findings has one of their issues beside it.
-- Deadlines and ages are of the findings that are to do: not snoozed, and not on a deleted target.
WITH by_issue AS (
  SELECT COALESCE(NULLIF(severity, ''), 'none') AS severity, issue_id, COUNT(*) AS open,
    COUNTIF(snoozed) AS snoozed, COUNTIF(to_do) AS to_do, COUNTIF(overdue) AS overdue,
    COUNTIF(to_do AND due_at >= @now AND due_at < @in_a_week) AS due,
    COUNTIF(to_do AND in_kev) AS exploited, COUNTIF(to_do AND in_kev IS NOT NULL) AS looked_up,
    COUNTIF(to_do AND epss IS NOT NULL) AS scored,
    COUNTIF(to_do AND exploit_likelihood = 'known') AS likely,
    SUM(IF(to_do, days_open, NULL)) AS age, COUNT(IF(to_do, days_open, NULL)) AS aged,
    MAX(IF(to_do, days_open, NULL)) AS oldest
  FROM `{dataset}.open_findings` GROUP BY 1, issue_id
)
SELECT severity, SUM(open) AS open, COUNT(issue_id) AS open_issues, SUM(snoozed) AS snoozed,
  SUM(to_do) AS to_do, COUNT(IF(to_do > 0, issue_id, NULL)) AS to_do_issues,
  SUM(overdue) AS overdue, COUNT(IF(overdue > 0, issue_id, NULL)) AS overdue_issues,
  SUM(due) AS due, COUNT(IF(due > 0, issue_id, NULL)) AS due_issues,
  SUM(exploited) AS exploited, COUNT(IF(exploited > 0, issue_id, NULL)) AS exploited_issues,
  SUM(looked_up) AS looked_up, SUM(scored) AS scored,
  SUM(likely) AS likely, COUNT(IF(likely > 0, issue_id, NULL)) AS likely_issues,
  SAFE_DIVIDE(SUM(age), SUM(aged)) AS mean_age, MAX(oldest) AS oldest
FROM by_issue GROUP BY severity
