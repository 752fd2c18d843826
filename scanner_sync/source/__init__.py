"""The dlt REST source: the resources of the API, and how each is read."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from dlt.common.jsonpath import compile_path
from dlt.common.schema.typing import TColumnSchema, TMergeDispositionDict
from dlt.extract.source import DltSource
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import RESTAPIConfig

from scanner_sync.source.occurrences import (
    PARENT_ID,
    reject_parent_id,
    skip_vanished,
    to_occurrence,
)
from scanner_sync.source.pagination import OverlapPaginator
from scanner_sync.source.rows import to_row
from scanner_sync.source.session import ApiSession
from scanner_sync.tables import DLT_COLUMNS, TABLES

UPSERT: Final[TMergeDispositionDict] = {"disposition": "merge", "strategy": "upsert"}
"""One MERGE statement for each table, so that a table changes completely or not at all."""


def scanner_source(
    base_url: str,
    token: str,
    page_size: int,
    session: ApiSession,
    resources: Sequence[str],
) -> DltSource:
    """Return the source of `resources`, which are names of tables.

    `occurrences_issues` is read for each issue, so on its own it reads the issues too, without
    loading them. Iterating the source raises `SyncError`, which dlt wraps in its own exceptions.
    """
    not_found = session.traffic.not_found
    skip = skip_vanished(session.traffic, page_size)
    config: RESTAPIConfig = {
        "client": {
            "base_url": base_url,
            "auth": {"type": "bearer", "token": token},
            "paginator": OverlapPaginator(limit=page_size),
            "session": session,
        },
        "resource_defaults": {
            "parallelized": True,
            # Compiled, because dlt would compile it for each page.
            "endpoint": {"data_selector": compile_path("results")},
        },
        "resources": [
            {
                "name": "issues",
                "primary_key": "id",
                "write_disposition": UPSERT,
                "columns": _columns("issues"),
                "endpoint": {"path": "issues/"},
                "processing_steps": [{"map": partial(to_row, "issues")}],
            },
            {
                "name": "occurrences_issues",
                "primary_key": ["issue_id", "id"],
                "write_disposition": UPSERT,
                "columns": _columns("occurrences_issues"),
                "endpoint": {
                    "path": "issues/{resources.issues.id}/occurrences/",
                    "response_actions": [
                        {"status_code": 200, "action": reject_parent_id},
                        {"status_code": 404, "action": skip},
                        {"status_code": 410, "action": skip},
                    ],
                },
                "include_from_parent": ["id"],
                "processing_steps": [
                    # Drops the pages of an issue that came before its 404.
                    {"filter": lambda row: row[PARENT_ID] not in not_found},
                    {"map": to_occurrence},
                ],
            },
            {
                "name": "scans",
                "primary_key": "id",
                "write_disposition": UPSERT,
                "columns": _columns("scans"),
                "endpoint": {"path": "scans/"},
                "processing_steps": [{"map": partial(to_row, "scans")}],
            },
            {
                "name": "targets",
                "primary_key": "id",
                "write_disposition": UPSERT,
                "columns": _columns("targets"),
                "endpoint": {"path": "targets/"},
                "processing_steps": [{"map": partial(to_row, "targets")}],
            },
        ],
    }
    source = rest_api_source(config, name="scanner")
    for resource in source.resources.values():
        # dlt applies `parallelized` only to resources that depend on another one. Without this, the
        # listings would be read one page at a time, in turns.
        if not resource.is_transformer:
            resource.parallelize()
    return source.with_resources(*resources)


_DATA_TYPES: Final = {"text|bigint": "text", "array": "json", "object": "json", "any": "json"}
"""dlt's names of our column types, where they differ."""


def _columns(table: str) -> dict[str, TColumnSchema]:
    """Return the columns of a table as dlt declares them."""
    return {
        name: {
            "name": name,
            "data_type": _DATA_TYPES.get(column.type, column.type),  # type: ignore[typeddict-item]
            "nullable": not column.required,
            "description": column.description,
        }
        for name, column in (TABLES[table].columns | DLT_COLUMNS).items()
    }
