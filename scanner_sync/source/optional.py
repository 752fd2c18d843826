"""Listings that an account may lack, depending on its plan."""

from collections.abc import Callable
from typing import Any

import requests
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException

from scanner_sync import log
from scanner_sync.progress import Traffic
from scanner_sync.source.pagination import TABLE_OF, ApiResponse
from scanner_sync.source.rows import to_row


def note_unavailable(traffic: Traffic) -> Callable[[requests.Response], None]:
    """Return dlt's action for a listing that the account lacks: go on without it, and log that."""

    def note(response: requests.Response) -> None:
        assert isinstance(response, ApiResponse)
        table = TABLE_OF[response.resource]
        traffic.unavailable.add(table)
        log.event("listing_unavailable", table=table, status=response.status_code)
        raise IgnoreResponseException

    return note


def to_fix(traffic: Traffic, item: dict[str, Any]) -> dict[str, Any]:
    """Convert an occurrence that was fixed to a row, and note when that was. Raises `ApiError`."""
    row = to_row("fixed_occurrences", item)
    traffic.newest_fix = max(row["remediated_at"], traffic.newest_fix or row["remediated_at"])
    return row
