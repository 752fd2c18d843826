"""What the API is reached through: TLS whose certificate is checked, and proxies."""

import contextlib
import datetime
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sample_api import Account, create_app, serve
from scanner_sync.api import ApiSession
from scanner_sync.deadline import Deadline
from scanner_sync.errors import ApiError
from scanner_sync.pipeline import diagnose
from scanner_sync.source import scanner_source

from .conftest import TOKEN

Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1, with its key, that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, form, serialization.NoEncryption())
    )
    return file


@contextlib.contextmanager
def forwarding(accept: Callable[[socket.socket], Sockets]) -> Iterator[int]:
    """A server that passes bytes on between the two sockets that `accept` makes of one."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                near, far = accept(self.request)
                with near, far:
                    back = threading.Thread(target=pump, args=(far, near))
                    back.start()
                    pump(near, far)
                    back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def base_url(certificate: Path) -> Iterator[str]:
    """The API of an account with two targets, behind TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
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


def read(base_url: str) -> list[int]:
    with ApiSession(base_url, token_source="", max_concurrent=2, deadline=Deadline(20)) as session:
        source = scanner_source(base_url, TOKEN, 100, session, ["targets"])
        try:
            return [row["id"] for row in source.resources["targets"]]
        except Exception as error:
            raise diagnose(error) from None
        finally:
            assert session.traffic.retries == 0


def test_a_certificate_that_nobody_vouches_for_is_an_error_at_once(base_url: str) -> None:
    with pytest.raises(ApiError, match=r"certificate of https://127\.0\.0\.1:\d+ is not valid"):
        read(base_url)


def test_the_environment_says_whom_to_trust(
    base_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert read(base_url) == [1, 2]


def test_the_environment_says_which_proxy_to_take(
    base_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked to connect to the API, and sees nothing but TLS: no token."""
    asked = []

    def accept(client: socket.socket) -> Sockets:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        asked.append(head.decode())
        host, port = head.split()[1].decode().split(":")
        far = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return client, far

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with forwarding(accept) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        assert read(base_url) == [1, 2]
    address = urlsplit(base_url).netloc
    assert [head.split()[:2] for head in asked] == [["CONNECT", address]]
    assert TOKEN not in asked[0]
