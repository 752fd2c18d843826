-- When the histories begin and when they last changed, and when the first and the last sync were. All
-- of it is null in an account in which nothing was ever seen.
--
-- A sync counts once: a sync that found nothing has no load, and a sync that no finding depends on has
-- no row in `syncs`. syncs.sql counts the same ones.
WITH states AS (
  SELECT valid_from, valid_to FROM `{dataset}.issues_history`
  UNION ALL
  SELECT valid_from, valid_to FROM `{dataset}.occurrences_issues_history`
  UNION ALL
  SELECT valid_from, valid_to FROM `{dataset}.targets_history`
),
ended AS (
  SELECT synced_at AS ended_at FROM `{dataset}.syncs`
  UNION ALL
  SELECT inserted_at FROM `{dataset}._dlt_loads`
  WHERE status = 0
    AND load_id NOT IN (SELECT load_id FROM `{dataset}.syncs` WHERE load_id IS NOT NULL)
)
SELECT
  (SELECT MIN(valid_from) FROM states) AS first_state,
  (SELECT MAX(IF(valid_to > valid_from, valid_to, valid_from)) FROM states) AS last_state,
  MIN(ended_at) AS first_sync, MAX(ended_at) AS last_sync
FROM ended
