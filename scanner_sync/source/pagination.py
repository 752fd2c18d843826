"""The pages of a listing, and how to read all of it while it may change.

`OverlapPaginator` plugs into dlt's REST client, whose own offset paginator loses rows when the list
moves or when a page is shorter than it asked for.
"""

import codecs
import json
import logging
import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, NoReturn, Self

import orjson
import requests
from dlt.sources.helpers.rest_client.paginators import BasePaginator

from scanner_sync import log
from scanner_sync.errors import ApiError, ApiUnavailable, ListingUnstable, counted, shown
from scanner_sync.schema.columns import ColumnType
from scanner_sync.schema.tables import TABLES
from scanner_sync.source.rows import CONVERSIONS, UNFIT

OCCURRENCES_PATH: Final = re.compile(r"issues/-?[0-9]+/occurrences/")
"""Path of the occurrences of an issue, below the base URL."""
TABLE_OF: Final = {table.path: name for name, table in TABLES.items() if table.path}
"""The tables by the paths of their listings."""
PAUSES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each step back. Together they outlast a cache of 5 seconds in front of the API, in
which pages of a listing are of different times."""
_GZIP: Final = b"\x1f\x8b"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""A lone surrogate in a string: Python's json joins the two halves of a pair."""
_ROW_ONLY: Final = "licenses/"
"""Clients disagree whether this is a listing of one row, or the row itself."""
_ROWS_ONLY: Final = "scans/schedules/"
"""Clients disagree whether this is a listing, or an array of all rows."""

OnPage = Callable[[str, list[dict[str, Any]], int | None], None]
"""See `OverlapPaginator`."""

_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_DIGITS: Final = re.compile(rb"([0-9]{18})[0-9]+")


class Page(NamedTuple):
    """One page of a listing, validated."""

    rows: list[dict[str, Any]]
    total: int
    """Rows of the whole listing, according to the API."""
    has_next: bool


class ApiResponse(requests.Response):
    """A response whose body has been parsed into a page, if it is one.

    dlt puts `text` into logs and exceptions, so it is empty here.
    """

    resource: str
    """The requested path below the base URL."""
    page: Page

    def __init__(
        self,
        request: requests.PreparedRequest,
        status: int,
        resource: str,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.request = request
        self.url = str(request.url)
        self.status_code = status
        self.resource = resource
        self._on_close = on_close

    def close(self) -> None:
        """Note that the rows are no longer in memory, or soon not, so that others can be read."""
        self._on_close()

    def json(self, **_: Any) -> dict[str, Any]:
        """Return the rows, where dlt's data selector `results` finds them."""
        return {"results": self.page.rows}

    @property
    def content(self) -> bytes:
        """Return nothing: the body has been read."""
        return b""

    @property
    def text(self) -> str:
        """Return nothing: a body must not reach a log."""
        return ""


def read_page(body: bytes, resource: str) -> Page:
    """Parse and validate a page.

    Raises `ApiError` if `body` is not a page of a listing. Raises `ApiUnavailable` if it is not
    JSON at all, because then a gateway answered in place of the API, or the body was truncated.

    A lone surrogate, such as half of an emoji, is no valid JSON. In text it becomes U+FFFD, with a
    line in the log. In a key, or in the name of a field, it is a fault: two could become one.
    """

    def fault(what: str) -> ApiError:
        return ApiError(
            f"The API's response for {resource} is not a listing: {what}. Nothing was loaded. Check"
            " API_BASE_URL. If it is correct, the API has changed; please report it."
        )

    is_valid = True
    try:
        envelope = _parse(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError:
        is_valid = False
        envelope = _parse_invalid(body, resource, fault)
    except (ValueError, RecursionError):
        raise fault("it has a number that is too long, or nesting that is too deep") from None
    if resource == _ROWS_ONLY and isinstance(envelope, list):
        envelope = {"results": envelope, "count": len(envelope)}
    if not isinstance(envelope, dict):
        raise fault("it is not an object")
    if resource == _ROW_ONLY and "results" not in envelope:
        envelope = {"results": [envelope], "count": 1}
    rows, count = envelope.get("results"), envelope.get("count")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise fault("results is not an array of objects")
    if not is_valid and not _replace_surrogates(rows, resource, fault):
        raise fault("it is not valid JSON")
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if type(count) is not int or not 0 <= count < 2**63:
        raise fault("count is not a number of rows")
    for name in list(key_of(resource))[:1]:
        if not {type(row.get(name)) for row in rows} <= {int, float, str}:
            raise fault(f"a row has no {name} that is a number or a string")
    return Page(rows, count, bool(envelope.get("next")))


def _parse(body: bytes) -> Any:
    """Parse JSON, keeping integers of any size. Raises `ValueError` or `RecursionError`."""
    if b"0" * 19 not in body.translate(_DIGITS_TO_ZERO):  # much faster than a regular expression
        return orjson.loads(body)
    # orjson turns an integer past 64 bits into a float, and Python's json accepts more than JSON.
    # So orjson validates the text, with long numbers shortened, and json parses it.
    orjson.loads(_LONG_DIGITS.sub(rb"\1", body))
    return json.loads(body, parse_float=_finite)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError
    return number


def _parse_invalid(body: bytes, resource: str, fault: Callable[[str], ApiError]) -> Any:
    """Parse JSON that has lone surrogates, or is deeply nested. Raises as `read_page` does."""

    def refuse(_: str) -> NoReturn:
        raise fault("it is not valid JSON")

    def number(digits: str) -> float:
        found = float(digits)
        return refuse(digits) if math.isinf(found) else found

    if body.startswith(_GZIP):
        raise fault("it is gzip, which its headers do not say") from None
    if not json.detect_encoding(body).startswith("utf-8"):
        raise fault("it is UTF-16 or UTF-32, not UTF-8") from None
    try:
        return json.loads(body, parse_constant=refuse, parse_float=number)
    except RecursionError:
        refuse("")
    except ValueError:
        raise ApiUnavailable(
            f"The API's response for {resource} is not complete JSON. Nothing was loaded; try again"
            " later. If this recurs, check API_BASE_URL."
        ) from None


def _replace_surrogates(
    rows: list[dict[str, Any]], resource: str, fault: Callable[[str], ApiError]
) -> bool:
    """Replace lone surrogates in the text of rows, log where, and return whether there were any.

    Raises what `fault` returns if one is in a key or in the name of a field.
    """
    key, fields, ids = key_of(resource), set[str](), []
    for number, row in enumerate(rows, 1):
        for name, value in row.items():
            try:
                replaced = _replaced({name: value})[name]
            except ValueError:
                raise fault(
                    f"row {number} has a lone surrogate in a name of field {shown(name)}"
                ) from None
            except RecursionError:
                return False
            if replaced == value:
                continue
            if name in key:
                raise fault(f"row {number} has a lone surrogate in its key {name}")
            row[name] = replaced
            fields.add(name)
            ids.append(row.get("id"))
    if fields:
        rows_of = [id for id in dict.fromkeys(ids) if isinstance(id, int)]
        log.event(
            "text_replaced",
            logging.WARNING,
            resource=resource,
            rows=rows_of,
            fields=sorted(map(shown, fields)),
        )
    return bool(fields)


def _replaced(value: Any) -> Any:
    """Return a JSON value with U+FFFD in place of lone surrogates. `ValueError` if in a name."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replaced(inner) for inner in value]
    if isinstance(value, dict):
        if any(map(_SURROGATE.search, value)):
            raise ValueError
        return {name: _replaced(inner) for name, inner in value.items()}
    return value


class OverlapPaginator(BasePaginator):
    """Read a listing by offset; each page overlaps the one before it by one row.

    The offset moves by the number of rows received, so a server that sends short pages costs
    requests, not rows. A page must begin with a row that was read before: then no row that stayed
    in the list was skipped, whatever was inserted or deleted meanwhile. If it does not, the read
    steps back by a page. If there are fewer rows in the end than `count` says, the listing is read
    again. Rows that were read before are dropped.

    `on_page` gets the rows of each page in place of dlt, which holds the rows of a dependent
    resource until the last page of a parent came. It is called with the path of the listing below
    the base URL, the rows, and the number of all rows of the listing if these are the last, else
    None.

    Before each step back, and before each further read, `pause` is called with seconds to wait. If
    this does not succeed within `MAX_STEPS_BACK` and `MAX_READS`, `leave_out` is called with the
    path and the reason. If that returns False, `ListingUnstable` is raised.
    """

    MAX_STEPS_BACK: Final = 5
    MAX_READS: Final = 3

    def __init__(
        self,
        limit: int,
        *,
        pause: Callable[[float], None] = time.sleep,
        on_page: OnPage | None = None,
        leave_out: Callable[[str, str], bool] = lambda resource, reason: False,
    ) -> None:
        super().__init__()
        self.limit = limit
        self._pause = pause
        self._on_page = on_page
        self._leave_out = leave_out
        self._offset = self._largest_offset = 0
        self._overlaps = False
        self._total = 0
        # Of 5,000 ids, a dict takes 0.14 MiB and a set 0.5.
        self._seen: dict[object, None] = {}
        self._steps_back = 0
        self._reads = 1

    def __deepcopy__(self, _: object) -> Self:
        """Return one that begins at the first page: dlt copies it for each issue, in every part."""
        return type(self)(
            self.limit, pause=self._pause, on_page=self._on_page, leave_out=self._leave_out
        )

    def update_request(self, request: requests.Request) -> None:
        """Request the page at the current offset."""
        request.params = {**(request.params or {}), "limit": self.limit, "offset": self._offset}

    init_request = update_request

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Move the offset, and drop from `data` the rows that were read before.

        The response is closed in any case.
        """
        assert isinstance(response, ApiResponse)
        assert data is not None
        with response:
            self._update(response, data)

    def _update(self, response: ApiResponse, data: list[Any]) -> None:
        page = response.page
        fields = key_of(response.resource)
        keys = [_key(row, fields) for row in data]
        self._largest_offset = max(self._largest_offset, self._offset)
        end = self._offset + len(data)
        more = page.has_next or end < page.total
        if self._overlaps:
            contiguous = bool(data) and keys[0] in self._seen
        else:
            contiguous = self._offset == 0 or page.total == self._total
        self._total = page.total
        if not contiguous or (more and not data):
            data.clear()
            response.close()  # before the pause
            self._step_back(response.resource, page)
            return
        total = None
        fresh = []
        for key, row in zip(keys, data, strict=True):
            if key not in self._seen:
                self._seen[key] = None
                fresh.append(row)
        if more and not fresh and self._reads == 1:
            self._count_step_back(response.resource, page)
        if more:
            # A page of one row cannot overlap; then only a `count` that stays the same shows that
            # the list did not move.
            self._overlaps = len(data) > 1
            self._offset = end - self._overlaps
        elif len(self._seen) < page.total:
            self._read_again(response.resource, page)
        else:
            self._has_next_page = False
            total = len(self._seen)
        if self._on_page:
            data.clear()
            self._on_page(response.resource, fresh, total)
        else:
            data[:] = fresh

    def _step_back(self, resource: str, page: Page) -> None:
        self._count_step_back(resource, page)
        self._offset = max(0, min(self._offset, page.total) - self.limit)
        self._overlaps = self._offset > 0

    def _count_step_back(self, resource: str, page: Page) -> None:
        if self._steps_back == self.MAX_STEPS_BACK * self._reads:
            self._give_up(resource, page)
            return
        self._pause(PAUSES[min(self._steps_back, len(PAUSES) - 1)])
        self._steps_back += 1

    def _read_again(self, resource: str, page: Page) -> None:
        if self._reads == self.MAX_READS:
            self._give_up(resource, page)
            return
        self._pause(PAUSES[self._reads - self.MAX_READS])
        self._reads += 1
        self._offset = 0
        self._overlaps = False

    def _give_up(self, resource: str, page: Page) -> None:
        reason = (
            f"The listing {resource} is not stable: it reports {counted(page.total, 'row')}"
            f"{' and a next page' if page.has_next else ''}, but"
            f" {counted(len(self._seen), 'different row')} came in {counted(self._reads, 'read')}."
            f" The largest offset was {self._largest_offset}."
        )
        if not self._leave_out(resource, reason):
            raise ListingUnstable(
                f"{reason} Nothing was loaded, because rows may be missing. The next sync starts"
                " over."
            )
        self._has_next_page = False


def issue_of(path: str) -> int:
    """Return the id of the issue whose occurrences have this path."""
    return int(path.split("/")[1])


def key_of(resource: str) -> dict[str, ColumnType]:
    """Return the fields that tell the rows of a listing apart, with the types of their columns.

    The listing is named by its path.
    """
    if resource == _ROW_ONLY:
        return {}
    table = TABLES[TABLE_OF.get(resource, "occurrences_issues")]
    # The occurrences of one issue all have the same `issue_id`, which the API does not send.
    return {name: table.columns[name].type for name in table.key if name != "issue_id"}


def _key(row: dict[str, Any], fields: Mapping[str, ColumnType]) -> object:
    """Return the key of a row as BigQuery stores it: as an integer, 7, "7" and 7.0 are the same.

    It is a tuple only if there are several fields, because a listing may have 100,000 rows.
    """
    key = [_stored(row.get(name), kind) for name, kind in fields.items()]
    return key[0] if len(key) == 1 else tuple(key)


def _stored(value: object, kind: ColumnType) -> object:
    try:
        return CONVERSIONS[kind](value)
    except UNFIT:
        return f"unfit {value!r}"  # `to_row` will reject the row
