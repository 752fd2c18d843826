"""What the dataset holds, how fresh it is, and how the last syncs ended."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.cloud import bigquery

from scanner_sync import errors
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.connection import Connection, statement
from scanner_sync.warehouse.lease import LEASE_SECONDS, LEASE_TABLE, UNTIL
from scanner_sync.warehouse.memory import LastSync

# Not a file, because it is repeated for each table of the schema that the dataset has.
COUNTS: Final = (
    "SELECT {number} AS number, COUNT(*) AS row_count, MAX(_dlt_load_id) AS load_id"
    " FROM `{dataset}.{table}`"
)
LATE_AFTER: Final = timedelta(hours=24)
"""Time without a sync that succeeded after which `summarize` calls an account late."""


def read_status(connection: Connection) -> dict[str, Any]:
    """Return what the dataset holds, and how the last syncs ended.

    - `dataset`: its name.
    - `now`: BigQuery's time. All times are aware `datetime`s.
    - `tables`: a dict for each merged table and history, with `table`, `rows`, `loaded_at`, the
      time of the load that its newest row is from; None if it is empty. Of a merged table also
      `read_at`, when the last sync began that read its rows from the API, or None if that is not
      known, and whether the table held them already: `unchanged`.
    - `last_run`: a dict with the `outcome` of the last sync and the time `at` which it was known,
      or None if there was no sync. `outcome` is `succeeded`, `failed` (with `error_type`),
      `running`, or `killed`, if its lease expired.
    - `last_failure`: a dict with `at` and `error_type` of the last sync that failed, or None.
    - `refresh`: a dict with what the last sync answered that was to read occurrences, without
      `oldest_hours`, or None if there was none. And `loud_until`: until when everything is read
      because a full read found a change that no signal had named, or None; `loud_field` is what had
      changed.
    - `loads`: a dict for each of the last loads, with `load_id` and `at`; the latest comes first.

    A sync that failed before it reached BigQuery, such as without a token, is only in the log. Runs
    three queries, which read one short column of each table. Raises `LoadError` if there is no such
    dataset.
    """
    client, dataset = connection.client, connection.dataset
    found = connection.find_dataset()
    existing = {table.table_id for table in client.list_tables(found)}
    names = [name for name in (*TABLES, *HISTORIES) if name in existing]
    lease = client.get_table(f"{dataset}.{LEASE_TABLE}") if LEASE_TABLE in existing else None
    now = connection.now()
    last = LastSync.read(lease.labels if lease else {})
    return {
        "dataset": dataset,
        "now": now,
        "tables": _tables(connection, names, last),
        "last_run": _last_run(lease, now) if lease else None,
        "last_failure": _failure(last),
        "refresh": _refresh(last, now),
        "loads": _loads(connection) if "_dlt_loads" in existing else [],
    }


def summarize(connection: Connection) -> dict[str, Any]:
    """Return in short how the last syncs ended, and how much is open.

    - `state`: `failing` if the last sync failed or was killed; otherwise `late` if none succeeded
      in `LATE_AFTER`, or `fresh`; `never` if there was no sync.
    - `error_type`: of the last sync, if it failed, or None.
    - `succeeded_at`: when a sync last succeeded, or None.
    - `now`: BigQuery's time.
    - `issues_to_do`, `critical_to_do`, `high_to_do`: how many issues are to do, by the view
      `open_issues`: all, the critical and the high ones. None without that view.

    Runs one query. Raises `LoadError` if there is no such dataset.
    """
    connection.find_dataset()
    existing = connection.find_tables([LEASE_TABLE, "open_issues"])
    lease = existing.get(LEASE_TABLE)
    if "open_issues" in existing:
        [row] = connection.run(statement("issues_to_do"))
        now, *counts = row.values()
    else:
        now, counts = connection.now(), [None, None, None]
    last_run = _last_run(lease, now) if lease else None
    succeeded_at = LastSync.read(lease.labels).succeeded if lease else None
    if last_run is None:
        state = "never"
    elif last_run["outcome"] in ("failed", "killed"):
        state = "failing"
    else:
        is_late = succeeded_at is None or now - succeeded_at > LATE_AFTER
        state = "late" if is_late else "fresh"
    return {
        "state": state,
        "error_type": last_run.get("error_type") if last_run else None,
        "succeeded_at": succeeded_at,
        "now": now,
        **dict(zip(("issues_to_do", "critical_to_do", "high_to_do"), counts, strict=True)),
    }


def describe_loud(connection: Connection) -> str:
    """Return until when everything is read because no signal named a change, or nothing."""
    lease = connection.find_tables([LEASE_TABLE]).get(LEASE_TABLE)
    last = LastSync.read(lease.labels if lease else {})
    if last.loud_until is None or last.loud_until <= datetime.now(UTC):
        return ""
    return (
        f"; each sync reads everything until {last.loud_until:%Y-%m-%d %H:%M} UTC, because no"
        f" signal named a change ({last.loud_field})"
    )


def describe_state(summary: Mapping[str, Any]) -> str:
    """Return the state of a summary, with the type of the error if the last sync failed."""
    kind = summary["error_type"]
    return f"{summary['state']} ({kind})" if kind else str(summary["state"])


def _tables(connection: Connection, names: list[str], last: LastSync) -> list[dict[str, Any]]:
    if not names:
        return []
    # The id of a load is the time at which it began, in seconds since 1970.
    counts = (
        COUNTS.replace("{number}", str(number)).replace("{table}", name)
        for number, name in enumerate(names)
    )
    rows = connection.run(f"{' UNION ALL '.join(counts)} ORDER BY number")
    return [
        {
            "table": name,
            "rows": int(row["row_count"]),
            "loaded_at": datetime.fromtimestamp(float(row["load_id"]), UTC)
            if row["load_id"]
            else None,
        }
        | (
            dict(zip(("read_at", "unchanged"), last.look(name), strict=True))
            if name in TABLES
            else {}
        )
        for name, row in zip(names, rows, strict=True)
    ]


def _loads(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.run(statement("last_loads"))
    return [{"load_id": row["load_id"], "at": row["inserted_at"]} for row in rows]


def _last_run(lease: bigquery.Table, now: datetime) -> dict[str, Any] | None:
    if lease.labels.get(UNTIL, "0") != "0":
        is_valid = now - lease.modified < timedelta(seconds=LEASE_SECONDS)
        return {"outcome": "running" if is_valid else "killed", "at": lease.modified}
    last = LastSync.read(lease.labels)
    failure = _failure(last)
    if failure and (last.succeeded is None or failure["at"] >= last.succeeded):
        return {"outcome": "failed", **failure}
    return {"outcome": "succeeded", "at": last.succeeded} if last.succeeded else None


def _failure(last: LastSync) -> dict[str, Any] | None:
    if last.failed is None:
        return None
    # Labels are in lower case.
    names = {name.lower(): name for name in errors.TYPES}
    return {"at": last.failed, "error_type": names.get(last.failure, last.failure.capitalize())}


def _refresh(last: LastSync, now: datetime) -> dict[str, Any] | None:
    listed, read = last.issues_listed, last.issues_read
    if listed is None or read is None:
        return None
    is_loud = last.loud_until is not None and now < last.loud_until
    return {
        "issues_listed": listed,
        "issues_read": read,
        "issues_skipped": last.issues_skipped or 0,
        "issues_waiting": max(0, listed - read - (last.issues_skipped or 0)),
        "issues_failed": list(last.issues_failed),
        "oldest_read_at": last.oldest_read_at,
        "full_read_at": last.full_read_at,
        "loud_until": last.loud_until if is_loud else None,
        "loud_field": last.loud_field if is_loud else None,
    }
