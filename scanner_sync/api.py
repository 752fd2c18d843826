"""How the API is asked: one session for every request, which retries and keeps the token in.

It is the `requests` session that dlt's REST client uses. It keeps the token at the configured
origin, limits how many requests are under way and how fast they follow each other, retries, and
hands on only what is a listing.
"""

import email.utils
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit

import certifi
import requests
import urllib3
from urllib3.exceptions import HTTPError, SSLError

from scanner_sync import __version__
from scanner_sync.deadline import Deadline
from scanner_sync.errors import ApiError, ApiRefused, ApiUnavailable
from scanner_sync.listing import ApiResponse, Page, read_page
from scanner_sync.rate_limit import AdaptiveRateLimiter, Turn

RETRIES: Final = 3
BACKOFF_FACTOR: Final = 2.0
"""Seconds before the first retry; each further one waits twice as long."""
RETRIED_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
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
    vanished: int = 0
    """Issues that were gone when their occurrences were asked for."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, name: str) -> None:
        """Add one to the figure of that name."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)


class ApiSession(requests.Session):
    """Sends requests to the one origin of the API, and answers pages or raises a `SyncError`.

    Status 404 is handed on, because what it means depends on the resource. 429, 500, 502, 503, 504,
    lost connections, time-outs and bodies cut short are retried 3 times, after 2, 4 and 8 seconds
    and up to half as much again, or after what `Retry-After` says. All requests share one
    `AdaptiveRateLimiter`: where a 429 says how long to wait, all wait, and where it turns out not
    to come from a full quota, its retry goes out at once.

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
        self._limiter = AdaptiveRateLimiter(max_concurrent)
        self._connections = _connections(base_url, max_concurrent)

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
        turn = Turn()
        for attempt in range(RETRIES + 1):
            if attempt:
                self.traffic.count("retries")
            try:
                with self._turn(turn, resource):
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
                    status, retry_after = response.status, _retry_after(response)
                    if status == 429:
                        self.traffic.count("throttled")
                        self._limiter.refused(turn, retry_after)
                    elif status not in RETRIED_STATUSES:
                        self._limiter.accepted(turn)
            except HTTPError as error:
                if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise ApiError(
                        f"The TLS certificate of {self._origin} is not valid. Check API_BASE_URL."
                    ) from None
                fault = f"no whole answer ({type(error).__name__})"
                status, retry_after = 0, None
            else:
                if status not in RETRIED_STATUSES:
                    return self._accept(ApiResponse(request, status, resource), body)
                fault = f"status {status}"
            # Where all wait, the limiter says how long, and a place in its queue is kept.
            if attempt < RETRIES and not (status == 429 and retry_after):
                jitter = random.uniform(1.0, 1.5)  # noqa: S311 - it keeps no secret
                delay = BACKOFF_FACTOR * 2**attempt * jitter
                self._wait(turn, retry_after or delay, resource, fault)
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

    def _timeouts(self) -> urllib3.Timeout:
        remaining = self._deadline.remaining
        if not remaining:
            raise self._deadline.exceeded()
        return urllib3.Timeout(
            connect=min(CONNECT_TIMEOUT, remaining), read=min(READ_TIMEOUT, remaining)
        )

    @contextmanager
    def _turn(self, turn: Turn, resource: str) -> Iterator[None]:
        """Wait for the turn of a request, and give its slot back in the end."""
        try:
            while seconds := self._limiter.acquire(turn):
                self._wait(turn, seconds, resource)
            yield
        finally:
            self._limiter.release(turn)

    def _wait(self, turn: Turn, seconds: float, resource: str, fault: str = "status 429") -> None:
        """Wait until the turn is woken or the time is over; say so now if the deadline is first."""
        remaining = self._deadline.remaining
        if not remaining:
            raise self._deadline.exceeded()
        if remaining <= seconds < math.inf:
            raise ApiUnavailable(
                f"The API gave {fault} for {resource} and is to be asked again in"
                f" {seconds:.0f} seconds, which is past this run's deadline. Nothing was loaded;"
                " the next run starts anew.",
                retry_after=round(seconds),
            )
        turn.woken.wait(min(seconds, remaining))

    def _accept(self, response: ApiResponse, body: bytes) -> ApiResponse:
        status, resource = response.status_code, response.resource
        if status == 404:
            return response
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
        response.page = read_page(body, resource)
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
    """The body, at most `MAX_BODY` bytes of it."""
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
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return min(max(0.0, moment.timestamp() - time.time()), LONGEST_RETRY_AFTER)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"
