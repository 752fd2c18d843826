"""Connections to the API, through the proxy and with the certificates that the environment names.

They are the variables that `requests` reads: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`,
`REQUESTS_CA_BUNDLE` and so on. They are read once, because `requests` would read them for each
request.
"""

import os
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.client import HTTPException, LineTooLong
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

import certifi
import requests
import urllib3
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    TimeoutError,
)
from urllib3.util import Url, create_urllib3_context, make_headers, parse_url

from scanner_sync import __version__
from scanner_sync.errors import ApiError, SettingsError, SyncError, causes_of
from scanner_sync.source.retry import RETRIED_STATUSES

MAX_BODY: Final = 64 * 2**20
"""Bytes. A page of 100 rows takes about 0.1 MiB."""
LARGE_BODY: Final = 2 * 2**20
"""Bytes. Only so much of each is read while others of this size are in memory."""
LARGE_AT_ONCE: Final = 2
"""Large bodies in memory at once. Each takes three times its size until its rows are written."""
HEADERS: Final = {
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"scanner-sync/{__version__}",
}
"""Headers of every request."""
CA_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PERMANENT_TLS_ERRORS: Final = frozenset(
    {
        "WRONG_VERSION_NUMBER",  # plain HTTP on a port for HTTPS
        "RECORD_LAYER_FAILURE",  # the same in newer versions of OpenSSL
        "UNSUPPORTED_PROTOCOL",
        "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",  # a server from before RFC 5746
        "DH_KEY_TOO_SMALL",
        # The server's alerts about protocols, ciphers, names and certificates: 40 to 46, 48, 49,
        # 60, 70, 71, 86, 109 to 116 and 120 of TLS. Others may come from a damaged message.
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "SSLV3_ALERT_NO_CERTIFICATE",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV1_ALERT_EXPORT_RESTRICTION",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "TLSV1_ALERT_INSUFFICIENT_SECURITY",
        "TLSV1_ALERT_INAPPROPRIATE_FALLBACK",
        "TLSV13_ALERT_MISSING_EXTENSION",
        "TLSV1_UNSUPPORTED_EXTENSION",
        "TLSV1_CERTIFICATE_UNOBTAINABLE",
        "TLSV1_UNRECOGNIZED_NAME",
        "TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE",
        "TLSV1_BAD_CERTIFICATE_HASH_VALUE",
        "TLSV1_ALERT_UNKNOWN_PSK_IDENTITY",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
    }
)
"""OpenSSL's reasons for which a retry cannot help."""


class ApiRequest(requests.PreparedRequest):
    """A request to the API, whose parameters are not in its `url`, which dlt parses for its log.

    The headers are a plain dict: `requests` would look up each in lower case.
    """

    url: str
    headers: dict[str, str]  # type: ignore[assignment]

    def __init__(
        self, method: str, url: str, params: Mapping[str, Any], headers: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.method = method
        self.url = url
        self.params = dict(params)
        self.headers = dict(headers)


class Reply(NamedTuple):
    """What came back for a request."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes
    """Empty unless the status is 200."""
    close: Callable[[], None] = lambda: None
    """To be called, once or more often, when the body and what came of it are no longer needed."""


def open_pool(url: str, max_concurrent: int) -> tuple[urllib3.PoolManager, Url | None]:
    """Return a pool of connections to the origin of `url`, and the proxy that they go through.

    The proxy is without its credentials. Raises `SettingsError` if the environment names a proxy or
    certificates that cannot be used.
    """
    proxy, credentials = _find_proxy(url)
    options: dict[str, Any] = {"maxsize": max_concurrent}
    if "https" in (urlsplit(url).scheme, proxy and proxy.scheme):
        options["ssl_context"] = _ssl_context()
    if not proxy:
        return urllib3.PoolManager(**options), None
    pool = urllib3.ProxyManager(
        proxy.url,
        proxy_headers=make_headers(proxy_basic_auth=credentials) if credentials else None,
        proxy_ssl_context=options.get("ssl_context"),
        **options,
    )
    return pool, proxy


class Connections:
    """A pool of connections to one origin. It neither retries nor follows redirects.

    It raises `SettingsError` if the environment names a proxy or certificates that cannot be used.
    """

    def __init__(self, base_url: str, max_concurrent: int) -> None:
        self.origin = origin_of(base_url)
        self._places = threading.BoundedSemaphore(LARGE_AT_ONCE)
        self.proxy: str | None = None
        """URL of the proxy, without its credentials."""
        self._is_reached = False
        """Whether a response has come."""
        self._manager, proxy = open_pool(base_url, max_concurrent)
        if proxy:
            self.proxy = proxy.url
        parts = urlsplit(base_url)
        self._origin = base_url.removesuffix(parts.path)
        # The manager would parse each URL, and look for its pool. It is only needed for a proxy of
        # plain HTTP, which takes whole URLs, and headers of its own.
        self._takes_paths = not proxy or parts.scheme == "https"
        self._pool = self._open()

    def _open(self) -> urllib3.PoolManager | urllib3.HTTPConnectionPool:
        if not self._takes_paths:
            return self._manager
        return self._manager.connection_from_url(self._origin)

    def send(self, request: ApiRequest, resource: str, timeout: urllib3.Timeout) -> Reply:
        """Send a request. Raises urllib3's `HTTPError`, and `ApiError` for an oversized body.

        Waits before most of a large body is read, until others of that size are closed.
        """
        url = request.url.removeprefix(self._origin) if self._takes_paths else request.url
        response = self._pool.urlopen(
            str(request.method),
            f"{url}?{urlencode(request.params)}" if request.params else url,
            headers=request.headers,
            timeout=timeout,
            redirect=False,
            retries=False,
            preload_content=False,
        )
        self._is_reached = True
        if response.status != 200:
            # Left unread, so that a truncated body does not hide the status. The connection is
            # closed, so that what may still arrive, such as the response after a 103, is not taken
            # for the response to the next request.
            response.close()
            return Reply(response.status, response.headers, b"")
        with ExitStack() as place:
            body = _read(response, LARGE_BODY)
            if len(body) == LARGE_BODY:
                # As long as for a byte: a server does not wait longer until the rest is taken.
                if not self._places.acquire(timeout=timeout.read_timeout):
                    raise TimeoutError("Other large responses are not done.")
                place.callback(self._places.release)
                body += _read(response, MAX_BODY + 1 - LARGE_BODY)
            if len(body) > MAX_BODY:
                response.close()
                raise ApiError(
                    f"The API's response for {resource} is longer than {MAX_BODY // 2**20} MiB."
                    " Nothing was loaded. Lower PAGE_SIZE."
                )
            return Reply(response.status, response.headers, body, place.pop_all().close)

    def close(self) -> None:
        """Close all connections. A request after that opens a new one."""
        self._manager.clear()
        self._pool = self._open()  # the connections are closed once nothing refers to their pool

    def permanent_error(self, error: HTTPError) -> SyncError | None:
        """Return what to raise if retrying after `error` cannot help."""
        tunnel = re.search(r"Tunnel connection failed: (\d{3})", str(error))
        if tunnel and int(tunnel[1]) not in RETRIED_STATUSES:
            return self.proxy_rejection(int(tunnel[1]))
        peer, setting = self._peer_of(error)
        for cause in _causes_of(error):
            if type(cause) is HTTPException or isinstance(cause, LineTooLong):
                return ApiError(
                    f"The headers of a response from {peer} are too many or too long ({cause})."
                    " Nothing was loaded. Something in front of the API may add them; check"
                    f" {setting}."
                )
            if isinstance(cause, ssl.SSLCertVerificationError):
                bundle = _ca_variable()
                return ApiError(
                    f"The TLS certificate of {peer} is not valid ({cause.verify_message}). Check"
                    f" {setting}" + (f", and the certificates in {bundle}." if bundle else ".")
                )
            if isinstance(cause, ssl.SSLError) and _tls_reason(cause) in PERMANENT_TLS_ERRORS:
                return ApiError(
                    f"No TLS connection to {peer} is possible ({_tls_reason(cause)}). Check the"
                    f" scheme, host and port in {setting}. If they are right, the server, or"
                    " something on the way, asks for a protocol or certificate that this program"
                    " does not use."
                )
        return None

    def describe(self, error: HTTPError) -> str:
        """Return what went wrong, with which host and why, for a message."""
        peer, setting = self._peer_of(error)
        reason = reason_of(error)
        if not self._is_reached:
            reason += f"; if this recurs, check {setting}"
        return f"no complete response from {peer} ({reason})"

    def _peer_of(self, error: HTTPError) -> tuple[str, str]:
        """Return with whom the connection failed, and the setting that names it."""
        if isinstance(error, ProxyError):
            return f"the proxy {self.proxy}", _proxy_variable(self.origin)
        return self.origin, "API_BASE_URL"

    def proxy_rejection(self, status: int) -> SettingsError:
        """Return the error for a proxy that answers with `status` in place of the API."""
        variable = _proxy_variable(self.origin)
        remedy = (
            f"Check the user and password in {variable}."
            if status == 407
            else f"Allow the host in the proxy, correct {variable}, or add the host to NO_PROXY."
        )
        return SettingsError(
            f"The proxy {self.proxy} refuses to connect to {self.origin} (status {status})."
            f" {remedy}"
        )


def _read(response: urllib3.BaseHTTPResponse, most: int) -> bytes:
    """Return the next bytes of a body. Raises urllib3's `HTTPError`."""
    try:
        return response.read(most)
    except (ValueError, OverflowError) as error:  # of http.client, for a chunk of negative size
        response.close()
        raise ProtocolError from error


def _causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, even if urllib3 only keeps them as arguments."""
    for cause in causes_of(error):
        yield cause
        for inner in cause.args:
            if isinstance(inner, BaseException):
                yield from _causes_of(inner)


def _tls_reason(error: ssl.SSLError) -> str:
    """Return OpenSSL's reason, such as TLSV1_ALERT_UNKNOWN_CA."""
    # Python does not know the names of all.
    text = re.sub(r"\[.*?\]|\(.*", "", str(error)).strip()
    return error.reason or text.upper().replace(" ", "_")


def reason_of(error: HTTPError) -> str:
    """Return why a connection failed. It quotes nothing that the server sent."""
    if isinstance(error, DecodeError):
        return "the body is not compressed as its header Content-Encoding says"
    name = type(error).__name__
    for cause in _causes_of(error):
        if isinstance(cause, TimeoutError) and not isinstance(cause, NewConnectionError):
            return "timed out"
        if isinstance(cause, ssl.SSLError):
            return _tls_reason(cause)
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        if isinstance(cause, HTTPError | HTTPException):
            name = type(cause).__name__
    return name


def origin_of(url: str) -> str:
    """Return the scheme, host and port of a URL."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _find_proxy(base_url: str) -> tuple[Url | None, str | None]:
    """Return the proxy that the environment names for the API, and its USER:PASSWORD."""
    proxies = requests.utils.get_environ_proxies(base_url)
    value = requests.utils.select_proxy(base_url, proxies)
    if not value:
        return None, None
    try:
        # urllib3 would take the host before a port for a scheme.
        proxy = parse_url(value if "://" in value else f"http://{value}")
    except LocationParseError:
        proxy = Url()
    rest = (proxy.path or "/", proxy.query, proxy.fragment)
    if proxy.scheme not in ("http", "https") or not proxy.host or rest != ("/", None, None):
        raise SettingsError(
            f"{_proxy_variable(base_url)} must be http://HOST:PORT or https://HOST:PORT. If the"
            " proxy needs credentials, put USER:PASSWORD@ before the host, with special characters"
            " as %XX. SOCKS is not supported."
        )
    credentials = proxy.auth
    if credentials:
        credentials = credentials if ":" in credentials else f"{credentials}:"
        # make_headers encodes as Latin-1, so this sends the bytes as they were given.
        credentials = unquote_to_bytes(credentials).decode("latin-1")
    return Url(proxy.scheme, host=proxy.host, port=proxy.port), credentials


def _proxy_variable(url: str) -> str:
    """Return the name of the variable that names the proxy for a URL."""
    name = f"{urlsplit(url).scheme}_proxy"
    names = (name, name.upper(), "all_proxy", "ALL_PROXY")
    return next((each for each in names if os.environ.get(each)), name.upper())


def _ssl_context() -> ssl.SSLContext:
    """Return a context that trusts the environment's certificates, or else certifi's."""
    name = _ca_variable()
    path = os.environ[name] if name else certifi.where()
    context = create_urllib3_context()
    try:
        if os.path.isdir(path):
            if not any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", each) for each in os.listdir(path)):
                raise OSError("no file in it is named by a hash")
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:  # includes ssl.SSLError, for a file that is not PEM
        raise SettingsError(
            f"{name} must be a PEM file of certificates, or a directory of them prepared by"
            f" `openssl rehash`. {path} is not: {error.strerror or error}."
        ) from None
    return context


def _ca_variable() -> str | None:
    return next((name for name in CA_BUNDLES if os.environ.get(name)), None)
