-- Which targets were scanned since `since` and which were not, as the API listed them after `listed_after`,
-- or else as the dates of their occurrences tell. How many there are is in each row.
--
-- A target counts as late only if something says so: it is older than the list and not on it, its last
-- date is before `since`, or the API calls it unscanned. Of any other it is not known.
WITH scans AS (
  SELECT address, MAX(scanned_at) AS scanned_at
  FROM (
    SELECT COALESCE(affected_host, display_address) AS address, target_last_scanned_at AS scanned_at
    FROM `{dataset}.fixed_occurrences`
    UNION ALL
    SELECT target, target_last_scanned_at FROM `{dataset}.occurrences_issues`
  )
  GROUP BY address
),
listing AS (
  SELECT synced_at, scanned_targets FROM `{dataset}.syncs`
  WHERE scanned_since IS NOT NULL AND synced_at >= @listed_after ORDER BY synced_at DESC LIMIT 1
),
listed AS (SELECT DISTINCT id FROM listing CROSS JOIN UNNEST(scanned_targets) AS id),
known AS (
  SELECT *, MIN(valid_from) OVER (PARTITION BY id) AS known_from
  FROM `{dataset}.targets_history`
),
scanned AS (
  SELECT t.id, t.address AS target, t.target_status AS status, s.scanned_at,
    l.synced_at AS listed_on, listed.id IS NOT NULL AS is_listed,
    t.known_from <= l.synced_at AS is_older
  FROM known AS t LEFT JOIN scans AS s ON s.address = t.address
  CROSS JOIN (SELECT MAX(synced_at) AS synced_at FROM listing) AS l
  LEFT JOIN listed ON listed.id = t.id
  WHERE t.valid_to IS NULL
),
judged AS (
  SELECT *, is_listed OR COALESCE(scanned_at >= @since, FALSE) AS is_recent,
    COALESCE(is_older, FALSE) OR COALESCE(scanned_at < @since, status = 'unscanned', FALSE)
      AS is_old
  FROM scanned
)
SELECT target, status, scanned_at, listed_on, NOT is_recent AND is_old AS is_late,
  COUNT(*) OVER () AS targets,
  SUM(IF(is_recent, 1, 0)) OVER () AS recent,
  SUM(IF(NOT is_recent AND is_old, 1, 0)) OVER () AS late,
  ROW_NUMBER() OVER (ORDER BY NOT is_recent AND is_old DESC, scanned_at, target, id) AS place
FROM judged ORDER BY place LIMIT 10
