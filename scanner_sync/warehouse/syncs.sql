-- What this sync read, as evidence of what was absent, and how many occurrences it missed at once. Of
-- the issues that it read and those that it did not, only the fewer are kept.
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
share AS (SELECT 2 * COUNTIF(row_count IS NOT NULL) < COUNT(*) AS is_small FROM listed),
gone AS (
  SELECT occurrence_id, LOGICAL_AND(valid_to IS NOT NULL) AS is_gone, MAX(last_seen_at) AS last_seen_at
  FROM `{dataset}.occurrences_issues_history`
  WHERE valid_to IS NULL OR valid_to = instant
  GROUP BY entity_key, occurrence_id
  HAVING MIN(valid_from) < instant
),
fixes AS (
  SELECT occurrence_id, MAX(remediated_at) AS fixed_at
  FROM `{dataset}.fixed_occurrences` WHERE remediated_at <= instant GROUP BY occurrence_id
),
missed AS (
  SELECT COUNT(*) AS open_before,
    COUNTIF(is_gone AND COALESCE(
      TIMESTAMP_ADD(fixed_at, INTERVAL 1 HOUR) <= last_seen_at, TRUE)) AS disappeared
  FROM gone LEFT JOIN fixes USING (occurrence_id)
),
-- Dates of the API that cannot be true: before 1990, in the future, or after the sight of it.
doubtful AS (
  SELECT COUNTIF(first_seen_at < TIMESTAMP '1990-01-01' OR first_seen_at > valid_from) AS opened
  FROM `{dataset}.occurrences_issues_history` WHERE valid_to IS NULL
),
undated AS (
  SELECT COUNTIF(remediated_at < TIMESTAMP '1990-01-01' OR remediated_at > instant) AS fixed
  FROM `{dataset}.fixed_occurrences`
)
SELECT instant, this_load, JSON_VALUE_ARRAY(@tables),
  ARRAY(SELECT issue_id FROM listed CROSS JOIN share WHERE row_count IS NULL AND NOT is_small),
  ARRAY(SELECT issue_id FROM listed CROSS JOIN share WHERE row_count IS NOT NULL AND is_small),
  ARRAY(SELECT issue_id FROM listed WHERE row_count = 0),
  open_before, disappeared, disappeared > 20 AND 2 * disappeared > open_before,
  opened + fixed,
  CAST(JSON_VALUE(@scanned, '$.since') AS DATE),
  ARRAY(SELECT CAST(id AS INT64) FROM UNNEST(JSON_VALUE_ARRAY(@scanned, '$.targets')) AS id)
FROM missed CROSS JOIN doubtful CROSS JOIN undated
