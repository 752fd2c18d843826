"""Connections to the API, through the proxy and with the certificates that the environment names.

They are the variables that `requests` reads: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`,
`REQUESTS_CA_BUNDLE` and so on. They are read once, because `requests` would read them for each
request.
"""

import os
import re
import ssl
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import certifi
import requests
import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, ProxyError
from urllib3.util import Url, create_urllib3_context, make_headers, parse_url

from scanner_sync.errors import ApiError, SettingsError, SyncError
from scanner_sync.source.retry import RETRIED_STATUSES

MAX_BODY: Final = 64 * 2**20
"""Bytes. A page of 100 rows takes about 0.1 MiB."""
CA_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PERMANENT_TLS_ERRORS: Final = frozenset(
    {
        "WRONG_VERSION_NUMBER",  # plain HTTP on a port for HTTPS
        "RECORD_LAYER_FAILURE",  # the same in newer versions of OpenSSL
        "UNSUPPORTED_PROTOCOL",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    }
)
"""OpenSSL's reasons for which a retry cannot help."""


class Reply(NamedTuple):
    """What came back for a request."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes
    """Empty unless the status is 200."""


class Connections:
    """A pool of connections to one origin. It neither retries nor follows redirects.

    It raises `SettingsError` if the environment names a proxy or certificates that cannot be used.
    """

    def __init__(self, base_url: str, max_concurrent: int) -> None:
        self.origin = origin_of(base_url)
        self.proxy: str | None = None
        """URL of the proxy, without its credentials."""
        proxy, credentials = _find_proxy(base_url)
        options: dict[str, Any] = {"maxsize": max_concurrent}
        if "https" in (urlsplit(base_url).scheme, proxy and proxy.scheme):
            options["ssl_context"] = _ssl_context()
        if not proxy:
            self._pool = urllib3.PoolManager(**options)
            return
        self.proxy = proxy.url
        self._pool = urllib3.ProxyManager(
            proxy.url,
            proxy_headers=make_headers(proxy_basic_auth=credentials) if credentials else None,
            proxy_ssl_context=options.get("ssl_context"),
            **options,
        )

    def send(
        self, request: requests.PreparedRequest, resource: str, timeout: urllib3.Timeout
    ) -> Reply:
        """Send a request. Raises urllib3's `HTTPError`, and `ApiError` for an oversized body."""
        response = self._pool.urlopen(
            str(request.method),
            str(request.url),
            headers=request.headers,
            timeout=timeout,
            redirect=False,
            retries=False,
            preload_content=False,
        )
        if response.status != 200:
            # Left unread, so that a truncated body does not hide the status. The connection is
            # closed, so that what may still arrive, such as the response after a 103, is not taken
            # for the response to the next request.
            response.close()
            return Reply(response.status, response.headers, b"")
        body = response.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            response.close()
            raise ApiError(
                f"The API's response for {resource} is longer than {MAX_BODY // 2**20} MiB."
                " Nothing was loaded. Lower PAGE_SIZE."
            )
        return Reply(response.status, response.headers, body)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def permanent_error(self, error: HTTPError) -> SyncError | None:
        """Return what to raise if retrying after `error` cannot help."""
        text = str(error)
        tunnel = re.search(r"Tunnel connection failed: (\d{3})", text)
        if tunnel and int(tunnel[1]) not in RETRIED_STATUSES:
            return self.proxy_rejection(int(tunnel[1]))
        peer, setting = self.origin, "API_BASE_URL"
        if isinstance(error, ProxyError):
            peer, setting = f"the proxy {self.proxy}", _proxy_variable(self.origin)
        reason = re.search(r"\[SSL: (\w+)\]", text)
        if reason and reason[1] == "CERTIFICATE_VERIFY_FAILED":
            bundle = _ca_variable()
            return ApiError(
                f"The TLS certificate of {peer} is not valid. Check {setting}"
                + (f", and the certificates in {bundle}." if bundle else ".")
            )
        if reason and reason[1] in PERMANENT_TLS_ERRORS:
            return ApiError(
                f"No TLS connection to {peer} is possible ({reason[1]}). Check the scheme, host and"
                f" port in {setting}."
            )
        return None

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
    """Return a context that trusts certifi's certificates, or those that the environment names."""
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
