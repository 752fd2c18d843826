-- The ten targets with the worst to do. The order is the one of tags.sql; the address comes last, so that
-- the page is the same each time.
SELECT host AS target, COUNTIF(to_do) AS to_do, COUNT(DISTINCT issue_id) AS issues,
  COUNTIF(overdue) AS overdue, COUNTIF(in_kev) AS exploited,
  COUNTIF(severity = 'critical') AS critical, COUNTIF(severity = 'high') AS high,
  COUNTIF(severity = 'medium') AS medium, COUNTIF(severity = 'low') AS low,
  ANY_VALUE(tags) AS tags, ROW_NUMBER() OVER (
    ORDER BY COUNTIF(in_kev) DESC, COUNTIF(severity = 'critical') DESC, COUNTIF(severity = 'high') DESC,
      COUNTIF(overdue) DESC, COUNT(*) DESC, host
  ) AS place
FROM `{dataset}.open_findings` WHERE to_do AND host IS NOT NULL
GROUP BY host
ORDER BY place LIMIT 10
