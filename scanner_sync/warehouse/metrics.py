"""The measures: how fast things are fixed, by week and severity. docs/metrics.md defines each."""

from typing import Final

from scanner_sync.tables import Column, Table
from scanner_sync.warehouse.lifecycles import IS_FIX, SEVERITY

REMEDIATION_METRICS: Final = f"""
WITH times AS (
  SELECT grouped_by AS severity, o.entity_key, o.opened_at, o.closed_at, o.due_at,
    o.times_reopened, {IS_FIX} AS is_fix
  FROM `{{d}}.occurrence_lifecycle` AS o
  CROSS JOIN UNNEST(['all', {SEVERITY}]) AS grouped_by
  WHERE o.opened_at IS NOT NULL
),
weeks AS (
  SELECT week, TIMESTAMP(week) AS week_from,
    LEAST(TIMESTAMP(DATE_ADD(week, INTERVAL 7 DAY)), CURRENT_TIMESTAMP()) AS week_to
  FROM (
    SELECT GREATEST(DATE(MIN(opened_at)), DATE_SUB(CURRENT_DATE(), INTERVAL 10 YEAR)) AS first
    FROM times
  ), UNNEST(GENERATE_DATE_ARRAY(
    -- The Monday before, as 0001-01-01 was one.
    DATE_SUB(first, INTERVAL MOD(DATE_DIFF(first, DATE '0001-01-01', DAY), 7) DAY),
    CURRENT_DATE(), INTERVAL 7 DAY
  )) AS week
),
-- Each time that had begun at the end of a week, as it was then.
known AS (
  SELECT w.week, s.severity, t.entity_key IS NOT NULL AS is_known,
    t.opened_at >= w.week_from AS is_opened, t.times_reopened > 0 AS is_again,
    COALESCE(t.closed_at < w.week_to, FALSE) AS is_closed,
    t.closed_at >= w.week_from AND t.closed_at < w.week_to AS is_closed_now,
    COALESCE(t.is_fix AND t.closed_at < w.week_to, FALSE) AS is_fixed,
    t.closed_at <= t.due_at AS is_in_time, t.due_at < w.week_to AND h.entity_key IS NULL AS is_late,
    TIMESTAMP_DIFF(IF(t.closed_at < w.week_to, t.closed_at, w.week_to), t.opened_at, SECOND)
      / 86400 AS days
  FROM weeks AS w CROSS JOIN (SELECT DISTINCT severity FROM times) AS s
  LEFT JOIN times AS t ON t.severity = s.severity AND t.opened_at < w.week_to
  LEFT JOIN `{{d}}.occurrences_issues_history` AS h ON h.entity_key = t.entity_key AND h.snoozed
    AND h.valid_from < w.week_to AND (h.valid_to IS NULL OR h.valid_to >= w.week_to)
),
-- The product-limit estimate: of those that were open for so many days, how many were fixed then.
ages AS (
  SELECT week, severity, days, COUNTIF(is_fixed) AS fixed,
    SUM(COUNT(*)) OVER (PARTITION BY week, severity ORDER BY days DESC) AS at_risk
  FROM known WHERE is_known GROUP BY week, severity, days
),
survival AS (
  SELECT week, severity, days, EXP(SUM(LN(GREATEST(1 - fixed / at_risk, 1e-300))) OVER (
      PARTITION BY week, severity ORDER BY days)) AS share
  FROM ages
),
estimates AS (
  SELECT week, severity, MIN(days) AS days
  FROM survival WHERE share < 0.5 + 1e-9 GROUP BY week, severity
),
fixes AS (
  SELECT *, IF(is_fixed AND is_closed_now, days, NULL) AS days_to_fix, PERCENTILE_CONT(
      IF(is_fixed AND is_closed_now, days, NULL), 0.5) OVER (PARTITION BY week, severity) AS median
  FROM known
)
SELECT f.week, f.severity, COUNTIF(f.is_known AND NOT f.is_closed) AS open,
  COUNTIF(f.is_opened) AS opened, COUNTIF(f.is_closed_now) AS closed,
  COUNT(f.days_to_fix) AS fixed, COUNTIF(f.is_opened AND f.is_again) AS reopened,
  AVG(f.days_to_fix) AS mean_days_to_fix, f.median AS median_days_to_fix,
  e.days AS kaplan_meier_days_to_fix,
  AVG(IF(f.is_closed, NULL, f.days)) AS mean_days_open,
  SAFE_DIVIDE(COUNTIF(f.days_to_fix IS NOT NULL AND f.is_in_time),
    COUNTIF(f.days_to_fix IS NOT NULL AND f.is_in_time IS NOT NULL)) AS share_in_time,
  COUNTIF(NOT f.is_closed AND f.is_late) AS overdue
FROM fixes AS f LEFT JOIN estimates AS e ON e.week = f.week AND e.severity = f.severity
GROUP BY f.week, f.severity, f.median, e.days
"""  # noqa: S608 - our names

METRICS_TABLE: Final = Table(
    "How fast occurrences are fixed, one row for each week and severity.",
    ("week", "severity"),
    {
        "week": Column("date", "The week, by its Monday, in UTC.", "2026-11-23"),
        "severity": Column("text", "Severity; `all` for all together, `none` without one.", "high"),
        "open": Column("bigint", "Occurrences that were open at the end of the week, or now.", 42),
        "opened": Column("bigint", "Times that one was opened in the week.", 5),
        "closed": Column("bigint", "Times that one was closed in the week.", 7),
        "fixed": Column("bigint", "Those of `closed` that were `fixed` or `not_reported`.", 6),
        "reopened": Column("bigint", "Those of `opened` that had been closed before.", 1),
        "mean_days_to_fix": Column("double", "Mean of `days_open` of `fixed`.", 31.5),
        "median_days_to_fix": Column("double", "Median of `days_open` of `fixed`.", 24.0),
        "kaplan_meier_days_to_fix": Column(
            "double",
            "Days within which half are fixed, by all that was opened so far, and with those that"
            " are still open counted; null if not half are fixed.",
            38.2,
        ),
        "mean_days_open": Column("double", "Mean age of `open`.", 61.7),
        "share_in_time": Column("double", "Share of `fixed` that met its goal, 0 to 1.", 0.8333333),
        "overdue": Column("bigint", "Those of `open` that were overdue, and not snoozed.", 9),
    },
)
"""The columns of `remediation_metrics`."""
