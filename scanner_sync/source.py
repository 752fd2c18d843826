"""The dlt REST source: which resources the API has, and how each becomes a table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import requests
from dlt.common.schema.typing import TColumnSchema
from dlt.extract.source import DltSource
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource, RESTAPIConfig

from scanner_sync import log
from scanner_sync.api import ApiTransport
from scanner_sync.history import HISTORIES, columns_of, history_resource
from scanner_sync.listing import ApiResponse, OverlapPaginator
from scanner_sync.rows import to_row
from scanner_sync.tables import DLT_COLUMNS, TABLES, Column

PARENT_ID: Final = "_issues_id"
"""The name under which dlt adds the id of an issue to its occurrences."""


def scanner_source(
    base_url: str,
    token: str,
    page_size: int,
    transport: ApiTransport,
    resources: Sequence[str],
    history_at: datetime | None = None,
) -> DltSource:
    """The source of `resources`, which are names of tables, and of their histories.

    `history_at` is the instant of which the histories say what was open; None keeps none.

    `occurrences_issues` alone reads the issues too, because it is read for each of them, and does
    not load them. Iterating it raises a `SyncError`, which dlt wraps in its own exceptions.
    """
    session = requests.Session()
    session.mount("https://", transport)
    session.mount("http://", transport)

    vanished: set[int] = set()

    def skip_vanished_issue(response: requests.Response) -> None:
        assert isinstance(response, ApiResponse)
        log.event("issue_vanished", resource=response.resource)
        transport.traffic.count("vanished")
        vanished.add(int(response.resource.split("/")[1]))
        raise IgnoreResponseException

    config: RESTAPIConfig = {
        "client": {
            "base_url": base_url,
            "auth": {"type": "bearer", "token": token},
            "paginator": OverlapPaginator(limit=page_size),
            "session": session,
        },
        "resource_defaults": {
            "primary_key": "id",
            # One MERGE statement a table: each table changes as a whole or not at all.
            "write_disposition": {"disposition": "merge", "strategy": "upsert"},
            "parallelized": True,
            "endpoint": {"data_selector": "results"},
        },
        "resources": [
            _resource("issues", path="issues/"),
            _resource(
                "occurrences_issues",
                path="issues/{resources.issues.id}/occurrences/",
                response_actions=[{"status_code": 404, "action": skip_vanished_issue}],
            )
            | {
                "primary_key": ["issue_id", "id"],
                "include_from_parent": ["id"],
                # dlt has the rows of an issue in one piece; some may have come before the 404.
                "processing_steps": [
                    {"filter": lambda row: row[PARENT_ID] not in vanished},
                    {"map": _occurrence},
                ],
            },
            _resource("scans", path="scans/"),
            _resource("targets", path="targets/"),
        ],
    }
    source = rest_api_source(
        config,
        name="scanner",
        max_table_nesting=0,
        schema_contract={"columns": "evolve", "data_type": "freeze"},
    )
    if history_at is not None:
        for name, history in HISTORIES.items():
            hints = _dlt_columns(columns_of(name) | DLT_COLUMNS)
            of = source.resources[history.table]
            source.resources.add(history_resource(name, of, history_at, hints))
        resources = [*resources, *(n for n, h in HISTORIES.items() if h.table in resources)]
        for name in HISTORIES:  # the views need all of them, whatever is synced
            table = source.resources[name].compute_table_schema()
            # dlt forgets what was declared of the column that holds the version.
            for column, hint in _dlt_columns(columns_of(name)).items():
                table["columns"][column] = {**hint, **table["columns"][column]}
            source.schema.update_table(table)
    source = source.with_resources(*resources)
    # A new field of text stays text, also where its first value looks like a time.
    source.schema.remove_type_detection("iso_timestamp")
    # dlt puts a table into the schema when its first row comes; here each is there from the start,
    # so that an empty listing still has its table.
    for name, resource in source.selected_resources.items():
        if name in TABLES:
            source.schema.update_table(resource.compute_table_schema())
    return source


def _resource(table: str, path: str, **endpoint: Any) -> EndpointResource:
    return {
        "name": table,
        "columns": _dlt_columns(TABLES[table].columns | DLT_COLUMNS),
        "endpoint": {"path": path, **endpoint},  # type: ignore[typeddict-item]
        "processing_steps": [{"map": partial(to_row, table)}],
    }


def _occurrence(item: dict[str, Any]) -> dict[str, Any]:
    issue = item.pop(PARENT_ID)
    return to_row("occurrences_issues", item | {"issue_id": issue})


def _dlt_columns(columns: Mapping[str, Column]) -> dict[str, TColumnSchema]:
    data_types = {"text|bigint": "text", "array": "json", "object": "json", "any": "json"}
    return {
        name: {
            "name": name,
            "data_type": data_types.get(column.type, column.type),  # type: ignore[typeddict-item]
            "nullable": not column.required,
            "description": column.description,
        }
        for name, column in columns.items()
    }
