-- The measures of each week since `begin`, a row for each severity and one for `all`. They are final when
-- a sync has written them, so nothing is computed here.
SELECT week, severity, open, opened, reopened, closed, fixed, not_reported, corrected,
  reconstructed, kaplan_meier_days_to_fix, share_fixed_90_days, due, met
FROM `{dataset}.remediation_metrics` WHERE week >= DATE(@begin)
