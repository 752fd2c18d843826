-- How many issues the last sync listed, by when their occurrences were read: by the latest sync that read
-- any, earlier, or never.
WITH
-- A sync that read all of them and found nothing new has its row in `syncs` alone.
whole AS (
  SELECT MAX(synced_at) AS read_at FROM `{dataset}.syncs`
  WHERE 'occurrences_issues' IN UNNEST(tables)
    AND COALESCE(ARRAY_LENGTH(unread_issues), 0) + COALESCE(ARRAY_LENGTH(read_issues), 0) = 0
),
reads AS (
  SELECT r.`rows`, IF(whole.read_at > r.read_at, whole.read_at, r.read_at) AS read_at
  FROM `{dataset}.occurrence_reads` AS r CROSS JOIN whole
)
SELECT COUNT(*) AS listed, COUNTIF(r.read_at = l.latest_at) AS latest,
  COUNTIF(r.read_at < l.latest_at) AS earlier, COUNTIF(r.read_at IS NULL) AS never,
  MAX(r.read_at) AS latest_at, MIN(r.read_at) AS oldest_at, COUNTIF(r.`rows` = 0) AS empty
FROM reads AS r
CROSS JOIN (SELECT MAX(read_at) AS latest_at FROM reads) AS l
