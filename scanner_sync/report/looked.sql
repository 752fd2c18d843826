-- When the API was last read for each table, whether or not a row was new.
SELECT name, MAX(synced_at) AS looked FROM `{dataset}.syncs` CROSS JOIN UNNEST(tables) AS name
GROUP BY name
