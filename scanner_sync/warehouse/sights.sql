-- When a sync last saw what this one missed; and of what too much was missed at once, whether this
-- sync, at least 15 minutes later, missed it again.
UPDATE `{dataset}.occurrences_issues_history` AS past
SET last_seen_at = IF(past.valid_to = instant, present.read_at, past.last_seen_at),
  confirmed_at = IF(past.valid_to = instant, NULL, instant)
FROM (
  SELECT h.entity_key, h.valid_from, r.read_at
  FROM `{dataset}.occurrences_issues_history` AS h
  LEFT JOIN `{dataset}.occurrence_reads` AS r ON r.issue_id = h.issue_id
  WHERE h.valid_to = instant OR (
    h.confirmed_at IS NULL AND h.issue_id NOT IN ({unread}) AND h.valid_to IN (
      SELECT synced_at FROM `{dataset}.syncs`
      WHERE is_held AND synced_at <= TIMESTAMP_SUB(instant, INTERVAL 15 MINUTE)
    )
  )
) AS present
WHERE past.entity_key = present.entity_key AND past.valid_from = present.valid_from
