-- When the histories begin and when they last changed, when the first and the last sync were, how many
-- succeeded in the seven days before `now`, and the longest time between one of these and the one before
-- it, in seconds. The times are null in an account in which nothing was ever seen.
--
-- A sync counts once: a sync that found nothing has no load, and a sync that no finding depends on has
-- no row in `syncs`.
WITH states AS (
  SELECT valid_from, valid_to FROM `{dataset}.issues_history`
  UNION ALL
  SELECT valid_from, valid_to FROM `{dataset}.occurrences_issues_history`
  UNION ALL
  SELECT valid_from, valid_to FROM `{dataset}.targets_history`
),
seen AS (
  SELECT MIN(valid_from) AS first_state,
    MAX(IF(valid_to > valid_from, valid_to, valid_from)) AS last_state
  FROM states
),
ended AS (
  SELECT synced_at AS ended_at FROM `{dataset}.syncs`
  UNION ALL
  SELECT inserted_at FROM `{dataset}._dlt_loads`
  WHERE status = 0
    AND load_id NOT IN (SELECT load_id FROM `{dataset}.syncs` WHERE load_id IS NOT NULL)
),
-- A machine that dates loads may have a clock ahead of `now`.
measured AS (
  SELECT ended_at, TIMESTAMP_DIFF(ended_at, LAG(ended_at) OVER (ORDER BY ended_at), SECOND) AS gap,
    ended_at > TIMESTAMP_SUB(GREATEST(@now, MAX(ended_at) OVER ()), INTERVAL 7 DAY) AS is_recent
  FROM ended
)
SELECT *
FROM seen CROSS JOIN (
  SELECT MIN(ended_at) AS first_sync, MAX(ended_at) AS last_sync, COUNTIF(is_recent) AS syncs,
    MAX(IF(is_recent, gap, NULL)) AS longest_gap
  FROM measured
)
