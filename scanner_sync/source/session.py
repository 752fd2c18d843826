"""How the API is asked: one session for every request, which retries and keeps the token in.

It is the `requests` session that dlt's REST client uses. It keeps the token at the configured
origin, limits how many requests are under way and how fast they follow each other, retries, and
hands on only what is a listing.
"""

import email.utils
import math
import os
import random
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self
from urllib.parse import unquote_to_bytes, urlsplit

import certifi
import requests
import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, ProxyError
from urllib3.util import Url, create_urllib3_context, make_headers, parse_url

from scanner_sync import __version__
from scanner_sync.deadline import Deadline
from scanner_sync.errors import (
    ApiError,
    ApiRefused,
    ApiUnavailable,
    SettingsError,
    SyncError,
    machine_error,
)
from scanner_sync.progress import Traffic
from scanner_sync.source.pagination import ApiResponse, counted, read_page
from scanner_sync.source.rate_limit import AdaptiveRateLimiter, Turn

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
LASTING_TLS_FAULTS: Final = frozenset(
    {
        "WRONG_VERSION_NUMBER",  # plain HTTP on a port for HTTPS
        "RECORD_LAYER_FAILURE",  # the same, as newer versions of OpenSSL call it
        "UNSUPPORTED_PROTOCOL",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    }
)
"""What OpenSSL says of a peer with which no connection will ever come about."""
CA_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
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


class ApiSession(requests.Session):
    """Sends requests to the one origin of the API, and answers pages or raises a `SyncError`.

    Statuses 404 and 410 are handed on, because what they mean depends on the resource. What passes
    is retried 3 times, after 2, 4 and 8 seconds and up to half as much again, or after what
    `Retry-After` says: `RETRIED_STATUSES`, lost connections, time-outs, bodies cut short, what is
    not JSON, and a 404 for a listing that was there before. All requests share one
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
        traffic: Traffic | None = None,
        on_page: Callable[[str, int, bool], None] = lambda resource, total, has_next: None,
    ) -> None:
        super().__init__()
        self.traffic = traffic or Traffic()
        self._origin = _origin(base_url)
        self._base_path = urlsplit(base_url).path
        self._token_source = token_source
        self._deadline = deadline
        self._on_page = on_page
        self._limiter = AdaptiveRateLimiter(max_concurrent)
        self._connections = _connections(base_url, max_concurrent)
        self._proxy = getattr(self._connections, "proxy", None)
        """Its URL, without a password."""
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
                if lasting := self._lasting(error) or machine_error(error):
                    raise lasting from None
                by_proxy = f" of the proxy {self._proxy}" if isinstance(error, ProxyError) else ""
                fault = f"no whole answer ({type(error).__name__}{by_proxy})"
                status, retry_after = 0, None
            else:
                fault = f"status {status}"
                was_there = resource in self._listings
                if status not in RETRIED_STATUSES and not (status in GONE and was_there):
                    answer = ApiResponse(request, status, resource)
                    answer.headers["Content-Type"] = response.headers.get("Content-Type", "")
                    try:
                        return self._accept(answer, body)
                    except ApiUnavailable:
                        fault = "no JSON (if it recurs, check API_BASE_URL)"
            # Where all wait, the limiter says how long, and a place in its queue is kept.
            if attempt < RETRIES and not (status == 429 and retry_after):
                jitter = random.uniform(1.0, 1.5)  # noqa: S311 - it keeps no secret
                delay = BACKOFF_FACTOR * 2**attempt * jitter
                self._wait(turn, retry_after or delay, resource, fault)
        raise ApiUnavailable(
            f"The API gave {fault} for {resource}, {RETRIES + 1} times in"
            f" {counted(round(time.monotonic() - started), 'second')}. Nothing was loaded; try"
            " again later.",
            retry_after=None if retry_after is None else math.ceil(retry_after),
        )

    def _lasting(self, error: HTTPError) -> SyncError | None:
        """The error to raise where `error` is one that no retry helps."""
        said = str(error)
        tunnel = re.search(r"Tunnel connection failed: (\d{3})", said)
        if tunnel and int(tunnel[1]) not in RETRIED_STATUSES:
            return self._refused_by_proxy(int(tunnel[1]))
        peer, setting = self._origin, "API_BASE_URL"
        if isinstance(error, ProxyError):
            peer, setting = f"the proxy {self._proxy}", _proxy_setting(self._origin)
        fault = re.search(r"\[SSL: (\w+)\]", said)
        if fault and fault[1] == "CERTIFICATE_VERIFY_FAILED":
            bundle = _bundle_setting()
            return ApiError(
                f"The TLS certificate of {peer} is not valid. Check {setting}"
                + (f", and the certificates in {bundle}." if bundle else ".")
            )
        if fault and fault[1] in LASTING_TLS_FAULTS:
            return ApiError(
                f"No TLS connection to {peer} is possible ({fault[1]}). Check the scheme, host and"
                f" port in {setting}."
            )
        return None

    def _refused_by_proxy(self, status: int) -> SettingsError:
        setting = _proxy_setting(self._origin)
        remedy = (
            f"Check the user and password in {setting}."
            if status == 407
            else f"Allow it there, or correct {setting}, or add the host to NO_PROXY."
        )
        return SettingsError(
            f"The proxy {self._proxy} refuses to connect to {self._origin} (status {status})."
            f" {remedy}"
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
                f" {counted(math.ceil(seconds), 'second')}, which is past this run's deadline."
                " Nothing was loaded; the next run starts anew.",
                retry_after=math.ceil(seconds),
            )
        turn.woken.wait(min(seconds, remaining))

    def _accept(self, response: ApiResponse, body: bytes) -> ApiResponse:
        status, resource = response.status_code, response.resource
        if status in GONE and _depth(resource) > 1:
            return response  # what it means depends on the listing that it is part of
        if status in (401, 403):
            other = (
                " It was not the API's JSON: a firewall in between may refuse the request instead."
            )
            raise ApiRefused(
                f"The API refuses the token (status {status} for {resource}). Check the token in"
                f" {self._token_source}: it may be revoked, expired or of another account."
                + ("" if "json" in response.headers["Content-Type"].lower() else other)
            )
        if status == 407 and self._proxy:
            raise self._refused_by_proxy(status)
        if 300 <= status < 400:
            raise ApiError(
                f"The API redirects {resource} (status {status}). No redirect is followed, because"
                " the token would go along. Check API_BASE_URL."
            )
        if status != 200:
            raise ApiError(
                f"The API gave status {status} for {resource}. Nothing was loaded. Check"
                " API_BASE_URL."
            )
        response.page = read_page(body, resource)
        if _depth(resource) == 1:
            self._listings.add(resource)
        self._on_page(resource, response.page.total, response.page.has_next)
        return response


def _connections(base_url: str, most: int) -> urllib3.PoolManager:
    """Connections to the API, with what the environment says of proxies and certificates."""
    proxy, user = _proxy_of(base_url)
    options: dict[str, Any] = {"maxsize": most}
    if "https" in (urlsplit(base_url).scheme, proxy and proxy.scheme):
        options["ssl_context"] = _trust()
    if not proxy:
        return urllib3.PoolManager(**options)
    return urllib3.ProxyManager(
        proxy.url,
        proxy_headers=make_headers(proxy_basic_auth=user) if user else None,
        proxy_ssl_context=options.get("ssl_context"),
        **options,
    )


def _proxy_of(base_url: str) -> tuple[Url | None, str | None]:
    """The proxy to the API, and its USER:PASSWORD, as the environment has them."""
    proxies = requests.utils.get_environ_proxies(base_url)
    given = requests.utils.select_proxy(base_url, proxies)
    if not given:
        return None, None
    try:
        # urllib3 would take the host before a port for a scheme.
        proxy = parse_url(given if "://" in given else f"http://{given}")
    except LocationParseError:
        proxy = Url()
    rest = (proxy.path or "/", proxy.query, proxy.fragment)
    if proxy.scheme not in ("http", "https") or not proxy.host or rest != ("/", None, None):
        raise SettingsError(
            f"{_proxy_setting(base_url)} must be http://HOST:PORT or https://HOST:PORT, with"
            " USER:PASSWORD@ before the host where the proxy asks for them, special characters in"
            " these as %XX. SOCKS is not supported."
        )
    user = proxy.auth
    if user:
        user = user if ":" in user else f"{user}:"
        # make_headers encodes as Latin-1: so the bytes go out as they were given.
        user = unquote_to_bytes(user).decode("latin-1")
    return Url(proxy.scheme, host=proxy.host, port=proxy.port), user


def _proxy_setting(url: str) -> str:
    """The name of the variable that says which proxy to take."""
    name = f"{urlsplit(url).scheme}_proxy"
    names = (name, name.upper(), "all_proxy", "ALL_PROXY")
    return next((each for each in names if os.environ.get(each)), name.upper())


def _trust() -> ssl.SSLContext:
    """The certificates that vouch for the API: certifi's, or those that the environment names."""
    name = _bundle_setting()
    path = os.environ[name] if name else certifi.where()
    context = create_urllib3_context()
    try:
        if os.path.isdir(path):
            if not any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", each) for each in os.listdir(path)):
                raise OSError("no file in it is named by a hash")
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:  # so is what OpenSSL says of its form
        raise SettingsError(
            f"{name} must be a file of certificates in PEM form, or a directory of them that"
            f" `openssl rehash` has prepared. {path} is not: {error.strerror or error}."
        ) from None
    return context


def _bundle_setting() -> str | None:
    return next((name for name in CA_BUNDLES if os.environ.get(name)), None)


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


def _depth(resource: str) -> int:
    """Return 1 for a listing such as `issues/`, and more for what lies below one."""
    return resource.count("/")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"
