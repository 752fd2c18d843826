-- How many syncs succeeded since `week_ago`, and the longest time between one of them and the one before
-- it, in seconds. period.sql says which ones there are.
WITH ended AS (
  SELECT synced_at AS ended_at FROM `{dataset}.syncs`
  UNION ALL
  SELECT inserted_at FROM `{dataset}._dlt_loads`
  WHERE status = 0
    AND load_id NOT IN (SELECT load_id FROM `{dataset}.syncs` WHERE load_id IS NOT NULL)
)
SELECT COUNT(*) AS syncs, MAX(gap) AS longest_gap
FROM (
  SELECT ended_at,
    TIMESTAMP_DIFF(ended_at, LAG(ended_at) OVER (ORDER BY ended_at), SECOND) AS gap
  FROM ended
)
WHERE ended_at > @week_ago
