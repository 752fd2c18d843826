-- The measures of each week since `begin`, a row for each severity and one for `all`. They are final when
-- a sync has written them, so nothing is computed here.
SELECT * FROM `{dataset}.remediation_metrics` WHERE week >= DATE(@begin) ORDER BY week
