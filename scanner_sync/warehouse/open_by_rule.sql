-- How many open findings each rule of `sla_policy` holds, as the last sync tried the rules; null stands
-- for no rule.
SELECT due_rule, COUNT(*) AS number FROM `{dataset}.findings`
WHERE closed_at IS NULL GROUP BY due_rule
