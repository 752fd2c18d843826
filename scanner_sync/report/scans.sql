-- When the newest scan was created. It is asked for only once a sync has made the table.
SELECT MAX(created_at) AS newest FROM `{dataset}.scans`
