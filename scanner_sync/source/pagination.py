"""What a listing is: its pages, and how a list that may change meanwhile is read whole.

`OverlapPaginator` is dlt's extension point for pagination; it moves by the rows that came.
"""

import codecs
import json
import math
import re
from typing import Any, Final, NamedTuple

import orjson
import requests
from dlt.sources.helpers.rest_client.paginators import BasePaginator

from scanner_sync.errors import ApiError, ApiUnavailable, ListingUnstable
from scanner_sync.source.rows import UNFIT, to_bigint

_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_DIGITS: Final = re.compile(rb"([0-9]{18})[0-9]+")


class Page(NamedTuple):
    """One answer of a listing, checked."""

    rows: list[dict[str, Any]]
    total: int
    """Rows that the whole listing has, as the API says."""
    has_next: bool


class ApiResponse(requests.Response):
    """An answer whose body was read once: as a page where it is one, else not at all.

    dlt puts `text` into logs and exceptions, so it is empty here.
    """

    resource: str
    """The path that was asked for, below the base URL."""
    page: Page

    def __init__(self, request: requests.PreparedRequest, status: int, resource: str) -> None:
        super().__init__()
        self.request = request
        self.url = str(request.url)
        self.status_code = status
        self.resource = resource

    def json(self, **_: Any) -> dict[str, Any]:
        """What dlt's data selector `results` is applied to."""
        return {"results": self.page.rows}

    @property
    def content(self) -> bytes:
        """Nothing: the body was read already."""
        return b""

    @property
    def text(self) -> str:
        """Nothing: no body may reach a log."""
        return ""


def read_page(body: bytes, resource: str) -> Page:
    """The page that `body` holds.

    Raises `ApiError` where it is no listing, and `ApiUnavailable` where it is not JSON at all: what
    a gateway says in place of the API, or half an answer.
    """

    def fault(what: str) -> ApiError:
        return ApiError(
            f"The API's answer for {resource} is no listing: {what}. Nothing was loaded. Check"
            " API_BASE_URL; if it is right, the API has changed: report it."
        )

    try:
        envelope = _parse(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError:
        if b"\0" in body[:4] or body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise fault("it is UTF-16 or UTF-32, and JSON is UTF-8") from None
        if _is_lax_json(body):
            raise fault("it is no JSON") from None
        raise ApiUnavailable(
            f"The API's answer for {resource} is not JSON, or not all of it. Nothing was loaded;"
            " try again later. If it recurs, check API_BASE_URL."
        ) from None
    except (ValueError, RecursionError):
        raise fault("it has a number too long, or a nesting too deep, to be read") from None
    if not isinstance(envelope, dict):
        raise fault("it is no object")
    rows, count = envelope.get("results"), envelope.get("count")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise fault("results is no array of objects")
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if type(count) is not int or not 0 <= count < 2**63:
        raise fault("count is no number of rows")
    if not {type(row.get("id")) for row in rows} <= {int, float, str}:
        raise fault("a row has no id that is a number or a string")
    return Page(rows, count, bool(envelope.get("next")))


def _parse(body: bytes) -> Any:
    """The JSON in `body`, its integers as they are. Raises `ValueError`, or `RecursionError`."""
    if b"0" * 19 not in body.translate(_DIGITS_TO_ZERO):  # much faster than the expression
        return orjson.loads(body)
    # orjson makes a float of an integer past 64 bits, and Python's json takes what is not JSON. So
    # one checks the form, with the long numbers cut, and the other reads.
    orjson.loads(_LONG_DIGITS.sub(rb"\1", body))
    return json.loads(body, parse_float=_finite)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError
    return number


class OverlapPaginator(BasePaginator):
    """Reads a listing by offset; each page overlaps the one before it by one row.

    The offset moves by the rows that came, so a server that sends fewer than it was asked for costs
    requests, not rows. A page must begin with a row that was read already: then nothing that was
    there all the time lies between the two, whatever was inserted or deleted meanwhile. Where it
    does not, the read steps back a page. Where the rows are fewer than `count` says in the end, the
    listing is read once more. Rows that were read already are dropped.
    """

    MAX_STEPS_BACK: Final = 5
    MAX_READS: Final = 3

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self._offset = 0
        self._overlaps = False
        self._total = 0
        self._seen: set[int | str | float] = set()
        self._steps_back = 0
        self._reads = 1

    def init_request(self, request: requests.Request) -> None:
        """Ask for the first page."""
        self.update_request(request)

    def update_request(self, request: requests.Request) -> None:
        """Ask for the page at the present offset."""
        request.params = {**(request.params or {}), "limit": self.limit, "offset": self._offset}

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Move on, and drop from `data` what was read already."""
        assert isinstance(response, ApiResponse)
        assert data is not None
        page = response.page
        end = self._offset + len(data)
        more = page.has_next or end < page.total
        if self._overlaps:
            contiguous = bool(data) and _key(data[0]) in self._seen
        else:
            contiguous = self._offset == 0 or page.total == self._total
        self._total = page.total
        if not contiguous or (more and not data):
            self._step_back(response.resource, page)
            data.clear()
            return
        fresh = []
        for row in data:
            if _key(row) not in self._seen:
                self._seen.add(_key(row))
                fresh.append(row)
        if more and not fresh and self._reads == 1:
            self._count_step_back(response.resource, page)
        if more:
            # One row a page leaves no room for an overlap; then `count` alone has to stand still.
            self._overlaps = len(data) > 1
            self._offset = end - self._overlaps
        elif len(self._seen) < page.total:
            self._read_again(response.resource, page)
        else:
            self._has_next_page = False
        data[:] = fresh

    def _step_back(self, resource: str, page: Page) -> None:
        self._count_step_back(resource, page)
        self._offset = max(0, min(self._offset, page.total) - self.limit)
        self._overlaps = self._offset > 0

    def _count_step_back(self, resource: str, page: Page) -> None:
        self._steps_back += 1
        if self._steps_back > self.MAX_STEPS_BACK * self._reads:
            raise self._moving(resource, page)

    def _read_again(self, resource: str, page: Page) -> None:
        if self._reads == self.MAX_READS:
            raise self._moving(resource, page)
        self._reads += 1
        self._offset = 0
        self._overlaps = False

    def _moving(self, resource: str, page: Page) -> ListingUnstable:
        return ListingUnstable(
            f"The listing {resource} does not hold still: it says that it has"
            f" {counted(page.total, 'row')}{' and a next page' if page.has_next else ''}, and"
            f" {counted(len(self._seen), 'different one')} came in {counted(self._reads, 'read')}."
            " Nothing was loaded, rather than a list with holes; the next run starts anew."
        )


def counted(number: int, thing: str) -> str:
    """The number of things in words: `1 row`, `2 rows`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _is_lax_json(body: bytes) -> bool:
    """Whether it is whole JSON to Python, which takes NaN, lone surrogates and any depth."""
    try:
        json.loads(body)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _key(row: dict[str, Any]) -> int | str | float:
    """What tells the rows of a listing apart: 7, "7" and 7.0 are one id in BigQuery."""
    key: int | str | float = row["id"]
    if type(key) is int:
        return key
    try:
        return to_bigint(key)
    except UNFIT:
        return key  # the row will be refused
