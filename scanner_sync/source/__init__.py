"""The dlt REST source: which resources the API has, and how each is read."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import requests
from dlt.common.jsonpath import compile_path
from dlt.common.schema.typing import TColumnSchema
from dlt.extract.source import DltSource
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import RESTAPIConfig

from scanner_sync import log
from scanner_sync.errors import ApiError, ApiUnavailable
from scanner_sync.progress import Traffic
from scanner_sync.source.pagination import ApiResponse, OverlapPaginator, counted
from scanner_sync.source.rows import to_row
from scanner_sync.source.session import ApiSession
from scanner_sync.tables import DLT_COLUMNS, TABLES

PARENT_ID: Final = "_issues_id"
"""The name under which dlt adds the id of an issue to its occurrences."""
_DATA_TYPES: Final = {"text|bigint": "text", "array": "json", "object": "json", "any": "json"}


def scanner_source(
    base_url: str,
    token: str,
    page_size: int,
    session: ApiSession,
    resources: Sequence[str],
) -> DltSource:
    """The source of `resources`, which are names of tables: it gives their rows.

    `occurrences_issues` alone reads the issues too, because it is read for each of them, and does
    not load them. Iterating it raises a `SyncError`, which dlt wraps in its own exceptions.
    """
    not_found = session.traffic.not_found

    def skip_issue(response: requests.Response) -> None:
        assert isinstance(response, ApiResponse)
        not_found.add(int(response.resource.split("/")[1]))
        if len(not_found) >= page_size:
            raise _not_gone("a whole page of issues", response.resource)
        raise IgnoreResponseException

    config: RESTAPIConfig = {
        "client": {
            "base_url": base_url,
            "auth": {"type": "bearer", "token": token},
            "paginator": OverlapPaginator(limit=page_size),
            "session": session,
        },
        "resource_defaults": {
            # One MERGE statement a table, so that a table changes as a whole or not at all.
            "write_disposition": {"disposition": "merge", "strategy": "upsert"},
            "parallelized": True,
            # Compiled here, or dlt compiles it for each page.
            "endpoint": {"data_selector": compile_path("results")},
        },
        "resources": [
            {
                "name": "issues",
                "primary_key": ["id"],
                "columns": _columns("issues"),
                "endpoint": {"path": "issues/"},
                "processing_steps": [{"map": partial(to_row, "issues")}],
            },
            {
                "name": "occurrences_issues",
                "primary_key": ["issue_id", "id"],
                "columns": _columns("occurrences_issues"),
                "endpoint": {
                    "path": "issues/{resources.issues.id}/occurrences/",
                    "response_actions": [
                        {"status_code": 200, "action": _refuse_parent_id},
                        {"status_code": 404, "action": skip_issue},
                        {"status_code": 410, "action": skip_issue},
                    ],
                },
                "include_from_parent": ["id"],
                "processing_steps": [
                    # dlt has the rows of an issue in one piece; some may have come before the 404.
                    {"filter": lambda row: row[PARENT_ID] not in not_found},
                    {"map": _occurrence},
                ],
            },
            {
                "name": "scans",
                "primary_key": ["id"],
                "columns": _columns("scans"),
                "endpoint": {"path": "scans/"},
                "processing_steps": [{"map": partial(to_row, "scans")}],
            },
            {
                "name": "targets",
                "primary_key": ["id"],
                "columns": _columns("targets"),
                "endpoint": {"path": "targets/"},
                "processing_steps": [{"map": partial(to_row, "targets")}],
            },
        ],
    }
    source = rest_api_source(config, name="scanner")
    for resource in source.resources.values():
        # dlt drops `parallelized` of what depends on nothing, and would read those in turns.
        if not resource.is_transformer:
            resource.parallelize()
    return source.with_resources(*resources)


def confirm_vanished(source: DltSource, traffic: Traffic) -> None:
    """See that issues whose occurrences were not found are gone from the listing, too.

    Where all were found, nothing is asked. Raises `ApiUnavailable` where one is still listed: then
    a gateway may have answered in place of the API, which says nothing of the occurrences.
    """
    if not traffic.not_found:
        return
    listed = traffic.not_found & {row["id"] for row in source.resources["issues"]}
    if listed:
        what = f"{counted(len(listed), 'issue')} that it still lists"
        raise _not_gone(what, _occurrences_of(min(listed)))
    for issue in sorted(traffic.not_found):
        log.event("issue_vanished", resource=_occurrences_of(issue))
        traffic.count("vanished")


def _occurrences_of(issue: int) -> str:
    return f"issues/{issue}/occurrences/"


def _not_gone(what: str, such_as: str) -> ApiUnavailable:
    return ApiUnavailable(
        f"The API does not find the occurrences of {what} (such as {such_as}). Nothing was loaded;"
        " try again later. If it recurs, report it to those who run the API."
    )


def _occurrence(item: dict[str, Any]) -> dict[str, Any]:
    issue_id = item.pop(PARENT_ID)
    if item.get("issue_id") is None:
        item["issue_id"] = issue_id
    row = to_row("occurrences_issues", item)
    if row["issue_id"] != issue_id:
        raise ApiError(
            "A row of occurrences_issues has a new field issue_id, which names another issue than"
            " the one that was asked for. Nothing was loaded. The API has changed: report it."
        )
    return row


def _refuse_parent_id(response: requests.Response) -> None:
    # dlt writes the id of the issue over it.
    if any(PARENT_ID in row for row in response.json()["results"]):
        raise ApiError(
            f"A row of occurrences_issues has a new field {PARENT_ID}, a name that the sync uses"
            " itself. Nothing was loaded. The API has changed: report it."
        )


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
