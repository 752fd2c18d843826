"""Public files, read without the token: within limits, and with redirects to known hosts only.

Proxies and certificates are the API's, see `connections`.
"""

import csv
import io
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import urljoin, urlsplit

import ijson
import urllib3
from urllib3.exceptions import HTTPError, LocationParseError

from scanner_sync.deadline import Deadline
from scanner_sync.errors import SettingsError, shown
from scanner_sync.source.connections import HEADERS, open_pool, origin_of, reason_of
from scanner_sync.source.retry import RETRIED_STATUSES, backoff

Read = TypeVar("Read")

ATTEMPTS: Final = 3
"""How often a file is asked for, if what went wrong may pass."""
FILE_SECONDS: Final = 60.0
"""Seconds in which a file has to arrive, with all attempts."""
CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 20.0
"""Seconds without a byte."""
AT_ONCE: Final = 4
"""Threads that may read at once."""
REDIRECTS: Final = 3
"""Redirects that are followed, one after the other."""
UNREADABLE: Final = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, TypeError, ValueError),
    *(csv.Error, ijson.JSONError, zlib.error),
)
"""What parsing a file raises if it is cut, not compressed as it should be, or of another form."""
_MIB: Final = 2**20


class FeedFault(Exception):
    """A file was not read, for the reason in the message, which quotes nothing of it.

    `status` is the answer's, if it was the status that was wrong. `passes` says whether
    another attempt may succeed.
    """

    def __init__(self, message: str, status: int | None = None, *, passes: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.passes = passes


class Unchanged(Exception):
    """The file is as it was when its validators were noted (status 304)."""


class FeedReader:
    """Reads public files, each in at most half of the time that the deadline leaves.

    Redirects are followed to `hosts` and to the host of the file's own URL, and never from https to
    http. `sleep` waits before a file is asked for once more, up to `attempts` times in all. Several
    threads may read.
    """

    def __init__(
        self,
        deadline: Deadline,
        hosts: frozenset[str],
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._deadline = deadline
        self._attempts = attempts
        self._hosts = hosts
        self._sleep = sleep
        self._pools: dict[str, urllib3.PoolManager] = {}

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.clear()

    def end(self) -> float:
        """Return the moment, by the monotonic clock, by which a request of now has to end."""
        return time.monotonic() + min(FILE_SECONDS, self._deadline.remaining / 2)

    def read(
        self,
        url: str,
        parse: Callable[[BinaryIO, Mapping[str, str]], Read],
        *,
        limit: int,
        until: float,
        headers: Mapping[str, str],
    ) -> Read:
        """Return what `parse` makes of the file at `url`, which it gets with its headers.

        The file has at most `limit` bytes. `headers` are sent along. Raises `FeedFault`, also if
        `parse` cannot read the file, and `Unchanged`.
        """
        attempt = 0
        while True:
            try:
                with self._opened(url, headers, until) as response:
                    body = limited(response.read1, limit, until)
                    return parse(body, response.headers)
            except (FeedFault, HTTPError) as error:
                fault = error if isinstance(error, FeedFault) else _fault_of(error, url)
            except UNREADABLE as error:
                raise FeedFault(f"it has another form ({type(error).__name__})") from None
            delay, attempt = backoff(attempt), attempt + 1
            if not fault.passes or attempt == self._attempts or time.monotonic() + delay > until:
                raise fault from None
            self._sleep(delay)

    @contextmanager
    def _opened(
        self, url: str, headers: Mapping[str, str], until: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield the answer to a request with status 200, after redirects."""
        hosts = self._hosts | {urlsplit(url).hostname}
        for _ in range(REDIRECTS + 1):
            response = self._ask(url, headers, until)
            try:
                location = response.get_redirect_location()
                if not location:
                    _check_status(response.status, url, is_conditional=bool(headers))
                    yield response
                    return
            finally:
                # Not read to its end, or of no use: the connection is not used again.
                response.close()
            target = urlsplit(urljoin(url, location))
            is_safe = target.scheme == "https" or target.scheme == urlsplit(url).scheme
            if target.hostname not in hosts or not is_safe:
                raise FeedFault(
                    f"it redirects to {shown(f'{target.scheme}://{target.hostname}')}, which is"
                    " not followed; if that is right, name the address in the setting"
                )
            url = target.geturl()
        raise FeedFault(f"it redirects more than {REDIRECTS} times")

    def _ask(self, url: str, headers: Mapping[str, str], until: float) -> urllib3.BaseHTTPResponse:
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise FeedFault("there was no time left for it")
        origin = origin_of(url)
        try:
            if origin not in self._pools:
                self._pools[origin], _ = open_pool(url, AT_ONCE)
            pool = self._pools[origin]
            return _within(
                seconds,
                lambda: pool.request(
                    "GET",
                    url,
                    headers={**HEADERS, "Accept": "*/*", **headers},
                    timeout=urllib3.Timeout(
                        connect=min(CONNECT_TIMEOUT, seconds), read=min(READ_TIMEOUT, seconds)
                    ),
                    redirect=False,
                    retries=False,
                    preload_content=False,
                ),
            )
        except LocationParseError:
            raise FeedFault("it redirects to something that is no address") from None
        except SettingsError as error:
            raise FeedFault(str(error)) from None


def _within(seconds: float, ask: Callable[[], Read]) -> Read:
    """Return what `ask` returns within these seconds. Raises `FeedFault` if it takes longer.

    The timeouts of a connection are for each byte, so a server that sends a header byte by byte
    could take for ever. The thread that still listens to it ends with the process.
    """
    answer: Future[Read] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    if not wait([answer], seconds).done:
        raise FeedFault("it took too long")
    return answer.result()


def limited(read: Callable[[int], bytes], limit: int, until: float) -> io.BufferedReader:
    """Return a file with what `read` returns, at most `limit` bytes, until a moment.

    Reading it raises `FeedFault` beyond that.
    """
    return io.BufferedReader(_Limited(read, limit, until))


class _Limited(io.RawIOBase):
    def __init__(self, read: Callable[[int], bytes], limit: int, until: float) -> None:
        self._read = read
        self._limit = self._left = limit
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if time.monotonic() > self._until:
            raise FeedFault("it took too long")
        part = self._read(len(buffer))
        self._left -= len(part)
        if self._left < 0:
            raise FeedFault(f"it is longer than {self._limit // _MIB} MiB")
        buffer[: len(part)] = part
        return len(part)


def _check_status(status: int, url: str, *, is_conditional: bool) -> None:
    if status == 304 and is_conditional:
        raise Unchanged
    if status != 200:
        host = urlsplit(url).hostname
        passes = status in RETRIED_STATUSES
        raise FeedFault(f"{host} gave status {status}", status, passes=passes)


def _fault_of(error: HTTPError, url: str) -> FeedFault:
    host = urlsplit(url).hostname
    return FeedFault(f"no complete answer from {host} ({reason_of(error)})", passes=True)
