"""How the API is read: a transport that retries, and a paginator that loses no row.

Both are dlt's extension points. `ApiTransport` is mounted on the `requests` session that dlt's REST
client uses, below its hooks, so that every request passes through it: it keeps the token at the
configured origin, limits how many requests are under way, retries, and hands on only what is a
listing. `OverlapPaginator` moves by the rows that came.
"""

import email.utils
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import orjson
import requests
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    ContentDecodingError,
    SSLError,
    Timeout,
)

from scanner_sync.deadline import Deadline
from scanner_sync.errors import ApiError, ApiRefused, ApiUnavailable, ListingUnstable

RETRIES: Final = 3
BACKOFF_FACTOR: Final = 2.0
"""Seconds before the first retry; each further one waits twice as long."""
RETRIED_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
CONNECT_TIMEOUT: Final = 10.0
"""Seconds."""
READ_TIMEOUT: Final = 60.0
"""Seconds without a byte."""
MAX_BODY: Final = 64 * 2**20
"""Bytes. A page of 100 rows takes about 0.1 MiB."""


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

    def __init__(self, response: requests.Response, resource: str) -> None:
        super().__init__()
        self.__dict__.update(response.__dict__)
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


@dataclass
class Traffic:
    """What was asked of the API in one run. Several threads count."""

    requests: int = 0
    """Requests sent, the retries among them."""
    retries: int = 0
    throttled: int = 0
    """Answers of 429."""
    vanished: int = 0
    """Issues that were gone when their occurrences were asked for."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, name: str) -> None:
        """Add one to the figure of that name."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)


class ApiTransport(HTTPAdapter):
    """Sends requests to the one origin of the API, and answers pages or raises a `SyncError`.

    Status 404 is handed on, because what it means depends on the resource. 429, 500, 502, 503, 504,
    lost connections, time-outs and bodies cut short are retried 3 times, after 2, 4 and 8 seconds
    and up to half as much again, or after what `Retry-After` says; while one request waits for the
    quota, all do.
    """

    def __init__(
        self, base_url: str, *, token_source: str, max_concurrent: int, deadline: Deadline
    ) -> None:
        super().__init__(pool_maxsize=max_concurrent)
        self.traffic = Traffic()
        self._origin = _origin(base_url)
        self._base_path = urlsplit(base_url).path
        self._token_source = token_source
        self._deadline = deadline
        self._slots = threading.BoundedSemaphore(max_concurrent)
        self._quota_opens = 0.0

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer to `request`, after as many retries as it takes."""
        resource = self._resource(request)
        started = time.monotonic()
        for attempt in range(RETRIES + 1):
            if attempt:
                self.traffic.count("retries")
            self._wait_for_quota()
            try:
                with self._slots:
                    self.traffic.count("requests")
                    response = super().send(
                        request,
                        stream=True,
                        timeout=self._timeouts(),
                        verify=verify,
                        cert=cert,
                        proxies=proxies,
                    )
                    body = _read(response, resource)
            except SSLError:
                raise ApiError(
                    f"The TLS certificate of {self._origin} is not accepted. Check API_BASE_URL."
                ) from None
            except (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError) as error:
                fault = f"no whole answer ({type(error).__name__})"
                retry_after = None
            else:
                status = response.status_code
                if status not in RETRIED_STATUSES:
                    return self._accept(response, body, resource)
                fault = f"status {status}"
                retry_after = _retry_after(response)
                if status == 429:
                    self.traffic.count("throttled")
            if attempt < RETRIES:
                jitter = random.uniform(1.0, 1.5)  # noqa: S311 - it keeps no secret
                delay = BACKOFF_FACTOR * 2**attempt * jitter
                self._wait(delay if retry_after is None else retry_after, resource, fault)
        raise ApiUnavailable(
            f"The API gave {fault} for {resource}, {RETRIES + 1} times in"
            f" {time.monotonic() - started:.0f} seconds. Nothing was loaded; try again later.",
            retry_after=None if retry_after is None else round(retry_after),
        )

    def _resource(self, request: requests.PreparedRequest) -> str:
        """The path that is asked for, below the base URL."""
        url = request.url or ""
        if _origin(url) != self._origin:
            raise ApiError(
                f"A request would have left {self._origin}, and the token with it. It was not"
                " sent. Check API_BASE_URL."
            )
        return urlsplit(url).path.removeprefix(self._base_path)

    def _timeouts(self) -> tuple[float, float]:
        remaining = self._deadline.remaining
        if not remaining:
            raise self._deadline.exceeded()
        return min(CONNECT_TIMEOUT, remaining), min(READ_TIMEOUT, remaining)

    def _wait(self, seconds: float, resource: str, fault: str) -> None:
        """Wait before a retry; where that is for the quota, all threads do."""
        remaining = self._deadline.remaining
        if not remaining:
            raise self._deadline.exceeded()
        if seconds >= remaining:
            raise ApiUnavailable(
                f"The API gave {fault} for {resource} and is to be asked again in"
                f" {seconds:.0f} seconds, which is past this run's deadline. Nothing was loaded;"
                " the next run starts anew.",
                retry_after=round(seconds),
            )
        if fault == "status 429":
            self._quota_opens = max(self._quota_opens, time.monotonic() + seconds)
        else:
            time.sleep(seconds)

    def _wait_for_quota(self) -> None:
        while (seconds := self._quota_opens - time.monotonic()) > 0:
            if seconds >= self._deadline.remaining:
                raise self._deadline.exceeded()
            time.sleep(seconds)

    def _accept(self, response: requests.Response, body: bytes, resource: str) -> requests.Response:
        status = response.status_code
        if status == 404:
            return ApiResponse(response, resource)
        if status in (401, 403):
            raise ApiRefused(
                f"The API refuses the token (status {status} for {resource}). Check the token in"
                f" {self._token_source}: it may be revoked, expired or of another account."
            )
        if 300 <= status < 400:
            raise ApiError(
                f"The API redirects {resource} (status {status}). No redirect is followed, because"
                " the token would go along. Check API_BASE_URL."
            )
        if status != 200:
            raise ApiError(f"The API gave status {status} for {resource}. Nothing was loaded.")
        accepted = ApiResponse(response, resource)
        accepted.page = read_page(body, resource)
        return accepted


def read_page(body: bytes, resource: str) -> Page:
    """The page that `body` holds. Raises `ApiError` where it is no listing."""

    def fault(what: str) -> ApiError:
        return ApiError(
            f"The API's answer for {resource} is no listing: {what}. Nothing was loaded. Check"
            " API_BASE_URL; if it is right, the API has changed: report it."
        )

    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise fault("it is no JSON") from None
    if not isinstance(envelope, dict):
        raise fault("it is no object")
    rows, count = envelope.get("results"), envelope.get("count")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise fault("results is no array of objects")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise fault("count is no number of rows")
    if not all(isinstance(row.get("id"), int | str) for row in rows):
        raise fault("a row has no id that is a number or a string")
    return Page(rows, count, envelope.get("next") is not None)


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
        self._seen: set[int | str] = set()
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
        contiguous = not self._overlaps or (bool(data) and data[0]["id"] in self._seen)
        if not contiguous or (more and not data):
            self._step_back(response.resource, page)
            data.clear()
            return
        fresh = [row for row in data if row["id"] not in self._seen]
        self._seen.update(row["id"] for row in fresh)
        if more and not fresh and self._reads == 1:
            self._count_step_back(response.resource, page)
        if more:
            # One row a page leaves no room for an overlap.
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
        self._reads += 1
        if self._reads > self.MAX_READS:
            raise self._moving(resource, page)
        self._offset = 0
        self._overlaps = False

    def _moving(self, resource: str, page: Page) -> ListingUnstable:
        return ListingUnstable(
            f"The listing {resource} does not hold still: it says that it has {page.total} rows,"
            f" and {len(self._seen)} different ones came in {self._reads} reads. Nothing was loaded"
            ", rather than a list with holes; the next run starts anew."
        )


def _read(response: requests.Response, resource: str) -> bytes:
    """The body, at most `MAX_BODY` bytes of it."""
    chunks = []
    size = 0
    for chunk in response.iter_content(2**16):
        size += len(chunk)
        if size > MAX_BODY:
            response.close()
            raise ApiError(
                f"The API's answer for {resource} is longer than {MAX_BODY // 2**20} MiB."
                " Nothing was loaded. Lower PAGE_SIZE."
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the answer asks to wait, which it gives as such or as a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, moment.timestamp() - time.time())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"
