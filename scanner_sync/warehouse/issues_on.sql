-- The issues with open occurrences on some targets, by the addresses that the API gives both.
SELECT DISTINCT issue_id FROM `{dataset}.occurrences_issues_history`
WHERE valid_to IS NULL AND target IN UNNEST(@targets)
