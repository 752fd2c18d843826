-- The instant of a sync: the time of BigQuery, and later than the instant of any sync before. No clock of
-- another machine is involved, so the instants of any two syncs are in order.
SELECT GREATEST(CURRENT_TIMESTAMP(), COALESCE((
  SELECT TIMESTAMP_ADD(MAX(moment), INTERVAL 1 MICROSECOND)
  FROM (
    SELECT MAX(synced_at) AS moment FROM `{dataset}.syncs`
    UNION ALL
    SELECT MAX(COALESCE(read_at, listed_at)) FROM `{dataset}.occurrence_reads`
    UNION ALL
    SELECT MAX(GREATEST(valid_from, COALESCE(valid_to, valid_from)))
    FROM `{dataset}.issues_history`
    UNION ALL
    SELECT MAX(GREATEST(valid_from, COALESCE(valid_to, valid_from)))
    FROM `{dataset}.occurrences_issues_history`
    UNION ALL
    SELECT MAX(GREATEST(valid_from, COALESCE(valid_to, valid_from)))
    FROM `{dataset}.targets_history`
  )
), CURRENT_TIMESTAMP()))
