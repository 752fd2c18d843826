"""How the API is asked: one transport for every request, which retries and keeps the token in.

It is mounted on the `requests` session that dlt's REST client uses, below its hooks. It keeps the
token at the configured origin, limits how many requests are under way and how fast they follow each
other, retries, and hands on only what is a listing.
"""

import email.utils
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    ContentDecodingError,
    SSLError,
    Timeout,
)

from scanner_sync.deadline import Deadline
from scanner_sync.errors import ApiError, ApiRefused, ApiUnavailable
from scanner_sync.listing import ApiResponse, read_page
from scanner_sync.pace import Pace

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


class ApiTransport(HTTPAdapter):
    """Sends requests to the one origin of the API, and answers pages or raises a `SyncError`.

    Status 404 is handed on, because what it means depends on the resource. 429, 500, 502, 503, 504,
    lost connections, time-outs and bodies cut short are retried 3 times, after 2, 4 and 8 seconds
    and up to half as much again, or after what `Retry-After` says. When the quota refuses one
    request, all go slower, and where it says how long to wait, all wait.
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
        self._pace = Pace()

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
            while seconds := self._pace.seconds_to_turn():
                self._wait(seconds, resource)
            sent = time.monotonic()
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
            except (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError) as error:
                if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise ApiError(
                        f"The TLS certificate of {self._origin} is not valid. Check API_BASE_URL."
                    ) from None
                fault = f"no whole answer ({type(error).__name__})"
                retry_after = None
            else:
                status = response.status_code
                if status not in RETRIED_STATUSES:
                    self._pace.answered()
                    return self._accept(response, body, resource)
                fault = f"status {status}"
                retry_after = _retry_after(response)
                if status == 429:
                    self.traffic.count("throttled")
                    self._pace.refused(sent, retry_after)
            if attempt < RETRIES:
                jitter = random.uniform(1.0, 1.5)  # noqa: S311 - it keeps no secret
                delay = BACKOFF_FACTOR * 2**attempt * jitter
                self._wait(retry_after or delay, resource, fault)
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

    def _wait(self, seconds: float, resource: str, fault: str = "a full quota") -> None:
        """Wait, if that ends before the deadline; else say so now."""
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
