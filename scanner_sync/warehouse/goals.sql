-- By which rule of `sla_policy` each finding is due, and when, for those that this sync wrote. A
-- closed finding keeps its rule and its goal, whatever is learned of its CVEs.
--
-- The rules are tried for each CVE of a finding, or once if it has none, and the first that fits
-- counts. Of several CVEs, the one that is due first decides. The clock of a goal stands still while
-- the occurrence or its issue is snoozed, but a snooze that began after the goal was missed does not
-- count.
UPDATE `{dataset}.findings` AS known
SET goal_days = present.goal_days, goal_from = present.goal_from,
  due_rule = IF(present.is_asked, present.due_rule, known.due_rule),
  cve_to_fix = IF(present.is_asked, present.cve_to_fix, known.cve_to_fix),
  in_kev = IF(present.is_asked, present.in_kev, known.in_kev),
  kev_due_on = IF(present.is_asked, present.kev_due_on, known.kev_due_on),
  epss = IF(present.is_asked, present.epss, known.epss),
  accepted_at = present.accepted_at, due_at = present.due_at,
  met_sla = IF(known.close_reason IN ('fixed', 'not_reported'), known.closed_at <= present.due_at, NULL)
FROM (
  WITH
  rules AS (  -- a thousand years at most, so that it has a date
    SELECT FALSE AS is_last,
      ROW_NUMBER() OVER (ORDER BY `rank` IS NULL, `rank`, days IS NULL, days, name, starts) AS place,
      COALESCE(name, CONCAT('rule ', COALESCE(CAST(`rank` AS STRING), 'without a rank'))) AS name,
      severity, tag, target_type, exploit_likelihood, in_kev, exposed, automatable,
      technical_impact, epss_at_least, GREATEST(LEAST(days, 365000), 0) AS days, starts
    FROM `{dataset}.sla_policy`
    UNION ALL
    -- Comes after all others, and fits everything: no rule.
    SELECT TRUE, 9223372036854775807, CAST(NULL AS STRING), CAST(NULL AS STRING),
      CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS BOOL),
      CAST(NULL AS BOOL), CAST(NULL AS BOOL), CAST(NULL AS STRING), CAST(NULL AS FLOAT64),
      CAST(NULL AS INT64), CAST(NULL AS STRING)
  ),
  asked AS (
    SELECT finding_id, entity_key, issue_id, COALESCE(NULLIF(severity, ''), 'none') AS severity,
      tags, target_type, exploit_likelihood, exposed, opened_at, detected_at, due_at AS given,
      COALESCE(closed_at, TIMESTAMP '9999-12-31') AS open_until, goal_days, goal_from,
      -- What is closed was asked when it was open, unless no sync saw it open.
      closed_at IS NULL OR COALESCE(goal_days = -1, FALSE) AS is_asked, cves
    FROM `{dataset}.findings` WHERE updated_at = instant
  ),
  -- What is known of each CVE: without a word on it, it is not in KEV, not automatable, and of total
  -- technical impact.
  cases AS (
    SELECT f.finding_id, f.entity_key, f.issue_id, f.severity, f.tags, f.target_type,
      f.exploit_likelihood, f.exposed, f.opened_at, f.detected_at, f.given, f.open_until,
      f.goal_days, f.goal_from, f.is_asked, found AS cve, i.cve IS NOT NULL AS is_found,
      i.in_kev AS is_listed, i.kev_due_on AS listed_due_on,
      IF(found IS NULL, NULL, COALESCE(i.in_kev, FALSE)) AS is_in_kev,
      IF(found IS NULL, NULL, COALESCE(i.automatable, FALSE)) AS automatable,
      IF(found IS NULL, NULL, COALESCE(i.technical_impact, 'total')) AS technical_impact,
      i.epss AS score,
      IF(i.in_kev AND i.kev_added_on <= DATE(instant), TIMESTAMP(i.kev_added_on), NULL) AS listed_at
    FROM asked AS f
    LEFT JOIN UNNEST(f.cves) AS found
    LEFT JOIN `{dataset}.cve_intelligence` AS i ON i.cve = found
  ),
  placed AS (
    SELECT c.finding_id, c.entity_key, c.issue_id, c.opened_at, c.detected_at, c.given, c.open_until,
      c.goal_days, c.goal_from, c.is_asked, c.cve, c.is_found, c.is_listed, c.listed_due_on, c.score,
      c.listed_at, MIN(r.place) AS place
    FROM cases AS c JOIN rules AS r ON r.is_last OR (
      c.is_asked
      AND (r.severity IS NULL OR r.severity = c.severity)
      AND (r.tag IS NULL OR r.tag IN UNNEST(c.tags))
      AND (r.target_type IS NULL OR r.target_type = c.target_type)
      AND (r.exploit_likelihood IS NULL OR r.exploit_likelihood = c.exploit_likelihood)
      AND (r.exposed IS NULL OR r.exposed = c.exposed)
      AND (r.in_kev IS NULL OR r.in_kev = c.is_in_kev)
      AND (r.automatable IS NULL OR r.automatable = c.automatable)
      AND (r.technical_impact IS NULL OR r.technical_impact = c.technical_impact)
      AND (r.epss_at_least IS NULL OR r.epss_at_least <= c.score)
    )
    GROUP BY ALL
  ),
  -- What is known of all CVEs of a finding, and their order.
  ranked AS (
    SELECT *, LOGICAL_OR(is_listed) OVER of_one AS in_kev,
      MIN(IF(is_listed, listed_due_on, NULL)) OVER of_one AS kev_due_on, MAX(score) OVER of_one AS epss,
      LOGICAL_OR(is_found) OVER of_one AS is_known,
      ROW_NUMBER() OVER (
        PARTITION BY finding_id ORDER BY COALESCE(is_listed, FALSE) DESC, COALESCE(score, -1) DESC, cve
      ) AS nth
    FROM placed WINDOW of_one AS (PARTITION BY finding_id)
  ),
  -- The goals among which the CVEs of a finding leave the choice.
  choices AS (
    SELECT p.finding_id, p.entity_key, p.issue_id, p.opened_at, p.given, p.detected_at, p.open_until,
      p.is_asked, p.in_kev, p.kev_due_on, p.epss, p.place,
      IF(p.detected_at IS NULL AND p.given IS NOT NULL, NULL, r.name) AS due_rule,
      CASE
        WHEN p.detected_at IS NULL AND p.given IS NOT NULL THEN NULL  -- a goal of the API
        WHEN p.is_asked THEN r.days
        ELSE p.goal_days
      END AS goal_days,
      CASE
        WHEN p.detected_at IS NULL AND p.given IS NOT NULL THEN NULL
        WHEN NOT p.is_asked THEN p.goal_from
        WHEN r.days IS NULL THEN NULL
        WHEN r.starts = 'detected_at' THEN COALESCE(p.detected_at, p.opened_at)
        WHEN r.starts = 'kev_added_on' THEN COALESCE(p.listed_at, p.opened_at)
        WHEN r.starts = 'first_known' THEN LEAST(p.opened_at, COALESCE(p.listed_at, p.opened_at))
        ELSE p.opened_at
      END AS goal_from,
      MIN(p.nth) AS nth, MIN_BY(IF(p.is_known, p.cve, NULL), p.nth) AS cve_to_fix
    FROM ranked AS p JOIN rules AS r ON r.place = p.place
    GROUP BY ALL
  ),
  -- When the occurrence of a finding, or its issue, was snoozed. The state of what is gone lasts until
  -- it is back, or as long as its finding: until a sync knows why it is gone.
  snoozed AS (
    SELECT finding_id, snooze_reason, GREATEST(valid_from, opened_at) AS since,
      LEAST(until, open_until) AS until
    FROM (
      SELECT *, LEAST(COALESCE(next_from, TIMESTAMP '9999-12-31'),
        COALESCE(TIMESTAMP(snooze_until), TIMESTAMP '9999-12-31')) AS until
      FROM (
        SELECT a.finding_id, a.opened_at, a.open_until, h.snooze_reason, h.snooze_until, h.valid_from,
          h.next_from
        FROM asked AS a JOIN (
          SELECT entity_key, snoozed, snooze_reason, snooze_until, valid_from,
            LEAD(valid_from) OVER (PARTITION BY entity_key ORDER BY valid_from) AS next_from
          FROM `{dataset}.occurrences_issues_history`
        ) AS h ON h.entity_key = a.entity_key
        WHERE h.snoozed AND a.detected_at IS NOT NULL
        UNION ALL
        SELECT a.finding_id, a.opened_at, a.open_until, h.snooze_reason, h.snooze_until, h.valid_from,
          h.next_from
        FROM asked AS a JOIN (
          SELECT id, snoozed, snooze_reason, snooze_until, valid_from,
            LEAD(valid_from) OVER (PARTITION BY id ORDER BY valid_from) AS next_from
          FROM `{dataset}.issues_history`
        ) AS h ON h.id = a.issue_id
        WHERE h.snoozed AND a.detected_at IS NOT NULL
      )
    )
    WHERE valid_from < open_until AND until > valid_from AND until > opened_at
  ),
  -- Where two overlap, the later one counts from the end of the earlier one.
  snoozes AS (
    SELECT *, COALESCE(MAX(until) OVER (
        PARTITION BY finding_id ORDER BY since, until
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), since) AS until_before
    FROM snoozed
  ),
  spans AS (
    SELECT c.*, s.snooze_reason, s.since, s.until,
      GREATEST(s.since, c.goal_from, s.until_before) AS stopped_at
    FROM choices AS c LEFT JOIN snoozes AS s ON s.finding_id = c.finding_id
  ),
  stops AS (
    SELECT *, GREATEST(TIMESTAMP_DIFF(until, stopped_at, SECOND), 0) AS seconds,
      TIMESTAMP_DIFF(stopped_at, goal_from, SECOND) - COALESCE(SUM(
        GREATEST(TIMESTAMP_DIFF(until, stopped_at, SECOND), 0)
      ) OVER (
        PARTITION BY finding_id, nth ORDER BY since, until
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), 0) AS run
    FROM spans
  ),
  goals AS (
    SELECT finding_id, is_asked, in_kev, kev_due_on, epss, place, nth, cve_to_fix, goal_days,
      goal_from, due_rule,
      MIN(IF(snooze_reason IN ('ACCEPT_RISK', 'FALSE_POSITIVE'), GREATEST(since, detected_at), NULL))
        AS accepted_at,
      CASE
        WHEN detected_at IS NULL AND given IS NOT NULL THEN given
        -- It is snoozed without an end, so nobody knows.
        WHEN LOGICAL_OR(run < goal_days * 86400 AND until = TIMESTAMP '9999-12-31') THEN NULL
        -- Beyond the year 9999, BigQuery has no date, and would fail the sync.
        ELSE TIMESTAMP_ADD(goal_from, INTERVAL LEAST(
          goal_days * 86400 + COALESCE(SUM(IF(run < goal_days * 86400, seconds, 0)), 0),
          TIMESTAMP_DIFF(TIMESTAMP '9999-12-31', goal_from, SECOND)) SECOND)
      END AS due_at
    FROM stops
    GROUP BY finding_id, is_asked, in_kev, kev_due_on, epss, place, due_rule, nth, cve_to_fix,
      goal_days, goal_from, detected_at, given
  )
  SELECT * FROM goals WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY finding_id ORDER BY due_at IS NULL, due_at, goal_days IS NULL, place, nth
  ) = 1
) AS present
WHERE known.finding_id = present.finding_id
