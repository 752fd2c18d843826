-- When the occurrences of each issue were last read, by syncs that found nothing new, too: these write
-- their row in `syncs`, and nothing else. Each of them read the occurrences of all issues.
UPDATE `{dataset}.occurrence_reads` AS known
SET read_at = whole.read_at
FROM (
  SELECT MAX(synced_at) AS read_at FROM `{dataset}.syncs`
  WHERE 'occurrences_issues' IN UNNEST(tables)
    AND COALESCE(ARRAY_LENGTH(unread_issues), 0) + COALESCE(ARRAY_LENGTH(read_issues), 0) = 0
) AS whole
WHERE known.read_at < whole.read_at
