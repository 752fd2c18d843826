-- Brings `occurrence_reads` up to date with the issues that a sync listed: an issue that was read
-- gets the time of the sync, `instant`, and one that is listed no more has no row.
MERGE `{dataset}.occurrence_reads` AS past
USING (
  SELECT CAST(JSON_VALUE(item, '$[0]') AS INT64) AS issue_id,
    CAST(JSON_VALUE(item, '$[1]') AS INT64) AS row_count,
    JSON_VALUE(item, '$[2]') AS issue_hash
  FROM UNNEST(JSON_QUERY_ARRAY(@listed)) AS item
) AS present
ON past.issue_id = present.issue_id
WHEN MATCHED AND present.row_count IS NOT NULL THEN
  UPDATE SET read_at = instant, `rows` = present.row_count, issue_hash = present.issue_hash
WHEN MATCHED AND present.issue_hash = '' THEN
  UPDATE SET issue_hash = NULL
WHEN NOT MATCHED BY TARGET THEN
  INSERT (issue_id, listed_at, read_at, `rows`, issue_hash)
  VALUES (present.issue_id, instant, IF(present.row_count IS NULL, NULL, instant),
    present.row_count, IF(present.row_count IS NULL, NULL, present.issue_hash))
WHEN NOT MATCHED BY SOURCE THEN
  DELETE
