-- The issues that are open, with the words of what to do about them.
SELECT l.id, l.title, l.severity, l.severity_rank, l.in_kev, l.epss, l.snoozed, l.to_do,
  i.exploit_likelihood, i.cvss_score, l.findings, l.open_findings, l.opened_at, l.times_reopened,
  l.days_open, l.due_at, l.overdue, i.description, i.remediation
FROM `{dataset}.issue_lifecycle` AS l LEFT JOIN `{dataset}.issues` AS i ON i.id = l.id
WHERE l.closed_at IS NULL
