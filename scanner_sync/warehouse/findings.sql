-- What the evidence says of each time that an occurrence was open, merged into `findings`.
--
-- The evidence is what the histories, `syncs`, `occurrence_reads` and `fixed_occurrences` hold. Nothing
-- else is read, so a table that was dropped comes back as it was. A closed row changes only if the
-- API dates its opening or its fix anew, or if the occurrence is back after a gap that was no fix.
MERGE `{dataset}.findings` AS known
USING (
  WITH
  states AS (
    SELECT h.*, GREATEST(h.valid_from, COALESCE(h.last_seen_at, r.read_at, h.valid_from)) AS seen_at,
      COALESCE(LAG(h.valid_to) OVER (PARTITION BY h.entity_key ORDER BY h.valid_from) < h.valid_from,
        FALSE) AS is_back
    FROM `{dataset}.occurrences_issues_history` AS h
    LEFT JOIN `{dataset}.occurrence_reads` AS r ON r.issue_id = IF(h.valid_to IS NULL, h.issue_id, NULL)
  ),
  -- Each fix belongs to one occurrence: where several have its `occurrence_id`, to the one on its
  -- host and port, and of several there, to one that was open at the fix, and not after it.
  fixes AS (
    SELECT occurrence_id, remediated_at, first_seen_at,
      COALESCE(entity_key, CAST(occurrence_id AS STRING)) AS entity_key
    FROM (
      SELECT f.occurrence_id, f.remediated_at, f.first_seen_at, h.entity_key,
        IF(h.target IN (f.affected_host, f.display_address), 0, 1) AS is_elsewhere,
        IF(h.port = CAST(f.affected_port AS STRING), 0, 1) AS is_on_another_port,
        IF(f.remediated_at BETWEEN h.valid_from AND h.valid_to
          AND LEAD(h.valid_from) OVER (
            PARTITION BY f.occurrence_id, f.remediated_at, h.entity_key ORDER BY h.valid_from
          ) IS DISTINCT FROM h.valid_to, h.valid_to, TIMESTAMP '9999-12-31') AS gone_at
      FROM `{dataset}.fixed_occurrences` AS f
      LEFT JOIN `{dataset}.occurrences_issues_history` AS h ON h.occurrence_id = f.occurrence_id
      WHERE f.remediated_at >= TIMESTAMP '1990-01-01' AND f.remediated_at <= instant
    )
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (
      PARTITION BY occurrence_id, remediated_at
      ORDER BY is_elsewhere, is_on_another_port, gone_at, entity_key
    ) = 1
  ),
  -- Sights and fixes in one order. The time of a sync is when it ended, and it may have read the API an
  -- hour before, so only a sight an hour after a fix is known to come after it; or one after a sync
  -- that missed it.
  marks AS (
    SELECT entity_key, valid_from, moment, CAST(NULL AS TIMESTAMP) AS fixed_at, valid_to, issue_id,
      target, first_seen_at, confirmed_at, CAST(NULL AS INT64) AS occurrence_id
    FROM states, UNNEST([valid_from, seen_at]) AS moment
    UNION ALL
    -- In a state that goes on, the last sight before a fix, and the first one known to come after it.
    SELECT entity_key, valid_from, moment, NULL, valid_to, issue_id, target, first_seen_at,
      confirmed_at, NULL
    FROM (
      SELECT s.entity_key, s.valid_from, s.valid_to, s.issue_id, s.target, s.first_seen_at,
        s.confirmed_at,
        MAX(IF(y.synced_at <= f.remediated_at, y.synced_at, NULL)) AS before,
        MIN(IF(y.synced_at >= TIMESTAMP_ADD(f.remediated_at, INTERVAL 1 HOUR), y.synced_at, NULL))
          AS after
      FROM states AS s
      JOIN fixes AS f ON f.entity_key = s.entity_key
      JOIN `{dataset}.syncs` AS y ON y.synced_at > s.valid_from AND y.synced_at <= s.seen_at
      WHERE TIMESTAMP_ADD(f.remediated_at, INTERVAL 1 HOUR) > s.valid_from
        AND f.remediated_at < s.seen_at
        AND 'occurrences_issues' IN UNNEST(y.tables) AND s.issue_id NOT IN UNNEST(y.unread_issues)
        AND (s.issue_id IN UNNEST(y.read_issues) OR COALESCE(ARRAY_LENGTH(y.read_issues), 0) = 0)
      GROUP BY s.entity_key, s.valid_from, f.remediated_at, s.valid_to, s.issue_id, s.target,
        s.first_seen_at, s.confirmed_at
    ), UNNEST([before, after]) AS moment
    WHERE moment IS NOT NULL
    UNION ALL
    SELECT f.entity_key, NULL, LEAST(TIMESTAMP_ADD(f.remediated_at, INTERVAL 1 HOUR),
        COALESCE(MIN(IF(s.valid_from > f.remediated_at, s.valid_from, NULL)), TIMESTAMP '9999-12-31')),
      f.remediated_at, NULL, NULL, NULL, f.first_seen_at, NULL, f.occurrence_id
    FROM fixes AS f LEFT JOIN states AS s ON IF(s.is_back, s.entity_key, NULL) = f.entity_key
    GROUP BY f.entity_key, f.remediated_at, f.first_seen_at, f.occurrence_id
  ),
  -- Of fixes without a sight between them the newest counts.
  kept AS (
    SELECT *, fixed_at IS NOT NULL AND LEAD(fixed_at) OVER (
        PARTITION BY entity_key ORDER BY moment, fixed_at IS NULL, fixed_at
      ) IS NULL AS is_fix
    FROM marks
  ),
  -- Which part of the order between two fixes each is in, and the fix that ends it.
  parts AS (
    SELECT *, SUM(IF(is_fix, 1, 0)) OVER (
        PARTITION BY entity_key ORDER BY moment, fixed_at IS NULL, fixed_at
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) - IF(is_fix, 1, 0) AS part,
      MIN(fixed_at) OVER (
        PARTITION BY entity_key ORDER BY moment, fixed_at IS NULL, fixed_at
        ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
      ) AS ends_at
    FROM kept WHERE is_fix OR fixed_at IS NULL
  ),
  -- One row for each state in a part, and one for each fix.
  pieces AS (
    SELECT entity_key, part, is_fix, valid_from, fixed_at, valid_to, issue_id, target, first_seen_at,
      confirmed_at, occurrence_id, MIN(IF(is_fix, NULL, moment)) AS first_sight,
      MAX(IF(is_fix, NULL, moment)) AS last_sight,
      MAX(IF(is_fix OR moment > ends_at, NULL, moment)) AS sight_before_fix
    FROM parts
    GROUP BY entity_key, part, is_fix, valid_from, fixed_at, valid_to, issue_id, target,
      first_seen_at, confirmed_at, occurrence_id
  ),
  steps AS (
    SELECT *, LEAD(fixed_at) OVER in_order AS fixed_next, LEAD(valid_from) OVER in_order AS back_at,
      -- The fix before, if no sync missed it between that and this state.
      IF(COALESCE(LAG(valid_to, 2) OVER in_order, TIMESTAMP '9999-12-31') >= valid_from
        AND LAG(valid_from, 2) OVER in_order IS NOT NULL, LAG(fixed_at) OVER in_order, NULL)
        AS split_at,
      COALESCE(LAG(valid_from, 2) OVER in_order = valid_from, FALSE) AS is_split,
      IF(
        NOT is_fix AND LEAD(fixed_at) OVER in_order IS NULL
        AND COALESCE(LEAD(valid_from) OVER in_order > valid_to, TRUE), valid_to, NULL
      ) AS missed_at
    FROM pieces
    WINDOW in_order AS (PARTITION BY entity_key ORDER BY part, is_fix, valid_from)
  ),
  log AS (
    SELECT synced_at, is_held, empty_issues,
      MIN(IF('targets' IN UNNEST(tables), synced_at, NULL)) OVER (
        ORDER BY synced_at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
      ) AS targets_at,
      MIN(IF('targets' IN UNNEST(tables), synced_at, NULL)) OVER (
        ORDER BY synced_at ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
      ) AS targets_after
    FROM `{dataset}.syncs`
  ),
  targets AS (
    SELECT address, valid_from, COALESCE(valid_to, TIMESTAMP '9999-12-31') AS valid_to,
      COALESCE(target_status, '')
        NOT IN ('unresponsive', 'license_exceeded', 'unscanned', 'agent_uninstalled') AS is_scanned
    FROM `{dataset}.targets_history`
  ),
  -- Whether its target was listed and scanned, by the first reading after its last sight, and by the
  -- first one since a sync missed it. Where no sync had seen it by then, there is no reason to doubt it.
  watched AS (
    SELECT s.entity_key, s.part, s.is_fix, s.valid_from, s.fixed_at, s.valid_to, s.first_seen_at,
      s.confirmed_at, s.occurrence_id, s.first_sight, s.last_sight, s.sight_before_fix, s.fixed_next,
      s.back_at, s.split_at, s.is_split, s.missed_at,
      COALESCE(c.is_held, FALSE) AS is_held,
      IF(c.synced_at IS NULL OR COUNTIF(t.valid_from <= s.missed_at) = 0, s.missed_at, c.targets_at)
        AS decided_at,
      COALESCE(LOGICAL_OR(s.issue_id IN UNNEST(c.empty_issues)), FALSE) AS is_empty,
      CASE
        WHEN COUNTIF(t.valid_from <= s.missed_at) = 0 THEN 'not_reported'
        WHEN NOT COALESCE(LOGICAL_OR(
            t.valid_from <= l.targets_after AND l.targets_after < t.valid_to
          ), TRUE) OR NOT COALESCE(LOGICAL_OR(
            t.valid_from <= COALESCE(c.targets_at, s.missed_at)
            AND COALESCE(c.targets_at, s.missed_at) < t.valid_to
          ), FALSE) THEN 'target_removed'
        WHEN NOT COALESCE(LOGICAL_OR(
            t.is_scanned AND t.valid_from <= l.targets_after AND l.targets_after < t.valid_to
          ), TRUE) OR NOT COALESCE(LOGICAL_OR(
            t.is_scanned AND t.valid_from <= COALESCE(c.targets_at, s.missed_at)
            AND COALESCE(c.targets_at, s.missed_at) < t.valid_to
          ), FALSE) THEN 'target_not_scanned'
        ELSE 'not_reported'
      END AS reason
    FROM steps AS s
    LEFT JOIN log AS c ON c.synced_at = s.missed_at
    LEFT JOIN log AS l ON l.synced_at = IF(s.missed_at IS NULL, NULL, s.last_sight)
    LEFT JOIN targets AS t ON t.address = IF(s.missed_at IS NULL, NULL, s.target)
    GROUP BY s.entity_key, s.part, s.is_fix, s.valid_from, s.fixed_at, s.valid_to, s.first_seen_at,
      s.confirmed_at, s.occurrence_id, s.first_sight, s.last_sight, s.sight_before_fix, s.fixed_next,
      s.back_at, s.split_at, s.is_split, s.missed_at, c.synced_at, c.is_held, c.targets_at, l.targets_after
  ),
  -- A closing waits until its target was read, and if too much was missed at once, until it was
  -- missed again.
  judged AS (
    SELECT *, COALESCE(decided_at < COALESCE(back_at, TIMESTAMP '9999-12-31'), FALSE)
        AND (NOT is_held OR COALESCE(
          confirmed_at < COALESCE(back_at, TIMESTAMP '9999-12-31'), FALSE)) AS is_closed
    FROM watched
  ),
  -- Whether the next row is of the same time: its fix, the next state, or a state after a gap that
  -- was no fix.
  linked AS (
    SELECT *, NOT is_fix AND (
        fixed_next IS NOT NULL OR COALESCE(back_at <= valid_to, FALSE)
        OR back_at IS NOT NULL AND (NOT is_closed OR is_empty OR reason != 'not_reported')
      ) AS goes_on
    FROM judged
  ),
  numbered AS (
    SELECT *, SUM(IF(went_on, 0, 1)) OVER so_far - 1 AS times_reopened,
      MAX(IF(goes_on, NULL, COALESCE(fixed_at, IF(is_closed, missed_at, NULL)))) OVER (
        PARTITION BY entity_key ORDER BY part, is_fix, valid_from
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS ended_before,
      -- The first sight of the time, and in which part its state began.
      MAX(IF(went_on, NULL, first_sight)) OVER so_far AS seen_from,
      MAX(IF(is_fix OR is_split, NULL, part)) OVER so_far AS began_in
    FROM (
      SELECT *, COALESCE(LAG(goes_on) OVER (
          PARTITION BY entity_key ORDER BY part, is_fix, valid_from
        ), FALSE) AS went_on
      FROM linked
    )
    WINDOW so_far AS (
      PARTITION BY entity_key ORDER BY part, is_fix, valid_from
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  times AS (
    SELECT entity_key, times_reopened, MAX(occurrence_id) AS fixed_id, MAX(fixed_at) AS fixed_at,
      MIN(valid_from) AS began_with,
      -- What was seen after its fix, but within the hour, says nothing more of what was fixed: the
      -- next sync may see it, too, when the row is closed.
      IF(MAX(fixed_at) IS NULL, MAX(valid_from), COALESCE(
        MAX(IF(sight_before_fix IS NULL, NULL, valid_from)), MIN(valid_from))) AS ended_with,
      MIN(IF(went_on, NULL, part - began_in)) AS split, MIN(IF(went_on, NULL, split_at)) AS split_at,
      MIN(first_sight) AS detected_at,
      IF(MAX(fixed_at) IS NULL, MAX(last_sight), COALESCE(
        MAX(sight_before_fix), MIN(first_sight))) AS last_seen_at,
      MAX(IF(is_fix AND first_seen_at >= TIMESTAMP '1990-01-01', first_seen_at, NULL))
        AS fix_seen_at,
      -- The last word of the API on it that can be true.
      MAX_BY(first_seen_at, IF(first_seen_at >= TIMESTAMP '1990-01-01'
        AND first_seen_at <= seen_from AND COALESCE(first_seen_at > ended_before, TRUE),
        valid_from, NULL)) AS first_seen_at,
      MAX(IF(goes_on OR is_fix OR NOT is_closed, NULL, missed_at)) AS missed_at,
      MAX(IF(goes_on OR is_fix, NULL, reason)) AS reason, MAX(ended_before) AS closed_before
    FROM numbered GROUP BY entity_key, times_reopened
  ),
  dated AS (
    SELECT *,
      CASE
        WHEN fix_seen_at <= LEAST(COALESCE(detected_at, closed_at), COALESCE(closed_at, detected_at))
          AND COALESCE(fix_seen_at > closed_before, TRUE) THEN fix_seen_at
        WHEN first_seen_at <= LEAST(detected_at, COALESCE(closed_at, detected_at)) THEN first_seen_at
        ELSE COALESCE(split_at, LEAST(detected_at, COALESCE(closed_at, detected_at)))
      END AS opened_at,
      IF(fixed_at IS NOT NULL, 'fixed', IF(missed_at IS NOT NULL, reason, NULL)) AS close_reason,
      CONCAT(
        entity_key, '@', COALESCE(CAST(UNIX_MICROS(began_with) AS STRING), '0'),
        IF(split > 0, CONCAT('.', CAST(split AS STRING)), '')
      ) AS finding_id,
      -- When it is described: now, or when it was last open. What ended before the first sync is
      -- described as of that.
      GREATEST(
        TIMESTAMP_SUB(COALESCE(closed_at, TIMESTAMP '9999-12-31'), INTERVAL 1 MICROSECOND),
        COALESCE(last_seen_at, first_sync)
      ) AS as_of
    FROM (SELECT *, COALESCE(fixed_at, missed_at) AS closed_at FROM times)
    CROSS JOIN (SELECT MIN(synced_at) AS first_sync FROM `{dataset}.syncs`)
  ),
  -- Without what is closed, and as it was. A fix that seemed to come before all sights is no more a
  -- finding of its own if a sync saw it open within the hour after.
  changed AS (
    SELECT d.* REPLACE (IF(is_void, v.finding_id, d.finding_id) AS finding_id), is_void
    FROM dated AS d
    LEFT JOIN `{dataset}.findings` AS k ON k.finding_id = d.finding_id
    LEFT JOIN `{dataset}.findings` AS v ON v.finding_id
      = IF(d.times_reopened = 0 AND d.detected_at IS NOT NULL, CONCAT(d.entity_key, '@0'), NULL)
    CROSS JOIN UNNEST(IF(v.finding_id IS NULL, [FALSE], [FALSE, TRUE])) AS is_void
    WHERE (is_void OR k.closed_at IS NULL OR d.closed_at IS NULL
      OR k.closed_at != d.closed_at
      OR k.close_reason != d.close_reason OR k.times_reopened != d.times_reopened
      OR COALESCE(k.opened_at, instant) != COALESCE(d.opened_at, instant))
  ),
  -- The state that an issue, and that a target, was in at each moment.
  issues AS (
    SELECT id, title, severity, snoozed, snooze_reason, snooze_until,
      valid_from AS since, COALESCE(LEAD(valid_from) OVER in_order, TIMESTAMP '9999-12-31') AS until
    FROM `{dataset}.issues_history`
    WINDOW in_order AS (PARTITION BY id ORDER BY valid_from)
  ),
  -- Of several targets with one address the newest that is listed counts, or that was listed last.
  hosts AS (
    SELECT *, LOGICAL_OR(valid_to IS NULL) OVER (PARTITION BY address) AS is_listed,
      COALESCE(LEAD(since) OVER (PARTITION BY address ORDER BY since), TIMESTAMP '9999-12-31') AS until
    FROM (
      SELECT t.address, t.id, t.target_type, t.target_status, ARRAY(
          SELECT DISTINCT JSON_VALUE(item) AS tag FROM UNNEST(JSON_QUERY_ARRAY(t.tags)) AS item
          WHERE JSON_VALUE(item) IS NOT NULL ORDER BY tag
        ) AS tags, t.valid_to, m.since
      FROM (
        SELECT DISTINCT address, since
        FROM `{dataset}.targets_history`, UNNEST([valid_from, valid_to]) AS since
        WHERE since IS NOT NULL
      ) AS m
      JOIN `{dataset}.targets_history` AS t ON t.address = m.address
        AND t.valid_from <= m.since AND COALESCE(t.valid_to >= m.since, TRUE)
      WHERE TRUE
      QUALIFY ROW_NUMBER() OVER (
        PARTITION BY m.address, m.since
        ORDER BY COALESCE(t.valid_to > m.since, TRUE) DESC, t.id DESC, t.valid_from DESC
      ) = 1
    )
  ),
  described AS (
    SELECT d.finding_id, d.is_void, d.entity_key, d.times_reopened, d.began_with, d.opened_at, d.detected_at,
      d.last_seen_at, d.closed_at, d.close_reason, d.as_of,
      COALESCE(h.occurrence_id, d.fixed_id) AS occurrence_id,
      h.issue_id,
      h.port, h.protocol, h.exploit_likelihood, h.cvss_score, h.cves, h.snoozed, h.snooze_reason,
      h.snooze_until, h.target AS host
    FROM changed AS d
    LEFT JOIN `{dataset}.occurrences_issues_history` AS h
      ON h.entity_key = d.entity_key AND h.valid_from = d.ended_with
  ),
  labeled AS (
    SELECT
      d.finding_id, d.is_void, d.entity_key, d.occurrence_id, d.issue_id, d.times_reopened,
      IF(d.began_with IS NULL, f.title, i.title) AS title,
      IF(d.began_with IS NULL, f.severity, i.severity) AS severity,
      COALESCE(d.cvss_score, f.cvss_score) AS cvss_score,
      COALESCE(d.exploit_likelihood, f.exploit_likelihood) AS exploit_likelihood,
      ARRAY(
        SELECT DISTINCT UPPER(TRIM(JSON_VALUE(item))) AS cve  -- as `cve_intelligence` has them
        FROM UNNEST(JSON_QUERY_ARRAY(d.cves)) AS item
        WHERE TRIM(JSON_VALUE(item)) != '' ORDER BY cve
      ) AS cves,
      COALESCE(d.host, f.affected_host, f.display_address) AS host,
      COALESCE(CAST(REGEXP_EXTRACT(d.port, '^[0-9]{1,9}$') AS INT64), f.affected_port) AS port,
      d.protocol,
      t.id AS target_id, t.target_type,
      IF(d.closed_at IS NULL AND NOT t.is_listed, 'deleted', t.target_status) AS target_status,
      IF(d.began_with IS NULL, ARRAY(
        SELECT DISTINCT JSON_VALUE(item) AS tag FROM UNNEST(JSON_QUERY_ARRAY(f.tags)) AS item
        WHERE JSON_VALUE(item) IS NOT NULL ORDER BY tag
      ), t.tags) AS tags,
      d.opened_at, d.detected_at, d.last_seen_at, d.closed_at, d.close_reason,
      -- The occurrence is snoozed, or its issue is, as older rows have it.
      COALESCE(d.snoozed AND COALESCE(TIMESTAMP(d.snooze_until) > LEAST(d.as_of, instant), TRUE), FALSE)
        AS snoozes,
      d.snooze_reason AS reason, d.snooze_until AS snoozed_until,
      COALESCE(d.began_with IS NOT NULL AND i.snoozed
        AND COALESCE(TIMESTAMP(i.snooze_until) > LEAST(d.as_of, instant), TRUE), FALSE)
        AS issue_snoozes,
      i.snooze_reason AS issue_reason, i.snooze_until AS issue_until,
      IF(d.began_with IS NULL, TIMESTAMP(DATE_ADD(
        LEAST(f.due_date, DATE '9999-12-30'), INTERVAL 1 DAY)), NULL) AS due_at  -- of the last day, too
    FROM described AS d
    LEFT JOIN `{dataset}.fixed_occurrences` AS f
      ON f.occurrence_id = IF(d.began_with IS NULL, d.occurrence_id, NULL)
      AND f.remediated_at = d.closed_at
    LEFT JOIN issues AS i ON i.id = d.issue_id AND i.since <= d.as_of AND d.as_of < i.until
    LEFT JOIN hosts AS t
      ON t.address = COALESCE(d.host, f.affected_host, f.display_address)
      AND t.since <= d.as_of AND d.as_of < t.until
  )
  SELECT *,
    CASE severity WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4
      ELSE IF(COALESCE(severity, '') = '', 6, 5) END AS severity_rank,
    snoozes OR issue_snoozes AS snoozed,
    CASE
      WHEN NOT (snoozes OR issue_snoozes) THEN 'open'
      WHEN IF(snoozes, reason, issue_reason) = 'ACCEPT_RISK' THEN 'accepted_risk'
      WHEN IF(snoozes, reason, issue_reason) = 'FALSE_POSITIVE' THEN 'false_positive'
      WHEN IF(snoozes, reason, issue_reason) = 'MITIGATING_CONTROLS' THEN 'mitigated'
      ELSE 'snoozed'
    END AS triage,
    CASE
      WHEN snoozes AND issue_snoozes THEN GREATEST(snoozed_until, issue_until)  -- null is no end
      WHEN snoozes THEN snoozed_until
      WHEN issue_snoozes THEN issue_until
    END AS snooze_until,
    -- Of two tags that contradict each other, the one that exposes it counts.
    CASE
      WHEN EXISTS (SELECT 1 FROM UNNEST(tags) AS tag WHERE tag IN UNNEST(JSON_VALUE_ARRAY(@exposed_tags))) THEN TRUE
      WHEN EXISTS (SELECT 1 FROM UNNEST(tags) AS tag WHERE tag IN UNNEST(JSON_VALUE_ARRAY(@internal_tags))) THEN FALSE
      ELSE COALESCE(target_type = 'external', FALSE)
    END AS exposed
  FROM labeled
) AS present
ON known.finding_id = present.finding_id
WHEN MATCHED AND present.is_void THEN DELETE
WHEN MATCHED THEN UPDATE SET
  occurrence_id = present.occurrence_id, issue_id = present.issue_id,
  times_reopened = present.times_reopened, title = present.title, severity = present.severity,
  severity_rank = present.severity_rank, cvss_score = present.cvss_score,
  exploit_likelihood = present.exploit_likelihood, cves = present.cves, host = present.host,
  port = present.port, protocol = present.protocol, target_id = present.target_id,
  target_type = present.target_type, target_status = present.target_status, tags = present.tags,
  exposed = present.exposed, opened_at = present.opened_at, detected_at = present.detected_at,
  last_seen_at = present.last_seen_at, closed_at = present.closed_at,
  close_reason = present.close_reason, snoozed = present.snoozed, triage = present.triage,
  snooze_until = present.snooze_until, due_at = present.due_at,
  -- The goal goes with the severity, and its beginning with that of the finding. It is -1 until the
  -- next statement finds the rule.
  goal_days = IF(COALESCE(known.severity, '') = COALESCE(present.severity, ''), known.goal_days, -1),
  goal_from = IF(
    known.goal_from = known.opened_at
      OR known.goal_from IS NULL AND known.opened_at IS NULL AND known.goal_days IS NOT NULL,
    present.opened_at, known.goal_from),
  updated_at = instant
WHEN NOT MATCHED BY TARGET THEN INSERT (
  finding_id, entity_key, occurrence_id, issue_id, times_reopened, title, severity, severity_rank,
  cvss_score, exploit_likelihood, cves, host, port, protocol, target_id, target_type,
  target_status, tags, exposed, opened_at, detected_at, last_seen_at, closed_at, close_reason,
  snoozed, triage, snooze_until, goal_days, due_at, updated_at
) VALUES (
  present.finding_id, present.entity_key, present.occurrence_id, present.issue_id,
  present.times_reopened, present.title, present.severity, present.severity_rank,
  present.cvss_score, present.exploit_likelihood, present.cves, present.host, present.port,
  present.protocol, present.target_id, present.target_type, present.target_status, present.tags,
  present.exposed, present.opened_at, present.detected_at, present.last_seen_at, present.closed_at,
  present.close_reason, present.snoozed, present.triage, present.snooze_until, -1, present.due_at,
  instant
)
-- It was open, but its history is gone, and began anew.
WHEN NOT MATCHED BY SOURCE AND known.closed_at IS NULL THEN DELETE
