-- `occurrence_reads`, and which of its issues the listings of a sync name, compared with what the
-- dataset holds from the sync before. This has to run before the sync merges these listings.
SELECT r.*,
  r.issue_id IN (
    SELECT h.issue_id FROM `{dataset}.occurrences_issues_history` AS h
    WHERE h.valid_to IS NULL AND (
      CAST(h.occurrence_id AS STRING) IN (
        SELECT SPLIT(fix, ' ')[OFFSET(0)] FROM UNNEST(@fixes) AS fix
        WHERE fix NOT IN (
          SELECT CONCAT(CAST(f.occurrence_id AS STRING), ' ', CAST(UNIX_MICROS(f.remediated_at) AS STRING))
          FROM `{dataset}.fixed_occurrences` AS f
        )
      )
      OR h.target IN (
        SELECT t.address FROM `{dataset}.targets_history` AS t
        WHERE t.valid_to IS NULL
          AND CONCAT(COALESCE(t.target_status, ''), ' ', t.address) NOT IN UNNEST(@targets)
      )
    )
  ) AS is_named,
  EXISTS (
    SELECT 1 FROM UNNEST(@ended) AS scan
    WHERE scan NOT IN (
      SELECT s.id FROM `{dataset}.scans` AS s WHERE s.status NOT IN UNNEST(@running)
    )
  ) AS has_ended
FROM `{dataset}.occurrence_reads` AS r
