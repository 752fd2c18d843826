-- What is open, a row for each finding, with its age and whether it is to do and overdue at this moment.
-- It only selects: nothing here decides when a finding opened, closed or was due.
SELECT f.finding_id, f.occurrence_id, f.issue_id, f.times_reopened, f.title, f.severity,
  f.severity_rank, f.cvss_score, f.exploit_likelihood, f.cves, f.in_kev, f.kev_due_on, f.epss,
  f.host, f.port, f.protocol, f.target_id, f.target_type, f.target_status, f.tags, f.exposed,
  f.opened_at, f.detected_at, f.last_seen_at, f.snoozed, f.triage, f.snooze_until, f.due_rule,
  f.cve_to_fix, f.due_at,
  TIMESTAMP_DIFF(GREATEST(f.opened_at, CURRENT_TIMESTAMP()), f.opened_at, SECOND) / 86400
    AS days_open,
  NOT f.snoozed AND COALESCE(f.target_status, '') != 'deleted' AS to_do,
  NOT f.snoozed AND COALESCE(f.target_status, '') != 'deleted'
    AND COALESCE(f.due_at < CURRENT_TIMESTAMP(), FALSE) AS overdue,
  i.description, i.remediation
FROM (
  -- A snooze ends on its day, even if no sync has come since.
  SELECT * REPLACE (
    snoozed AND COALESCE(TIMESTAMP(snooze_until, 'UTC') > CURRENT_TIMESTAMP(), TRUE) AS snoozed,
    IF(COALESCE(TIMESTAMP(snooze_until, 'UTC') > CURRENT_TIMESTAMP(), TRUE), triage, 'open') AS triage)
  FROM `{dataset}.findings` WHERE closed_at IS NULL
) AS f
LEFT JOIN `{dataset}.issues` AS i ON i.id = f.issue_id
