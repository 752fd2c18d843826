"""How the API is asked: one session for every request, which retries and keeps the token in.

It is the `requests` session that dlt's REST client uses. It keeps the token at the configured
origin, limits how many requests are under way and how fast they follow each other, retries, and
hands on only what is a listing.
"""

import email.utils
import math
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit

import certifi
import requests
import urllib3
from urllib3.exceptions import HTTPError, SSLError

from scanner_sync import __version__
from scanner_sync.deadline import Deadline
from scanner_sync.errors import (
    ApiError,
    ApiRefused,
    ApiUnavailable,
)
from scanner_sync.listing import ApiResponse, Page, counted, read_page
from scanner_sync.pace import Pace

RETRIES: Final = 3
BACKOFF_FACTOR: Final = 2.0
"""Seconds before the first retry; each further one waits twice as long."""
RETRIED_STATUSES: Final = frozenset(
    {429, 500, 502, 503, 504, 408, 425, *range(520, 528), 530, *range(100, 200)}
)
"""Five that the API's guide names, and others that pass: 408 and 425, which ask to send the request
again; 520 to 527 and 530, with which a CDN says that it did not reach the API; and 1xx, after which
the answer was still to come."""
GONE: Final = (404, 410)
CONNECT_TIMEOUT: Final = 10.0
"""Seconds."""
READ_TIMEOUT: Final = 60.0
"""Seconds without a byte."""
LONGEST_RETRY_AFTER: Final = 86_400.0
"""Seconds; a server that asks for more is taken to ask for a day."""
HEADERS: Final = {
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"scanner-sync/{__version__}",
}
MAX_BODY: Final = 64 * 2**20
"""Bytes. A page of 100 rows takes about 0.1 MiB."""


@dataclass
class Traffic:
    """What was asked of the API in one run. Several threads count."""

    requests: int = 0
    """Requests sent, the retries among them."""
    retries: int = 0
    throttled: int = 0
    """Answers of 429."""
    not_found: set[int] = field(default_factory=set)
    """Issues whose occurrences were answered with 404 or 410."""
    vanished: int = 0
    """Those of them that the listing no longer had at the end."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, name: str) -> None:
        """Add one to the figure of that name."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)


class ApiSession(requests.Session):
    """Sends requests to the one origin of the API, and answers pages or raises a `SyncError`.

    Statuses 404 and 410 are handed on, because what they mean depends on the resource. What passes
    is retried 3 times, after 2, 4 and 8 seconds and up to half as much again, or after what
    `Retry-After` says: `RETRIED_STATUSES`, lost connections, time-outs, bodies cut short, what is
    not JSON, and a 404 for a listing that was there before. When the quota refuses one request, all
    go slower, and where it says how long to wait, all wait.

    Requests go out by urllib3 alone. What `requests` does besides (cookies, redirects, settings to
    merge) is of no use here, and takes half of a request's processor time.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token_source: str,
        max_concurrent: int,
        deadline: Deadline,
        on_page: Callable[[str, Page], None] = lambda resource, page: None,
    ) -> None:
        super().__init__()
        self.traffic = Traffic()
        self._origin = _origin(base_url)
        self._base_path = urlsplit(base_url).path
        self._token_source = token_source
        self._deadline = deadline
        self._on_page = on_page
        self._slots = threading.BoundedSemaphore(max_concurrent)
        self._pace = Pace()
        self._connections = _connections(base_url, max_concurrent)
        self._listings: set[str] = set()
        """Paths of the listings that gave a page."""

    def __deepcopy__(self, _: object) -> Self:
        """Itself: dlt copies a configuration to check it, and there is one session."""
        return self

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """The request as it is sent, with nothing from elsewhere."""
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=request.method,
            url=request.url,
            headers=HEADERS | dict(request.headers),
            params=request.params,
            auth=request.auth,
            hooks=request.hooks,
        )
        return prepared

    def merge_environment_settings(self, *_: Any) -> dict[str, Any]:  # type: ignore[override]
        """Nothing: what the environment says was read once, for all requests."""
        return {}

    def close(self) -> None:
        """Close all connections."""
        self._connections.clear()

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """The answer to `request`, after as many retries as it takes."""
        response: requests.Response = self._ask(request)
        for hook in request.hooks["response"]:
            response = hook(response) or response
        return response

    def _ask(self, request: requests.PreparedRequest) -> ApiResponse:
        resource = self._resource(request)
        started = time.monotonic()
        for attempt in range(RETRIES + 1):
            if attempt:
                self.traffic.count("retries")
            try:
                with self._slots:
                    # In here, so that what waits for a slot is not sent late into a closed door.
                    while seconds := self._pace.seconds_to_turn():
                        self._wait(seconds, resource)
                    sent = time.monotonic()
                    self.traffic.count("requests")
                    response = self._connections.urlopen(
                        str(request.method),
                        str(request.url),
                        headers=request.headers,
                        timeout=self._timeouts(),
                        redirect=False,
                        retries=False,
                        preload_content=False,
                    )
                    body = _read(response, resource)
            except HTTPError as error:
                if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise ApiError(
                        f"The TLS certificate of {self._origin} is not valid. Check API_BASE_URL."
                    ) from None
                fault = f"no whole answer ({type(error).__name__})"
                retry_after = None
            else:
                status = response.status
                fault = f"status {status}"
                retry_after = _retry_after(response)
                was_there = resource in self._listings
                if status not in RETRIED_STATUSES and not (status in GONE and was_there):
                    self._pace.answered(sent)
                    answer = ApiResponse(request, status, resource)
                    answer.headers["Content-Type"] = response.headers.get("Content-Type", "")
                    try:
                        return self._accept(answer, body)
                    except ApiUnavailable:
                        fault = "no JSON (if it recurs, check API_BASE_URL)"
                if status == 429:
                    self.traffic.count("throttled")
                    self._pace.refused(sent, retry_after)
            if attempt < RETRIES:
                jitter = random.uniform(1.0, 1.5)  # noqa: S311 - it keeps no secret
                delay = BACKOFF_FACTOR * 2**attempt * jitter
                self._wait(retry_after or delay, resource, fault)
        raise ApiUnavailable(
            f"The API gave {fault} for {resource}, {RETRIES + 1} times in"
            f" {counted(round(time.monotonic() - started), 'second')}. Nothing was loaded; try"
            " again later.",
            retry_after=None if retry_after is None else math.ceil(retry_after),
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

    def _timeouts(self) -> urllib3.Timeout:
        remaining = self._deadline.remaining
        if not remaining:
            raise self._deadline.exceeded()
        return urllib3.Timeout(
            connect=min(CONNECT_TIMEOUT, remaining), read=min(READ_TIMEOUT, remaining)
        )

    def _wait(self, seconds: float, resource: str, fault: str = "a full quota") -> None:
        """Wait, if that ends before the deadline; else say so now."""
        remaining = self._deadline.remaining
        if not remaining:
            raise self._deadline.exceeded()
        if seconds >= remaining:
            raise ApiUnavailable(
                f"The API gave {fault} for {resource} and is to be asked again in"
                f" {counted(math.ceil(seconds), 'second')}, which is past this run's deadline."
                " Nothing was loaded; the next run starts anew.",
                retry_after=math.ceil(seconds),
            )
        time.sleep(seconds)

    def _accept(self, response: ApiResponse, body: bytes) -> ApiResponse:
        status, resource = response.status_code, response.resource
        if status in GONE:
            return response
        if status in (401, 403):
            other = (
                " It was not the API's JSON: a firewall in between may refuse the request instead."
            )
            raise ApiRefused(
                f"The API refuses the token (status {status} for {resource}). Check the token in"
                f" {self._token_source}: it may be revoked, expired or of another account."
                + ("" if "json" in response.headers["Content-Type"].lower() else other)
            )
        if 300 <= status < 400:
            raise ApiError(
                f"The API redirects {resource} (status {status}). No redirect is followed, because"
                " the token would go along. Check API_BASE_URL."
            )
        if status != 200:
            raise ApiError(f"The API gave status {status} for {resource}. Nothing was loaded.")
        response.page = read_page(body, resource)
        if resource.count("/") == 1:
            self._listings.add(resource)
        self._on_page(resource, response.page)
        return response


def _connections(base_url: str, most: int) -> urllib3.PoolManager:
    """Connections to the API, with what the environment says of proxies and certificates."""
    environment = requests.Session().merge_environment_settings(base_url, {}, None, None, None)
    verify = environment["verify"]
    options: dict[str, Any] = {
        "maxsize": most,
        "cert_reqs": "CERT_REQUIRED",
        "ca_certs": certifi.where() if verify is True else verify,
    }
    proxy = requests.utils.select_proxy(base_url, environment["proxies"])
    return urllib3.proxy_from_url(proxy, **options) if proxy else urllib3.PoolManager(**options)


def _read(response: urllib3.BaseHTTPResponse, resource: str) -> bytes:
    """The body of an answer that may hold rows, at most `MAX_BODY` bytes of it."""
    if response.status != 200:
        # Unread, so that a body cut short hides no status; and what comes late on this connection,
        # as the answer does after 103, is not taken for the answer to the next request.
        response.close()
        return b""
    body = response.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        response.close()
        raise ApiError(
            f"The API's answer for {resource} is longer than {MAX_BODY // 2**20} MiB."
            " Nothing was loaded. Lower PAGE_SIZE."
        )
    return body


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds that the answer asks to wait, which it gives as such or as a date."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        if re.fullmatch(r"\d+(\.\d*)?", value, re.ASCII):
            seconds = float(value)
        else:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"
