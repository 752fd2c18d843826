"""The fields of the events that Terraform and the documents read."""

COST = {"requests", "retries", "throttled", "vanished", "seconds", "steps", "peak_memory_mib"}


FIELDS = {
    "sync_started": {"archive", "resources", "dataset"},
    "table_synced": {"table", "rows"},
    "sync_finished": {"load_id", "tables", "history", "refresh", "unavailable", "unchanged"} | COST,
    "sync_failed": {"error_type", "error_message", "rows_read"} | COST,
}
