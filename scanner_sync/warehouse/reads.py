"""How `occurrence_reads` is read and written.

The sync that reads an issue's occurrences writes
it in the same transaction as the histories, so that what it says is in the merged tables, too.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from google.cloud import bigquery

from scanner_sync.plan import RUNNING, LastRead, ListedIssue, Seen
from scanner_sync.schema.histories import OCCURRENCES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.warehouse.connection import Connection

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def as_parameter(listed: Iterable[ListedIssue]) -> str:
    """Return the issues as JSON, for a query parameter of the statements in this module.

    It is short, because BigQuery takes requests of up to 10 MB.
    """
    rows = ([issue.id] if issue.issue_hash is None else list(issue) for issue in listed)
    return json.dumps(list(rows), separators=(",", ":"))


def waiting(parameter: str) -> str:
    """Return SQL for the ids of the issues whose occurrences were not read."""
    return f"SELECT issue_id FROM ({rows_of(parameter)}) WHERE row_count IS NULL"  # noqa: S608


def merge_reads(dataset: str, parameter: str) -> str:
    """Return the statement that brings the table up to date with the issues in the parameter.

    It uses the variable `instant`, which is the time of the sync.
    """
    return f"""
MERGE `{dataset}.{READS}` AS past
USING ({rows_of(parameter)}) AS present
ON past.issue_id = present.issue_id
WHEN MATCHED AND present.row_count IS NOT NULL THEN
  UPDATE SET read_at = instant, `rows` = present.row_count, issue_hash = present.issue_hash
WHEN MATCHED AND present.issue_hash = '' THEN
  UPDATE SET issue_hash = NULL
WHEN NOT MATCHED BY TARGET THEN
  INSERT (issue_id, listed_at, read_at, `rows`, issue_hash)
  VALUES (present.issue_id, instant, IF(present.row_count IS NULL, NULL, instant),
    present.row_count, IF(present.row_count IS NULL, NULL, present.issue_hash))
WHEN NOT MATCHED BY SOURCE THEN
  DELETE
"""  # noqa: S608 - our names


def rows_of(parameter: str) -> str:
    """Return SQL for the issues in the parameter: `issue_id`, `row_count` and `issue_hash`."""
    return (
        "SELECT CAST(JSON_VALUE(item, '$[0]') AS INT64) AS issue_id,"  # noqa: S608
        " CAST(JSON_VALUE(item, '$[1]') AS INT64) AS row_count,"
        " JSON_VALUE(item, '$[2]') AS issue_hash"
        f" FROM UNNEST(JSON_QUERY_ARRAY({parameter})) AS item"
    )


def read_reads(connection: Connection) -> dict[int, LastRead]:
    """Return the rows of the table by issue. A column that was dropped counts as null.

    Runs a query.
    """
    return _reads(connection.client.query_and_wait(f"SELECT * FROM `{connection.name}.{READS}`"))  # noqa: S608


def read_named(connection: Connection, seen: Seen) -> tuple[dict[int, LastRead], bool]:
    """Return the same with `Read.is_named`, and whether a scan has ended since the last sync.

    An issue is named if it has an open occurrence of which the API lists a new fix, or on a target
    that is listed no more, or with another status. All tables of these have to be there. Runs a
    query.
    """
    sql = Path(__file__).with_name("named.sql").read_text(encoding="utf-8")
    rows = list(
        connection.client.query_and_wait(
            sql.replace("{dataset}", connection.name),
            job_config=bigquery.QueryJobConfig(
                query_parameters=[
                    bigquery.ArrayQueryParameter("fixes", "STRING", sorted(seen.fixes)),
                    bigquery.ArrayQueryParameter("targets", "STRING", sorted(seen.targets)),
                    bigquery.ArrayQueryParameter("ended", "INT64", sorted(seen.ended)),
                    bigquery.ArrayQueryParameter("running", "STRING", sorted(RUNNING)),
                ]
            ),
        )
    )
    return _reads(rows), any(row["has_ended"] for row in rows)


def issues_on(connection: Connection, targets: Collection[str]) -> set[int]:
    """Return the issues with open occurrences on these targets, by address. Runs a query."""
    rows = connection.client.query_and_wait(
        f"SELECT DISTINCT issue_id FROM `{connection.name}.{OCCURRENCES}`"  # noqa: S608
        " WHERE valid_to IS NULL AND target IN UNNEST(@targets)",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[bigquery.ArrayQueryParameter("targets", "STRING", sorted(targets))]
        ),
    )
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
