"""The statuses of the API: what each means, by what came before."""

from collections.abc import Callable
from typing import Final

from scanner_sync.errors import ApiError, ApiRefused
from scanner_sync.schema.tables import TABLES
from scanner_sync.source.budget import is_listing
from scanner_sync.source.connections import ApiRequest, Connections, Reply
from scanner_sync.source.pagination import TABLE_OF, ApiResponse, read_page

GONE: Final = (404, 410)
LACKING: Final = (402, 403, 404, 405, 410, 451, 501)
"""Statuses of a listing that the account does not have: its plan, or the API, does not include it.
A 403 means that only if it is JSON, as all of the API's own; firewalls send other ones."""
FILTER: Final = "remediated_after"
"""A parameter that the API may reject; the listing is then read without it."""
REJECTED: Final = (400, 422)
THROTTLING: Final = (403, 409)
"""Statuses that mean what 429 means if `Retry-After` comes with them."""
REDIRECTS: Final = (301, 302, 303, 307, 308)
ADVICE: Final = {
    304: "A cache on the way answered, although no copy is kept here.",
    402: "Check the plan of the account.",
}
"""What to do about a status, where that is not to check API_BASE_URL."""


class Statuses:
    """What responses mean. `token_source` and `connections` are named in errors.

    `on_page` is called for each page of a listing. See `ApiSession`.
    """

    def __init__(
        self, token_source: str, connections: Connections, on_page: Callable[[str, int], None]
    ) -> None:
        self._token_source = token_source
        self._connections = connections
        self._on_page = on_page
        self._listings: set[str] = set()
        """Paths of the listings that returned a page."""

    def is_lost(self, resource: str, status: int) -> bool:
        """Tell whether a listing is not found that was there before."""
        return status in GONE and resource in self._listings

    def response(self, request: ApiRequest, resource: str, reply: Reply) -> ApiResponse:
        """Return a response with its page, or without one if the caller knows its status.

        The caller returns such a response, or sends the request again. Raises for other statuses.
        """
        status = reply.status
        response = ApiResponse(request, status, resource, reply.close)
        if status in GONE and not is_listing(resource):
            return response  # what it means depends on the listing that it is part of
        is_json = "json" in reply.headers.get("Content-Type", "").lower()
        if status in LACKING and (is_json or status != 403) and self._may_lack(resource):
            return response
        if status in REJECTED and FILTER in request.params and resource not in self._listings:
            return response  # `send` sends it without the filter
        if status in (401, 403):
            raise ApiRefused(
                f"The API rejects the token (status {status} for {resource}). Check the token in"
                f" {self._token_source}: it may be revoked, expired or from another account."
                + ("" if is_json else " Or a firewall sent this response: it is not JSON.")
            )
        if status == 407 and self._connections.proxy:
            raise self._connections.proxy_rejection(status)
        if status in REDIRECTS:
            raise ApiError(
                f"The API redirects {resource} (status {status}). Redirects are not followed,"
                " because they would take the token along. Check API_BASE_URL."
            )
        if status != 200:
            place, advice = place_of(request, resource), ADVICE.get(status, "Check API_BASE_URL.")
            if place != resource:
                advice = "It gave the pages before, so it may limit the offset: please report it."
            raise ApiError(
                f"The API gave status {status} for {place}. Nothing was loaded. {advice}"
            )
        response.page = read_page(reply.body, resource)
        if is_listing(resource):
            self._listings.add(resource)
            self._on_page(resource, response.page.total)
        return response

    def _may_lack(self, resource: str) -> bool:
        """Tell whether an account may lack a listing, which is not the case if it was there."""
        table = TABLES.get(TABLE_OF.get(resource, ""))
        return bool(table and table.is_optional) and resource not in self._listings


def place_of(request: ApiRequest, resource: str) -> str:
    """Return the requested path below the base URL, with the offset if it is not the first."""
    offset = request.params.get("offset", 0)
    return f"{resource} at offset {offset}" if int(offset) else resource
