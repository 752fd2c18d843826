"""Connections to the API: certificates and proxies."""

import base64
import contextlib
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from sample_api import Account, create_app, serve
from scanner_sync.deadline import Deadline
from scanner_sync.diagnose import diagnose
from scanner_sync.errors import ApiError, ApiUnavailable, SettingsError
from scanner_sync.settings import clean_environment
from scanner_sync.source import connections, retry, scanner_source
from scanner_sync.source.api import Api
from scanner_sync.source.connections import ApiRequest, Connections, Reply
from scanner_sync.source.session import ApiSession
from tests.conftest import TOKEN
from tests.support.reading import Kept
from tests.support.tls import Sockets, forwarding, tls


@pytest.fixture
def base_url(certificate: Path) -> Iterator[str]:
    """Serve an account with two targets over TLS."""
    context = tls(certificate)
    account = Account(targets=[{"id": 1}, {"id": 2}])
    with serve(create_app(account, token=TOKEN)) as url:
        plain = urlsplit(url)

        def accept(client: socket.socket) -> Sockets:
            near = context.wrap_socket(client, server_side=True)
            return near, socket.create_connection(("127.0.0.1", plain.port or 0))

        with forwarding(accept) as port:
            yield f"https://127.0.0.1:{port}{plain.path}/"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)


def test_few_large_bodies_are_in_memory_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of another waits until one of them is closed. A small one does not wait."""
    monkeypatch.setattr(connections, "LARGE_BODY", 100)
    account = Account(targets=[{"id": n} for n in range(9)])
    replies: list[Reply] = []
    with serve(create_app(account, token=TOKEN)) as url:
        pool = Connections(f"{url}/", 5)

        def send(path: str, seconds: float = 60) -> None:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            request = ApiRequest("GET", f"{url}/{path}", {}, headers)
            replies.append(pool.send(request, path, urllib3.Timeout(read=seconds)))

        send("targets/")
        send("targets/")
        send("tags/")
        with pytest.raises(urllib3.exceptions.TimeoutError):
            send("targets/", seconds=0.2)
        assert [len(reply.body) > 100 for reply in replies] == [True, True, False]
        for reply in replies:
            reply.close()
            reply.close()
        send("targets/")
        send("targets/")
        pool.close()
    assert len({reply.body for reply in replies}) == 2


def read(base_url: str) -> list[int]:
    with ApiSession(Api(base_url, TOKEN), max_concurrent=2, deadline=Deadline(600)) as session:
        source = scanner_source(session, ["targets"], keep=Kept())
        try:
            return [row["id"] for row in source.resources["targets"]]
        except Exception as error:
            raise diagnose(error) from None
        finally:
            assert session.traffic.retries == 0


def test_an_untrusted_certificate_fails_at_once(base_url: str) -> None:
    with pytest.raises(ApiError) as caught:
        read(base_url)
    origin = base_url.removesuffix("/v1/")
    assert str(caught.value) == (
        f"The TLS certificate of {origin} is not valid (self-signed certificate). Check"
        " API_BASE_URL."
    )


def test_a_certificate_of_another_host_fails_at_once(
    base_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the trusted certificates, because they may be wrong instead."""
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate))
    with pytest.raises(ApiError, match=r"valid \(Hostname mismatch.* certificates in CURL_CA_BUN"):
        read(base_url.replace("127.0.0.1", "localhost"))


def test_plain_http_on_a_tls_port_fails_at_once() -> None:
    """The error says which setting to check, not that the API is down."""
    with serve(create_app(Account(), token=TOKEN)) as url:
        base_url = url.replace("http:", "https:") + "/"
        with pytest.raises(ApiError, match=r"No TLS connection to https://\S+ is .* API_BASE_URL"):
            read(base_url)


def alert(number: int) -> bytes:
    """Return a fatal alert of TLS 1.2."""
    return b"\x15\x03\x03\x00\x02\x02" + bytes([number])


HANDSHAKES = {
    "TLSV1_ALERT_INTERNAL_ERROR": (alert(80), False),
    "SSLV3_ALERT_UNEXPECTED_MESSAGE": (alert(10), False),
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (alert(40), True),
    "SSLV3_ALERT_BAD_CERTIFICATE": (alert(42), True),
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": (alert(43), True),
    "SSLV3_ALERT_CERTIFICATE_REVOKED": (alert(44), True),
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": (alert(45), True),
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": (alert(46), True),
    "TLSV1_ALERT_UNKNOWN_CA": (alert(48), True),
    "TLSV1_ALERT_ACCESS_DENIED": (alert(49), True),
    "TLSV1_ALERT_PROTOCOL_VERSION": (alert(70), True),
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": (alert(71), True),
    "TLSV1_ALERT_INAPPROPRIATE_FALLBACK": (alert(86), True),
    "TLSV1_UNSUPPORTED_EXTENSION": (alert(110), True),
    "TLSV1_UNRECOGNIZED_NAME": (alert(112), True),
    "TLSV1_ALERT_UNKNOWN_PSK_IDENTITY": (alert(115), True),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": (alert(116), True),
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": (alert(120), True),
    # A ServerHello of TLS 1.2 without the extension of RFC 5746.
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": (
        bytes.fromhex("160303002a 02000026 0303") + b"r" * 32 + bytes.fromhex("00c02f00"),
        True,
    ),
}
"""What a server answers to a ClientHello, and whether that is permanent, by OpenSSL's reason."""


@pytest.mark.parametrize("reason", HANDSHAKES)
def test_a_tls_failure_that_no_retry_mends(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """It fails at once, and is named with the host. One that may pass is retried."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 0.02)
    answer, is_permanent = HANDSHAKES[reason]
    asked_times = 0

    def accept(client: socket.socket) -> Sockets:
        nonlocal asked_times
        asked_times += 1
        client.recv(65536)
        client.sendall(answer)
        client.recv(65536)
        client.close()
        raise OSError

    with forwarding(accept) as port:
        url = f"https://127.0.0.1:{port}"
        with (
            ApiSession(Api(url, TOKEN), max_concurrent=1, deadline=Deadline(600)) as session,
            pytest.raises(ApiError if is_permanent else ApiUnavailable) as caught,
        ):
            session.get(f"{url}/targets/")
    said = (
        f"No TLS connection to {url} is possible ({reason}). Check the scheme, host and port in"
        " API_BASE_URL."
        if is_permanent
        else f"no complete response from {url} ({reason}; if this recurs, check API_BASE_URL)"
    )
    assert said in str(caught.value)
    assert asked_times == (1 if is_permanent else 4)


def test_a_connection_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the host, and the setting to check as long as nothing ever came from that host."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 0.02)
    for url, said in {
        "http://127.0.0.1:9": "http://127.0.0.1:9 (Connection refused; if this recurs,",
        "http://nobody.invalid": "http://nobody.invalid:80 (",
    }.items():
        with (
            ApiSession(Api(url, TOKEN), max_concurrent=1, deadline=Deadline(600)) as session,
            pytest.raises(ApiUnavailable) as caught,
        ):
            session.get(f"{url}/targets/")
        assert f"The API gave no complete response from {said}" in str(caught.value)
        assert "; if this recurs, check API_BASE_URL) for " in str(caught.value)


MANY_HEADERS = b"Set-Cookie: a=1\r\n" * 101
LONG_HEADER = b"Set-Cookie: " + b"a" * 65537 + b"\r\n"


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (MANY_HEADERS, "(got more than 100 headers)"),
        (LONG_HEADER, "(got more than 65536 bytes when reading header line)"),
    ],
)
def test_headers_that_cannot_be_read_are_named(headers: bytes, said: str) -> None:
    """At once, because the same headers would come with the next response."""
    asked_times = 0

    def accept(client: socket.socket) -> Sockets:
        nonlocal asked_times
        asked_times += 1
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n")
        client.close()
        raise OSError

    with forwarding(accept) as port, pytest.raises(ApiError, match=re.escape(said)) as caught:
        read(f"http://127.0.0.1:{port}/")
    assert f"from http://127.0.0.1:{port} are too many or too long" in str(caught.value)
    assert asked_times == 1


@pytest.mark.parametrize("in_directory", [False, True])
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_from_the_environment_are_trusted(
    base_url: str,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    in_directory: bool,
) -> None:
    """From a file, or from a directory prepared by `openssl rehash`."""
    trusted = certificate
    if in_directory:
        command = ["openssl", "x509", "-subject_hash", "-noout", "-in", str(certificate)]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        trusted = tmp_path / "trusted"
        trusted.mkdir()
        (trusted / f"{found.strip()}.0").write_bytes(certificate.read_bytes())
    monkeypatch.setenv(name, str(trusted))
    assert read(base_url) == [1, 2]


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("kind", ["missing", "empty", "broken", "directory of none"])
def test_unreadable_certificates_are_a_settings_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kind: str
) -> None:
    """The error names the variable and the path, before anything is sent."""
    path = tmp_path / "bundle.pem"
    if kind == "directory of none":
        path.mkdir()
        (path / "ca.pem").write_text("not named by a hash")
    elif kind != "missing":
        path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n" if kind == "broken" else "")
    monkeypatch.setenv(name, str(path))
    with pytest.raises(SettingsError, match=f"{name} must be a PEM file .*{path} is not: "):
        read("https://127.0.0.1:9/")


@contextlib.contextmanager
def proxying(
    heads: list[str], refuse: int = 0, over: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Run a proxy that records the heads of requests, and connects or refuses; yields the port."""

    def accept(client: socket.socket) -> Sockets:
        if over:
            client = over.wrap_socket(client, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        heads.append(head.decode())
        if refuse:
            client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % refuse)
            client.close()
            raise OSError
        method, target, _ = head.decode().split(maxsplit=2)
        address = urlsplit(target if method == "GET" else f"//{target}")
        far = socket.create_connection((address.hostname or "", address.port or 0))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            far.sendall(head.replace(f"http://{address.netloc}".encode(), b"", 1))
        return client, far

    with forwarding(accept) as port:
        yield port


@pytest.fixture
def plain_url() -> Iterator[str]:
    """Serve an account with two targets without TLS."""
    with serve(create_app(Account(targets=[{"id": 1}, {"id": 2}]), token=TOKEN)) as url:
        yield f"{url}/"


PROXIES = {
    "{}:{}": None,
    "http://{}:{}": None,
    "http://{}:{}/": None,
    "us%65r:p%40ss%3A@{}:{}": b"user:p@ss:",
    "http://user:p@ss@{}:{}": b"user:p@ss",  # pragma: allowlist secret
    "http://user@{}:{}": b"user:",
    "http://user:p%C5%82@{}:{}": "user:pł".encode(),  # pragma: allowlist secret
}
"""Forms of a proxy's address, and the user and password that it must receive."""


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("name", ["{}_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("form", list(PROXIES))
def test_the_proxy_from_the_environment_is_used(
    request: pytest.FixtureRequest,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    name: str,
    form: str,
) -> None:
    """It receives its user and password. With TLS it sees nothing else, and no token."""
    base_url = request.getfixturevalue("base_url" if scheme == "https" else "plain_url")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    heads: list[str] = []
    with proxying(heads) as port:
        monkeypatch.setenv(name.format(scheme.upper()), form.format("127.0.0.1", port))
        assert read(base_url) == [1, 2]
    [head] = heads
    expected = PROXIES[form]
    given = re.findall(r"(?mi)^proxy-authorization: basic (\S+)\r$", head)
    assert [base64.b64decode(each) for each in given] == ([expected] if expected else [])
    if scheme == "https":
        assert head.split()[:2] == ["CONNECT", urlsplit(base_url).netloc]
        assert TOKEN not in head
    else:
        assert head.startswith(f"GET {base_url}targets/?")


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_white_space_around_a_proxy_is_stripped(
    plain_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each command and each sync does it first, so that Google's clients find the proxy, too."""
    monkeypatch.setenv("NETRC", "")  # undoes what `clean_environment` does to it
    heads: list[str] = []
    with proxying(heads) as port:
        monkeypatch.setenv(name, f" http://127.0.0.1:{port}\n")
        clean_environment()
        assert read(plain_url) == [1, 2]
    assert len(heads) == 1


def test_a_proxy_with_tls(
    base_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its certificate is verified against the same ones as the API's."""
    heads: list[str] = []
    with proxying(heads, over=tls(certificate)) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"https://user:password@127.0.0.1:{port}")
        with pytest.raises(ApiError) as caught:
            read(base_url)
        assert str(caught.value) == (
            f"The TLS certificate of the proxy https://127.0.0.1:{port} is not valid (self-signed"
            " certificate). Check HTTPS_PROXY."
        )
        assert heads == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert read(base_url) == [1, 2]
    assert len(heads) == 1


def test_an_https_proxy_without_tls_fails_at_once(
    base_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An https:// before its address is a permanent mistake."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serve(create_app(Account(), token=TOKEN)) as url:
        monkeypatch.setenv("HTTPS_PROXY", f"https://{urlsplit(url).netloc}")
        with pytest.raises(
            ApiError, match=r"TLS connection to the proxy https:.* in HTTPS_PROXY\."
        ):
            read(base_url)


@pytest.mark.parametrize(("scheme", "status"), [("https", 407), ("https", 403), ("http", 407)])
def test_a_proxy_that_refuses_fails_at_once(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, scheme: str, status: int
) -> None:
    """The error names the proxy and the variable, but not the password."""
    base_url = request.getfixturevalue("base_url" if scheme == "https" else "plain_url")
    name = f"{scheme}_proxy"
    heads: list[str] = []
    with proxying(heads, refuse=status) as port:
        monkeypatch.setenv(name, f"user:hidden@127.0.0.1:{port}")
        with pytest.raises(SettingsError) as caught:
            read(base_url)
    said = str(caught.value)
    assert said.startswith(
        f"The proxy http://127.0.0.1:{port} refuses to connect to {base_url.removesuffix('/v1/')}"
        f" (status {status})."
    )
    assert name in said
    assert "hidden" not in said
    assert len(heads) == 1


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://user:hidden@127.0.0.1:9",  # pragma: allowlist secret
        "socks5h://127.0.0.1:9",
        "ftp://127.0.0.1:9",
        "http://",
        "http://:9",
        "http://user:hidden@",  # pragma: allowlist secret
        "127.0.0.1:65536",
        "http://127.0.0.1:port",
        "http://user:hid/den@127.0.0.1:9",
        "http://user:9#hidden@127.0.0.1:9",
        "http://127.0.0.1:9/path?hidden",
    ],
)
def test_an_invalid_proxy_is_a_settings_error(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """The error names the variable and its form, but does not quote it."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(SettingsError) as caught:
        read("https://127.0.0.1:9/")
    assert str(caught.value) == (
        "HTTPS_PROXY must be http://HOST:PORT or https://HOST:PORT. If the proxy needs credentials,"
        " put USER:PASSWORD@ before the host, with special characters as %XX. SOCKS is not"
        " supported."
    )


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_variable_that_has_the_proxy_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Not another one that could have it, which is not set."""
    monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    with pytest.raises(SettingsError, match=rf"^{name} must be http"):
        read("https://127.0.0.1:9/")


@pytest.mark.parametrize("hosts", ["127.0.0.1", "10.0.0.1, 127.0.0.0/8", "*"])
def test_no_proxy_is_respected(plain_url: str, monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    """In each form that requests accepts. An invalid proxy is then ignored."""
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", hosts)
    assert read(plain_url) == [1, 2]


def test_a_proxy_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may come back, so it is retried. The error names it without its password."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 0.02)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hidden@127.0.0.1:9")  # pragma: allowlist secret
    with ApiSession(Api("https://h/", TOKEN), max_concurrent=1, deadline=Deadline(600)) as api:
        with pytest.raises(ApiUnavailable) as caught:
            api.get("https://h/targets/")
        assert api.traffic.retries == 3
    assert (
        "no complete response from the proxy http://127.0.0.1:9 (Connection refused; if this"
        " recurs, check HTTPS_PROXY)"
    ) in str(caught.value)
    assert "hidden" not in str(caught.value)
