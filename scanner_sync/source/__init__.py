"""The dlt REST source: the resources of the API, and how each is read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

import dlt
import requests
from dlt.common.jsonpath import compile_path
from dlt.common.schema.typing import TColumnSchema, TMergeDispositionDict
from dlt.extract.source import DltSource
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource, RESTAPIConfig

from scanner_sync import log
from scanner_sync.reading import Reading
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.tables import FIXED, TABLES
from scanner_sync.source.occurrences import Keep, kept, skip_vanished
from scanner_sync.source.pagination import TABLE_OF, ApiResponse, OverlapPaginator
from scanner_sync.source.rows import to_row
from scanner_sync.source.session import ApiSession
from scanner_sync.source.statuses import GONE, LACKING

UPSERT: Final[TMergeDispositionDict] = {"disposition": "merge", "strategy": "upsert"}
"""One MERGE statement for each table, so that a table changes completely or not at all."""


def scanner_source(
    session: ApiSession,
    resources: Sequence[str],
    *,
    keep: Keep,
    reads_at_once: Callable[[Mapping[str, Any]], bool] = lambda issue: True,
    due: Sequence[int] | None = None,
    one_at_a_time: bool = False,
    fixed_after: datetime | None = None,
    today: date | None = None,
    note: Callable[[str, Mapping[str, Any]], None] | None = None,
) -> DltSource:
    """Return the source of `resources`, which are names of tables.

    `occurrences_issues` is read for each issue, so on its own it reads the issues too, without
    loading them. Its rows go to `keep`, page by page, and the resource yields none. `reads_at_once`
    is called with each row of an issue, and tells whether its occurrences are read. With `due`, the
    issues are not read; the occurrences of these are, in this order; with
    `one_at_a_time`, each is read to its end before the next. With `fixed_after`, the API is
    asked only for occurrences that were fixed since then. `licenses` are recorded for `today`.
    `note` is called with each row of a listing, and the name of its table.
    Iterating the source raises `SyncError`, which dlt wraps in its own exceptions.
    """
    api, reading = session.api, session.reading
    skip = skip_vanished(reading, api.page_size)
    recorded_on = {"recorded_on": (today or datetime.now(UTC).date()).isoformat()}
    lacking: list[Any] = [
        {"status_code": status, "action": _note_unavailable(reading)} for status in LACKING
    ]

    paginator = partial(OverlapPaginator, api.page_size, pause=session.pause)
    config: RESTAPIConfig = {
        "client": {
            "base_url": api.base_url,
            "auth": {"type": "bearer", "token": api.token},
            "paginator": paginator(),
            "session": session,
        },
        "resource_defaults": {
            "parallelized": not one_at_a_time,
            # Compiled, because dlt would compile it for each page.
            "endpoint": {"data_selector": compile_path("results")},
        },
        "resources": [
            _listing("issues"),
            _resource(
                "occurrences_issues",
                path="issues/{resources.issues.id}/occurrences/",
                paginator=paginator(on_page=kept(reading, keep), leave_out=session.leave_out),
                response_actions=[{"status_code": status, "action": skip} for status in GONE],
            ),
            _listing("scans"),
            _listing("targets"),
            _listing(
                "fixed_occurrences",
                lambda row: _to_fix(reading, row),
                params={"remediated_after": f"{fixed_after:%Y-%m-%dT%H:%M:%SZ}"}
                if fixed_after
                else {},
                response_actions=lacking,
            ),
            _listing("scan_schedules", response_actions=lacking),
            _listing("tags", response_actions=lacking),
            _listing(
                "licenses",
                lambda row: to_row("licenses", row | recorded_on),
                response_actions=lacking,
            ),
        ],
    }
    if due is not None:
        config["resources"][0] = dlt.resource([[{"id": id} for id in due]], name="issues")
    source = rest_api_source(config, name="scanner")
    if due is not None:
        return source.with_resources(*resources)
    source.resources["occurrences_issues"].add_filter(reads_at_once, insert_at=0)
    for name, resource in source.resources.items():
        if note and not resource.is_transformer:
            resource.add_map(partial(_noted, note, name))
        # dlt applies `parallelized` only to resources that depend on another one. Without this, the
        # listings would be read one page at a time, in turns.
        if not resource.is_transformer:
            resource.parallelize()
    return source.with_resources(*resources)


def _note_unavailable(reading: Reading) -> Callable[[requests.Response], None]:
    """Return dlt's action for a listing that the account lacks: go on without it, and log that."""

    def note(response: requests.Response) -> None:
        assert isinstance(response, ApiResponse)
        table = TABLE_OF[response.resource]
        reading.unavailable.add(table)
        log.event("listing_unavailable", table=table, status=response.status_code)
        raise IgnoreResponseException

    return note


def _to_fix(reading: Reading, item: dict[str, Any]) -> dict[str, Any]:
    """Convert an occurrence that was fixed to a row, and note when that was. Raises `ApiError`."""
    row = to_row(FIXED, item)
    reading.newest_fix = max(row["remediated_at"], reading.newest_fix or row["remediated_at"])
    return row


def _noted(
    note: Callable[[str, Mapping[str, Any]], None], table: str, row: dict[str, Any]
) -> dict[str, Any]:
    note(table, row)
    return row


def _listing(
    table: str, convert: Callable[[dict[str, Any]], dict[str, Any]] | None = None, **endpoint: Any
) -> EndpointResource:
    """Return the resource of a listing, whose rows belong to a table.

    `convert` makes a row of what the API sends; without it, `to_row` does. `endpoint` is how it is
    read, beyond its path.
    """
    listing = _resource(table, path=TABLES[table].path, **endpoint)
    listing["processing_steps"] = [{"map": convert or partial(to_row, table)}]
    return listing


def _resource(table: str, **endpoint: Any) -> EndpointResource:
    return {
        "name": table,
        "primary_key": list(TABLES[table].key),
        "write_disposition": UPSERT,
        "columns": _columns(table),
        "endpoint": endpoint,  # type: ignore[typeddict-item]
    }


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
