-- The ten targets with the worst to do. The order is the one of tags.sql; the address comes last, so that
-- the page is the same each time.
SELECT *, ROW_NUMBER() OVER (
    ORDER BY exploited DESC, critical DESC, high DESC, overdue DESC, to_do DESC, target
  ) AS place
FROM (
  SELECT host AS target, COUNT(*) AS to_do, COUNT(DISTINCT issue_id) AS issues,
    COUNTIF(overdue) AS overdue, COUNTIF(in_kev) AS exploited,
    COUNTIF(severity = 'critical') AS critical, COUNTIF(severity = 'high') AS high,
    COUNTIF(severity = 'medium') AS medium, COUNTIF(severity = 'low') AS low,
    ANY_VALUE(tags) AS tags
  FROM `{dataset}.open_findings` WHERE to_do AND host IS NOT NULL
  GROUP BY host
)
ORDER BY place LIMIT 10
