-- Until when everything that was concluded stays as it is if no table changes, or null if a closing
-- waits for another sync. Snoozes, and what is known of CVEs, go by days, and weeks end with a day.
SELECT IF(COUNTIF(waits) > 0, NULL, MIN(IF(moment > instant, moment, NULL))) AS settled_until
FROM (
  SELECT TIMESTAMP(DATE_ADD(DATE(instant), INTERVAL 1 DAY)) AS moment, FALSE AS waits
  UNION ALL
  -- A sight an hour after a fix is known to come after it.
  SELECT IF(remediated_at > instant, remediated_at,
    TIMESTAMP_ADD(LEAST(remediated_at, instant), INTERVAL 1 HOUR)), FALSE
  FROM `{dataset}.fixed_occurrences`
  UNION ALL
  SELECT due_at, FALSE FROM `{dataset}.findings` WHERE closed_at IS NULL
  UNION ALL
  -- Of what too much was missed at once, until it is missed again.
  SELECT NULL, s.is_held AND h.confirmed_at IS NULL
  FROM `{dataset}.occurrences_issues_history` AS h
  JOIN `{dataset}.syncs` AS s ON s.synced_at = h.valid_to
)
