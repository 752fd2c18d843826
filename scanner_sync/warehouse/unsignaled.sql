-- How many issues had changed that no signal had named, and in which field. Only issues that were read
-- count: what is listed no more is named by that.
SELECT COUNT(DISTINCT unnamed.issue_id) AS unsignaled,
  MIN(CASE
    WHEN was.entity_key IS NULL THEN 'appeared'
    WHEN now.entity_key IS NULL THEN 'disappeared'
    WHEN TO_JSON_STRING(was.issue_id) IS DISTINCT FROM TO_JSON_STRING(now.issue_id) THEN 'issue_id'
    WHEN TO_JSON_STRING(was.target) IS DISTINCT FROM TO_JSON_STRING(now.target) THEN 'target'
    WHEN TO_JSON_STRING(was.port) IS DISTINCT FROM TO_JSON_STRING(now.port) THEN 'port'
    WHEN TO_JSON_STRING(was.protocol) IS DISTINCT FROM TO_JSON_STRING(now.protocol) THEN 'protocol'
    WHEN TO_JSON_STRING(was.first_seen_at) IS DISTINCT FROM TO_JSON_STRING(now.first_seen_at) THEN 'first_seen_at'
    WHEN TO_JSON_STRING(was.cves) IS DISTINCT FROM TO_JSON_STRING(now.cves) THEN 'cves'
    WHEN TO_JSON_STRING(was.snoozed) IS DISTINCT FROM TO_JSON_STRING(now.snoozed) THEN 'snoozed'
    WHEN TO_JSON_STRING(was.snooze_reason) IS DISTINCT FROM TO_JSON_STRING(now.snooze_reason) THEN 'snooze_reason'
    WHEN TO_JSON_STRING(was.snooze_until) IS DISTINCT FROM TO_JSON_STRING(now.snooze_until) THEN 'snooze_until'
    WHEN TO_JSON_STRING(was.exploit_likelihood) IS DISTINCT FROM TO_JSON_STRING(now.exploit_likelihood) THEN 'exploit_likelihood'
    WHEN TO_JSON_STRING(was.cvss_score) IS DISTINCT FROM TO_JSON_STRING(now.cvss_score) THEN 'cvss_score'
  END) AS unsignaled_field
FROM (SELECT * FROM `{dataset}.occurrences_issues_history` WHERE valid_to = instant) AS was
FULL JOIN (SELECT * FROM `{dataset}.occurrences_issues_history` WHERE valid_from = instant) AS now
  ON was.entity_key = now.entity_key
JOIN (
  SELECT CAST(JSON_VALUE(item, '$[0]') AS INT64) AS issue_id
  FROM UNNEST(JSON_QUERY_ARRAY(@listed)) AS item
  WHERE JSON_VALUE(item, '$[1]') IS NOT NULL
    AND JSON_VALUE(item, '$[0]') NOT IN UNNEST(JSON_VALUE_ARRAY(@named))
) AS unnamed ON unnamed.issue_id IN (was.issue_id, now.issue_id)
