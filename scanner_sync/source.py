"""The dlt REST source: which resources the API has, and how each is read."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import requests
from dlt.common.jsonpath import compile_path
from dlt.extract.source import DltSource
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource, RESTAPIConfig

from scanner_sync import log
from scanner_sync.api import ApiSession
from scanner_sync.errors import ApiError
from scanner_sync.listing import ApiResponse, OverlapPaginator
from scanner_sync.rows import to_row

PARENT_ID: Final = "_issues_id"
"""The name under which dlt adds the id of an issue to its occurrences."""


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
    vanished: set[int] = set()

    def skip_vanished_issue(response: requests.Response) -> None:
        assert isinstance(response, ApiResponse)
        log.event("issue_vanished", resource=response.resource)
        session.traffic.count("vanished")
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
            "parallelized": True,
            # Compiled here, or dlt compiles it for each page.
            "endpoint": {"data_selector": compile_path("results")},
        },
        "resources": [
            _resource("issues", path="issues/"),
            _resource(
                "occurrences_issues",
                path="issues/{resources.issues.id}/occurrences/",
                response_actions=[
                    {"status_code": 404, "action": skip_vanished_issue},
                    {"status_code": 200, "action": _refuse_parent_id},
                ],
            )
            | {
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
    source = rest_api_source(config, name="scanner")
    for resource in source.resources.values():
        # dlt drops `parallelized` of what depends on nothing, and would read those in turns.
        if not resource.is_transformer:
            resource.parallelize()
    return source.with_resources(*resources)


def _resource(table: str, path: str, **endpoint: Any) -> EndpointResource:
    return {
        "name": table,
        "endpoint": {"path": path, **endpoint},  # type: ignore[typeddict-item]
        "processing_steps": [{"map": partial(to_row, table)}],
    }


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
