-- How many issues are to do at this moment, which is in the answer so that no other query asks for it.
SELECT CURRENT_TIMESTAMP() AS now, COUNT(*) AS issues, COUNTIF(severity = 'critical') AS critical,
  COUNTIF(severity = 'high') AS high
FROM `{dataset}.open_issues` WHERE to_do
