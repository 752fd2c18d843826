-- What arrived, how many entities of each history were opened, closed and changed, what was missed, and
-- how old the occurrences are. One row for each history, by the table whose states it keeps.
SELECT *, arrived AS arrived, instant AS instant, CURRENT_TIMESTAMP() AS ended
FROM (
  SELECT table_name,
    COUNTIF(began > 0 AND ended = 0) AS opened,
    COUNTIF(began = 0 AND ended > 0) AS closed,
    COUNTIF(began > 0 AND ended > 0) AS changed
  FROM UNNEST(['issues', 'occurrences_issues', 'targets']) AS table_name
  LEFT JOIN (
    SELECT 'issues' AS table_name, COUNTIF(valid_from = instant) AS began,
      COUNTIF(valid_to = instant) AS ended
    FROM `{dataset}.issues_history`
    WHERE valid_from = instant OR valid_to = instant GROUP BY entity_key
    UNION ALL
    SELECT 'occurrences_issues', COUNTIF(valid_from = instant), COUNTIF(valid_to = instant)
    FROM `{dataset}.occurrences_issues_history`
    WHERE valid_from = instant OR valid_to = instant GROUP BY entity_key
    UNION ALL
    SELECT 'targets', COUNTIF(valid_from = instant), COUNTIF(valid_to = instant)
    FROM `{dataset}.targets_history`
    WHERE valid_from = instant OR valid_to = instant GROUP BY entity_key
  ) USING (table_name)
  GROUP BY table_name
)
CROSS JOIN (
  SELECT IF(COUNTIF(read_at IS NULL) = 0, MIN(read_at), NULL) AS oldest_read_at,
    TIMESTAMP_DIFF(instant, MIN(COALESCE(read_at, listed_at)), SECOND) / 3600 AS oldest_hours
  FROM `{dataset}.occurrence_reads`
)
CROSS JOIN (
  -- One row at most: a sync that no finding depends on has none.
  SELECT MAX(open_before) AS open_before, MAX(disappeared) AS disappeared,
    LOGICAL_OR(is_held) AS is_held, MAX(dates_not_believed) AS dates_not_believed
  FROM `{dataset}.syncs` WHERE synced_at = instant
)
