-- What to do first: the findings of an issue that are to do on a host are one action. Both lists of the
-- page come from here: the first ten of all, and the first ten of what is new since `week_ago`.
--
-- This order of what matters most is the one that the page explains: exploited in the wild and overdue,
-- exploited in the wild, a known exploit, EPSS, severity, deadline. The rest of it breaks ties, so that
-- the page is the same each time.
WITH grouped AS (
  SELECT issue_id, host, MAX(title) AS title, MAX(severity) AS severity,
    MIN(severity_rank) AS severity_rank, MAX(remediation) AS remediation,
    COUNT(*) AS findings, COUNTIF(opened_at > @week_ago) AS recent,
    ARRAY_AGG(DISTINCT COALESCE(port, -1)) AS ports,
    LOGICAL_OR(exposed) AS exposed, MIN(opened_at) AS opened_at, MIN(due_at) AS due_at,
    LOGICAL_OR(overdue) AS is_overdue, LOGICAL_OR(COALESCE(in_kev, FALSE)) AS in_kev,
    LOGICAL_OR(COALESCE(exploit_likelihood, '') = 'known') AS exploit_is_known,
    MIN(exploit_likelihood) AS exploit_likelihood, MAX(epss) AS epss,
    COALESCE(
      -- Of the greatest score, and of several the first by name. What it lacks to 3 has seven digits.
      SUBSTR(MIN(CONCAT(
        CAST(CAST((3 - IF(in_kev, 1, 0) - COALESCE(epss, 0)) * 1000000 AS INT64) AS STRING),
        cve_to_fix)), 8),
      MIN(cves[SAFE_OFFSET(0)])
    ) AS cve,
    MAX(ARRAY_LENGTH(cves)) AS cves
  FROM `{dataset}.open_findings` WHERE to_do GROUP BY issue_id, host
),
placed AS (
  SELECT *,
    ROW_NUMBER() OVER (
      ORDER BY is_overdue AND in_kev DESC, in_kev DESC, exploit_is_known DESC,
        COALESCE(epss, -1) DESC, severity_rank, due_at IS NULL, due_at, opened_at,
        COALESCE(host, ''), issue_id
    ) AS place,
    recent > 0 AND severity IN ('critical', 'high') AS is_new,
    COUNT(*) OVER () AS actions
  FROM grouped
),
numbered AS (
  SELECT *, SUM(IF(is_new, 1, 0)) OVER () AS all_new,
    ROW_NUMBER() OVER (PARTITION BY is_new ORDER BY place) AS place_of_kind
  FROM placed
)
SELECT issue_id, title, severity, host, ports, findings, exposed, opened_at, due_at, in_kev,
  exploit_likelihood, epss, cve, cves, remediation, actions, all_new, place, place <= 10 AS is_first,
  is_new AND place_of_kind <= 10 AS is_listed_as_new
FROM numbered WHERE place <= 10 OR (is_new AND place_of_kind <= 10)
