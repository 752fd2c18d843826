-- The last loads that a sync completed. dlt gives these the status 0.
SELECT load_id, inserted_at FROM `{dataset}._dlt_loads`
WHERE status = 0 ORDER BY inserted_at DESC LIMIT 5
