-- Marks the load of a sync as complete, as dlt does.
INSERT INTO `{dataset}._dlt_loads`
  (load_id, schema_name, status, inserted_at, schema_version_hash)
VALUES (this_load, @schema_name, 0, instant, @schema_version)
