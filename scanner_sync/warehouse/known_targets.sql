-- Whether the dataset has seen one of some targets, by id and address; null if it has seen none at all.
-- Targets that were removed count: an account may have replaced all that it had.
SELECT LOGICAL_OR(CONCAT(CAST(id AS STRING), ' ', COALESCE(address, '')) IN UNNEST(@names)) AS known
FROM `{dataset}.targets_history`
