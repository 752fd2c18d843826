"""The occurrences of an issue: their parent's id, and issues that vanish while they are read."""

import logging
from collections.abc import Callable
from typing import Any

import requests
from dlt.extract.source import DltSource
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException

from scanner_sync import log
from scanner_sync.errors import ApiError, ApiUnavailable, counted
from scanner_sync.reading import Reading
from scanner_sync.source.pagination import ApiResponse, OnPage, issue_of
from scanner_sync.source.rows import to_row

Keep = Callable[[int, list[dict[str, Any]], bool], None]
"""What keeps the occurrences of an issue. It is called, in several threads, with an issue, the rows
of its next page, and whether they are the last. The rows of an issue count once the last came."""


def to_occurrence(issue_id: int, item: dict[str, Any]) -> dict[str, Any]:
    """Convert an occurrence of an issue to a row. Raises `ApiError`."""
    if item.get("issue_id") is None:
        item["issue_id"] = issue_id
    row = to_row("occurrences_issues", item)
    if row["issue_id"] != issue_id:
        raise ApiError(
            "A row of occurrences_issues has a new field issue_id, which differs from the issue"
            " that it was requested for. Nothing was loaded. The API has changed; please report it."
        )
    return row


def kept(reading: Reading, keep: Keep) -> OnPage:
    """Return what takes the pages of occurrences: it gives their rows to `keep`.

    Issues whose last page came are noted in `reading.read`.
    """

    def on_page(path: str, rows: list[dict[str, Any]], total: int | None) -> None:
        issue = issue_of(path)
        keep(issue, [to_occurrence(issue, row) for row in rows], total is not None)
        if total is not None:
            reading.read[issue] = total

    return on_page


def skip_vanished(reading: Reading, page_size: int) -> Callable[[requests.Response], None]:
    """Return dlt's action for a 404: skip the issue and add it to `reading.not_found`.

    It raises `ApiUnavailable` at a whole page of such issues: so many do not vanish at once.
    """

    def skip(response: requests.Response) -> None:
        assert isinstance(response, ApiResponse)
        reading.not_found.add(issue_of(response.resource))
        if len(reading.not_found) >= page_size:
            raise _not_found("a whole page of issues", response.resource)
        raise IgnoreResponseException

    return skip


def confirm_vanished(source: DltSource, reading: Reading) -> None:
    """Check that the issues whose occurrences were not found are no longer listed either.

    Reads the issues again, but only if there are any such issues. Raises `ApiUnavailable` if one is
    still listed: a gateway may have answered in place of the API, so its occurrences may exist.
    """
    if not reading.not_found:
        return
    listed = reading.not_found & {row["id"] for row in source.resources["issues"]}
    if listed:
        issues = f"{counted(len(listed), 'issue')} that it still lists"
        raise _not_found(issues, _path_of(min(listed)))
    for issue in sorted(reading.not_found):
        log.event("issue_vanished", resource=_path_of(issue))
        reading.vanished.add(issue)


def log_not_found(reading: Reading) -> None:
    """Log the issues whose occurrences were not found, and which wait for the next syncs."""
    for issue in sorted(reading.not_found):
        log.event("issue_not_found", logging.WARNING, resource=_path_of(issue))


def _path_of(issue: int) -> str:
    return f"issues/{issue}/occurrences/"


def _not_found(issues: str, example: str) -> ApiUnavailable:
    return ApiUnavailable(
        f"The API does not find the occurrences of {issues} (such as {example}). Nothing was"
        " loaded; try again later. If this recurs, report it to the operator of the API."
    )
