"""How `occurrence_reads` is read and written.

The sync that reads an issue's occurrences writes it in the same transaction as the histories, so
that what it says is in the merged tables, too.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from google.cloud import bigquery

from scanner_sync.plan import RUNNING, LastRead, ListedIssue, Seen
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.warehouse.connection import Connection, statement

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def as_parameter(listed: Iterable[ListedIssue]) -> str:
    """Return the issues as JSON, for the parameter `listed`: arrays of id, rows and hash.

    It is short, because BigQuery takes requests of up to 10 MB.
    """
    rows = ([issue.id] if issue.issue_hash is None else list(issue) for issue in listed)
    return json.dumps(list(rows), separators=(",", ":"))


def read_reads(
    connection: Connection, existing: Mapping[str, bigquery.Table]
) -> dict[int, LastRead]:
    """Return what the dataset knows of each issue that the last sync listed, by its id.

    A column that was dropped counts as null. Runs a query if the table is in `existing`.
    """
    if READS not in existing:
        return {}
    return _reads(connection.run("SELECT * FROM `{dataset}.occurrence_reads`"))


def forget_lost_reads(connection: Connection, existing: dict[str, bigquery.Table]) -> None:
    """Delete the table if another is missing whose rows it tells of, also from `existing`."""
    needed = {"occurrences_issues", "occurrences_issues_history"}
    if READS in existing and not existing.keys() >= needed:
        connection.client.delete_table(existing.pop(READS), not_found_ok=True)


def read_named(connection: Connection, seen: Seen) -> tuple[dict[int, LastRead], bool]:
    """Return what `read_reads` does, with `LastRead.is_named`, and whether a scan has ended since.

    An issue is named if the API lists a new fix of one of its open occurrences, or if the target of
    one is no longer listed or has another status. The tables of all these have to exist. Runs a
    query.
    """
    rows = list(
        connection.run(
            statement("named"),
            bigquery.ArrayQueryParameter("fixes", "STRING", sorted(seen.fixes)),
            bigquery.ArrayQueryParameter("targets", "STRING", sorted(seen.targets)),
            bigquery.ArrayQueryParameter("ended", "INT64", sorted(seen.ended)),
            bigquery.ArrayQueryParameter("running", "STRING", sorted(RUNNING)),
        )
    )
    return _reads(rows), any(row["has_ended"] for row in rows)


def issues_on(connection: Connection, targets: Collection[str]) -> set[int]:
    """Return the issues with open occurrences on these targets, by address. Runs a query."""
    addresses = bigquery.ArrayQueryParameter("targets", "STRING", sorted(targets))
    rows = connection.run(statement("issues_on"), addresses)
    return {row["issue_id"] for row in rows}


def _reads(rows: Iterable[Mapping[str, Any]]) -> dict[int, LastRead]:
    return {
        row["issue_id"]: LastRead(
            row.get("listed_at") or row.get("read_at") or _EPOCH,
            row.get("read_at"),
            row.get("rows"),
            row.get("issue_hash"),
            bool(row.get("is_named")),
        )
        for row in rows
    }
