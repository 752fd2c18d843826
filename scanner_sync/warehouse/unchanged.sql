-- The row of a sync that found everything as the one before it, if that is the last one in `syncs`, and
-- if it is too early for time to have changed something.
INSERT INTO `{dataset}.syncs` (
  synced_at, load_id, tables, unread_issues, read_issues, empty_issues, open_before, disappeared, is_held, dates_not_believed,
  scanned_since, scanned_targets
)
WITH
listed AS (
  SELECT CAST(JSON_VALUE(item, '$[0]') AS INT64) AS issue_id,
    CAST(JSON_VALUE(item, '$[1]') AS INT64) AS row_count
  FROM UNNEST(JSON_QUERY_ARRAY(@listed)) AS item
),
before AS (
  SELECT MAX(synced_at) AS synced_at, MAX_BY(dates_not_believed, synced_at) AS dates_not_believed,
    GREATEST(CURRENT_TIMESTAMP(), TIMESTAMP_ADD(MAX(synced_at), INTERVAL 1 MICROSECOND)) AS instant
  FROM `{dataset}.syncs`
),
present AS (
  SELECT COUNT(*) AS open_before FROM `{dataset}.occurrences_issues_history` WHERE valid_to IS NULL
)
SELECT instant, '', JSON_VALUE_ARRAY(@tables),
  ARRAY(SELECT issue_id FROM listed WHERE FALSE),
  ARRAY(SELECT issue_id FROM listed WHERE FALSE),
  ARRAY(SELECT issue_id FROM listed WHERE row_count = 0),
  open_before, 0, FALSE, dates_not_believed,
  CAST(JSON_VALUE(@scanned, '$.since') AS DATE),
  ARRAY(SELECT CAST(id AS INT64) FROM UNNEST(JSON_VALUE_ARRAY(@scanned, '$.targets')) AS id)
FROM before CROSS JOIN present
WHERE instant < @until AND synced_at <= @known
