"""Reading the API: what is retried and what fails, and that no row is lost."""

import asyncio
import contextlib
import gc
import gzip
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local.secret_manager import SecretManager, Version
from sample_api import Account, generate
from sample_api import serve as serve_api
from scanner_sync.deadline import Deadline
from scanner_sync.diagnose import diagnose
from scanner_sync.errors import (
    ApiError,
    ApiRefused,
    ApiUnavailable,
    DeadlineExceeded,
    ListingUnstable,
    MachineError,
    SyncError,
)
from scanner_sync.schema.tables import TABLES
from scanner_sync.secret import read_token
from scanner_sync.source import connections, retry, scanner_source
from scanner_sync.source import session as session_module
from scanner_sync.source.api import Api as Address
from scanner_sync.source.rate_limit import AdaptiveRateLimiter
from scanner_sync.source.session import ApiSession
from tests.conftest import SECRET, TOKEN, Vanishing, asked
from tests.source.faults import Fault
from tests.support.reading import Api, Kept, ids, on

pytestmark = pytest.mark.usefixtures("short_backoff")


def account_of(targets: int) -> Account:
    return Account(targets=[{"id": n} for n in range(1, targets + 1)])


@pytest.mark.parametrize(
    ("rows", "cap", "offsets"),
    [
        (0, 100, [0]),
        (1, 100, [0]),
        (100, 100, [0]),
        (101, 100, [0, 99]),
        (199, 100, [0, 99]),
        (200, 100, [0, 99, 198]),
        (60, 25, [0, 24, 48]),
        (120, 50, [0, 49, 98]),
        (4, 1, [0, 1, 2, 3]),
        (5, 2, [0, 1, 2, 3]),
    ],
)
def test_short_pages_lose_no_row(rows: int, cap: int, offsets: list[int]) -> None:
    """The offset moves by the number of rows received; pages overlap by one row."""
    api = Api(account_of(rows), max_limit=cap)
    assert ids(api.read("targets")["targets"]) == list(range(1, rows + 1))
    assert api.offsets == offsets
    assert {r.query["limit"] for r in api.app.state.requests} == {"100"}


def test_each_path_ends_in_a_slash_and_is_asked_with_the_token() -> None:
    """No request is redirected. Each carries the token, and asks for JSON.

    Firewalls refuse requests that do not say what they accept.
    """
    accepted = []
    api = Api(
        generate(seed=5, issues=12), lambda request: accepted.append(request.headers.get("Accept"))
    )
    rows = api.read(*TABLES)
    assert {table: len(found) for table, found in rows.items()} == {
        "issues": 12,
        "occurrences_issues": sum(map(len, api.account.occurrences.values())),
        "scans": len(api.account.scans),
        "targets": len(api.account.targets),
        "fixed_occurrences": len(api.account.fixed),
        "scan_schedules": len(api.account.schedules),
        "tags": len(api.account.tags),
        "licenses": 1,
    }
    records = api.app.state.requests
    assert {(r.method, r.status, r.authorization) for r in records} == {("GET", 200, True)}
    assert {r.path[-1] for r in records} == {"/"}
    assert accepted == ["application/json"] * len(records)


PASSING = [408, 425, 429, 500, 502, 503, 504, 507, 509, 511, 520, 527, 529, 530, 561, 598, 599]


@pytest.mark.parametrize("status", PASSING)
def test_three_failures_are_retried(status: int) -> None:
    """These statuses are retried, no row is lost, and each request is counted."""
    api = Api(account_of(3), on("targets/", *[Response("body", status)] * 3))
    assert ids(api.read("targets")["targets"]) == [1, 2, 3]
    assert asked(api.app) == {"targets/": 4}
    traffic = api.session.traffic
    assert (traffic.requests, traffic.retries) == (4, 3)
    assert traffic.throttled == (3 if status == 429 else 0)


@pytest.mark.parametrize("status", PASSING)
def test_a_fourth_failure_is_final(status: int) -> None:
    """The error says what failed and how often, and is retryable."""
    api = Api(account_of(3), on("targets/", *[Response("body", status)] * 4))
    with pytest.raises(
        ApiUnavailable, match=rf"gave status {status} for targets/, 4 times in \d+ seconds?"
    ):
        api.read("targets")
    assert asked(api.app) == {"targets/": 4}


@pytest.mark.parametrize(
    "status", [400, 404, 405, 407, 409, 410, 418, 422, 451, 501, 505, 204, 206]
)
def test_other_statuses_are_not_retried(status: int) -> None:
    """No retry, and an error that names the status and not the body."""
    api = Api(account_of(3), on("targets/", Response("" if status == 204 else "body", status)))
    with pytest.raises(ApiError) as caught:
        api.read("targets")
    assert f"The API gave status {status} for targets/." in str(caught.value)
    assert "body" not in str(caught.value)
    assert asked(api.app) == {"targets/": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_token_is_not_retried(status: int) -> None:
    """The error names the secret, and does not contain the token."""
    api = Api(account_of(3), on("targets/", JSONResponse({"detail": "body"}, status)))
    with pytest.raises(ApiRefused) as caught:
        api.read("targets")
    assert f"rejects the token (status {status} for targets/)" in str(caught.value)
    assert "Check the token in THE-SECRET" in str(caught.value)
    assert "firewall" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert asked(api.app) == {"targets/": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejection_by_a_firewall_is_named(status: int) -> None:
    """A firewall's HTML page does not mean that the token is wrong; the error names both."""
    page = Response("<html>Forbidden</html>", status, media_type="text/html")
    api = Api(account_of(3), on("targets/", page))
    with pytest.raises(ApiRefused, match=r"in THE-SECRET: .* a firewall sent this response"):
        api.read("targets")
    assert asked(api.app) == {"targets/": 1}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """Not even to the same host: the token would go wherever the answer says."""
    elsewhere = Api(account_of(3))
    with serve_api(elsewhere.app) as url:
        redirect = Response(None, status, {"Location": f"{url}/targets/"})
        api = Api(account_of(3), on("targets/", redirect))
        with pytest.raises(ApiError, match=f"The API redirects targets/ .status {status}"):
            api.read("targets")
    assert asked(api.app) == {"targets/": 1}
    assert elsewhere.app.state.requests == []


def test_next_is_not_followed() -> None:
    """A page whose `next` names another host is read on at the configured one."""
    elsewhere = Api(account_of(9))
    with serve_api(elsewhere.app) as url:
        page = {"count": 3, "next": f"{url}/targets/?offset=2", "results": [{"id": 1}, {"id": 2}]}
        api = Api(account_of(3), on("targets/", JSONResponse(page)))
        assert ids(api.read("targets")["targets"]) == [1, 2, 3]
    assert elsewhere.app.state.requests == []
    assert api.offsets == [0, 1]


def test_a_request_to_another_origin_is_not_sent() -> None:
    """The session itself refuses it, so the token stays at the configured origin."""
    api, elsewhere = Api(account_of(1)), Api(account_of(1))
    api.read("targets")
    with serve_api(elsewhere.app) as url, pytest.raises(ApiError, match="was not sent"):
        api.session.get(f"{url}/targets/", headers={"Authorization": f"Bearer {TOKEN}"})
    assert elsewhere.app.state.requests == []


def test_retry_after_is_respected() -> None:
    """The retry waits for as long as the header says, in place of the backoff."""
    api = Api(account_of(1), on("targets/", Response(None, 503, {"Retry-After": "0.5"})))
    started = time.monotonic()
    assert ids(api.read("targets")["targets"]) == [1]
    assert time.monotonic() - started >= 0.5
    assert asked(api.app) == {"targets/": 2}


def test_retry_after_is_respected_whatever_others_are_answered() -> None:
    """That the API answers the others does not shorten the wait."""
    sent: list[float] = []

    def busy(request: Request) -> Response | None:
        if request.url.path != "/v1/issues/1/occurrences/":
            return None
        sent.append(time.monotonic())
        return Response(None, 503, {"Retry-After": "0.5"}) if len(sent) == 1 else None

    api = Api(issues_of(60), busy, quota_per_hour=None)
    assert len(api.read("occurrences_issues")["occurrences_issues"]) == 60
    first, second = sent
    assert second - first >= 0.5


@pytest.mark.parametrize("status", [403, 409, 429])
def test_a_refusal_that_says_how_long_is_waited_for(status: int) -> None:
    """Whatever its status, and whether or not an account may lack the listing."""
    refusal = JSONResponse({"detail": "Slow down."}, status, {"Retry-After": "0.2"})
    for name in ("targets", "tags"):
        api = Api(Account(targets=[{"id": 1}], tags=[{"name": "a"}]), on(f"{name}/", refusal))
        assert len(api.read(name)[name]) == 1
        traffic = api.session.traffic
        assert (traffic.requests, traffic.retries, traffic.throttled) == (2, 1, 1)
        assert api.session.reading.unavailable == set()
    refusal = JSONResponse({"detail": "Slow down."}, status, {"Retry-After": "3600"})
    api = Api(account_of(1), on("targets/", refusal))
    with pytest.raises(ApiUnavailable, match=f"status {status} for targets/. The next") as caught:
        api.read("targets")
    assert caught.value.retry_after == 3600


def test_a_date_to_wait_for_is_of_the_apis_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of this machine is not asked, which may be an hour ahead."""

    def busy(request: Request) -> Response:
        until = datetime.now(UTC) + timedelta(hours=1)
        return Response(None, 429, {"Retry-After": f"{until:%a, %d %b %Y %H:%M:%S GMT}"})

    monkeypatch.setattr("scanner_sync.source.retry.datetime", None)
    api = Api(account_of(1), busy)
    with pytest.raises(ApiUnavailable) as caught:
        api.read("targets")
    assert caught.value.retry_after == pytest.approx(3600, abs=600)


class Rotates:
    """Accept one token until so many requests came, and then another one."""

    def __init__(self, app: ASGIApp, after: int, then: str) -> None:
        self.app, self.left, self.then = app, after, then

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.left -= 1
        accepted = TOKEN if self.left >= 0 else self.then
        if Request(scope).headers["authorization"] == f"Bearer {accepted}":
            headers = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
            scope["headers"] = [*headers, (b"authorization", f"Bearer {TOKEN}".encode())]
            await self.app(scope, receive, send)
        else:
            await JSONResponse({"detail": "Invalid token."}, 401)(scope, receive, send)


NEW_TOKEN = "another-token-that-must-not-show"


def issues_of(count: int) -> Account:
    ids = range(1, count + 1)
    return Account(issues=[{"id": n} for n in ids], occurrences={n: [{"id": 1}] for n in ids})


@pytest.mark.parametrize("concurrent", [1, 20])
def test_a_token_that_is_rotated_meanwhile(
    secret_manager: SecretManager, concurrent: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret is read once more, and each request that was refused is sent once more."""
    caplog.set_level("DEBUG")
    secret_manager.secrets[SECRET].append(Version(NEW_TOKEN.encode()))
    api = Api(issues_of(30))
    api.app.add_middleware(Rotates, after=10, then=NEW_TOKEN)
    rows = api.read(
        "occurrences_issues",
        concurrent=concurrent,
        read_token=lambda: read_token(
            SECRET, os.environ["SECRET_MANAGER_EMULATOR_HOST"], Deadline(600)
        ),
    )
    assert sorted(row["issue_id"] for row in rows["occurrences_issues"]) == list(range(1, 31))
    assert len(secret_manager.accesses) == 1
    assert 1 <= api.session.traffic.retries <= 21  # sent before the secret had been read
    assert api.session.traffic.requests == 31 + api.session.traffic.retries
    assert [r.getMessage() for r in caplog.records if r.name == "scanner_sync"] == [
        "token_read_again"
    ]
    assert NEW_TOKEN not in caplog.text


@pytest.mark.parametrize("read_token", [lambda: TOKEN, None])
def test_a_token_that_is_no_longer_accepted(read_token: Callable[[], str] | None) -> None:
    """The sync can be repeated: the next one reads the secret, or is told to have a new token."""
    api = Api(issues_of(30))
    api.app.add_middleware(Rotates, after=10, then=NEW_TOKEN)
    with pytest.raises(ApiUnavailable) as caught:
        api.read("occurrences_issues", concurrent=1, read_token=read_token)
    assert "no longer accepts the token (status 401 for issues/" in str(caught.value)
    assert "THE-SECRET was read once more" in str(caught.value)
    assert TOKEN not in str(caught.value)
    # Each of the 21 that were not accepted is repeated once at most.
    assert 12 <= api.session.traffic.requests <= 10 + 2 * 21


def test_one_401_of_many_is_repeated() -> None:
    """With the token that the secret still has."""
    refused = [JSONResponse({"detail": "Invalid token."}, 401)]
    api = Api(
        account_of(3),
        lambda request: refused.pop() if refused and "offset=1" in str(request.url) else None,
        max_limit=2,
    )
    assert ids(api.read("targets", read_token=lambda: TOKEN)["targets"]) == [1, 2, 3]
    assert api.offsets == [0, 1, 1]


def test_a_401_before_another_request_is_answered() -> None:
    """Requests are sent side by side, so it takes their answers to know what a 401 means."""
    arrived, refused = asyncio.Event(), asyncio.Event()

    class Late:
        """Refuse the first request for scans, while one for targets waits for its answer."""

        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/v1/targets/":
                arrived.set()
                await refused.wait()
            elif not refused.is_set():
                await arrived.wait()
                refusal = JSONResponse({"detail": "Invalid token."}, 401)
                await refusal(scope, receive, send)
                refused.set()
                return
            await self.app(scope, receive, send)

    account = Account(targets=[{"id": 1}], scans=[{"id": 2}])
    api = Api(account)
    api.app.add_middleware(Late)
    with serve_api(api.app) as url:
        session = ApiSession(
            Address(f"{url}/", TOKEN),
            max_concurrent=5,
            deadline=Deadline(600),
            read_token=lambda: TOKEN,
        )
        source = scanner_source(session, ["targets", "scans"], keep=Kept())
        assert sorted(row["id"] for row in source) == [1, 2]
    assert (session.traffic.requests, session.traffic.retries) == (3, 1)


BODY = b'{"count": 1, "next": null, "results": [{"id": 1}]}'
HALF_OF_TLS = b"\x16"
NO_JSON = "no JSON (if this recurs, check API_BASE_URL)"


def answer(body: bytes, *headers: bytes) -> bytes:
    """An answer of status 200, whose length is its body's."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CHECK_URL = "; if this recurs, check API_BASE_URL"
INCOMPLETE: dict[str, tuple[bytes | None, str]] = {
    "half of a TLS handshake": (HALF_OF_TLS, f"(UNEXPECTED_EOF_WHILE_READING{CHECK_URL})"),
    "a closed connection": (b"", f"(RemoteDisconnected{CHECK_URL})"),
    "a truncated body": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        "(IncompleteRead)",
    ),
    "a truncated chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n",
        "(IncompleteRead)",
    ),
    "a chunk of negative size": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\n{}\n\r\n",
        "(ProtocolError)",
    ),
    "not gzip": (
        answer(b"{}", b"Content-Encoding: gzip"),
        "(the body is not compressed as its header Content-Encoding says)",
    ),
    "an invalid status": (b"HTTP/1.1 99 OK\r\n\r\n", f"(BadStatusLine{CHECK_URL})"),
    "not HTTP": (b"hello\r\n\r\n", f"(BadStatusLine{CHECK_URL})"),
    "silence": (None, f"(timed out{CHECK_URL})"),
    "an informational response": (b"HTTP/1.1 103 Early Hints\r\n\r\n", "status 103"),
    "a truncated error": (b"HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\n{", "status 503"),
    "half of the JSON, without a length": (b"HTTP/1.0 200 OK\r\n\r\n" + BODY[:20], NO_JSON),
    "JSON without its last character": (answer(BODY[:-1]), NO_JSON),
    "an empty body": (answer(b""), NO_JSON),
    "HTML": (answer(b"<html>502 Bad Gateway</html>"), NO_JSON),
    "not UTF-8": (answer(b"\xff\xff"), NO_JSON),
    "truncated gzip": (
        answer(gzip.compress(BODY, mtime=0)[:-20], b"Content-Encoding: gzip"),
        NO_JSON,
    ),
}
"""What a server sends in place of a page, and what the error says about it, after the host."""


@pytest.mark.parametrize("kind", list(INCOMPLETE))
@pytest.mark.parametrize("times", [3, 4])
def test_incomplete_responses_are_retried(
    monkeypatch: pytest.MonkeyPatch, kind: str, times: int
) -> None:
    """Lost connections, truncated and garbled bodies, HTML, and silence: all may pass."""
    broken, fault = INCOMPLETE[kind]
    monkeypatch.setattr(session_module, "READ_TIMEOUT", 0.2)
    scheme = "https" if broken == HALF_OF_TLS else "http"
    whole = answer(BODY, b"Connection: close")
    asked_times = 0
    silent = []

    def serve_connections(listener: socket.socket) -> None:
        nonlocal asked_times
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = listener.accept()
                connection.recv(65536)
                asked_times += 1
                if asked_times > times and scheme == "http":
                    connection.sendall(whole)
                elif broken is None:
                    silent.append(connection)
                    continue
                else:
                    connection.sendall(broken)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_connections, args=[listener])
        thread.start()
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"
        session = ApiSession(Address(url, TOKEN), max_concurrent=1, deadline=Deadline(600))
        source = scanner_source(session, ["targets"], keep=Kept())
        if fault.startswith("("):
            fault = f"no complete response from {url.rstrip('/')} {fault}"
        try:
            if times == 3 and scheme == "http":
                assert [row["id"] for row in source.resources["targets"]] == [1]
            else:
                with pytest.raises(Exception, match=f"{re.escape(fault)}.* 4 times") as caught:
                    list(source.resources["targets"])
                assert isinstance(diagnose(caught.value), ApiUnavailable)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in silent:
                connection.close()
    assert asked_times == 4
    assert session.traffic.retries == 3


def test_large_pages_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come, at once and one after the other, and even if they are no pages."""
    monkeypatch.setattr(connections, "LARGE_BODY", 10)
    account = generate(seed=5, issues=12)
    api = Api(account, on("targets/", *[Response("<html>not a page</html>")] * 3))
    assert len(api.read("issues", "targets", concurrent=20)["targets"]) == len(account.targets)
    found = api.read("occurrences_issues", page_size=3, concurrent=20)["occurrences_issues"]
    assert len(found) == sum(map(len, account.occurrences.values()))
    with serve_api(api.app) as url:
        session = ApiSession(Address(f"{url}/", TOKEN), max_concurrent=1, deadline=Deadline(60))
        for _ in range(3):
            assert session.page("targets/").page.total == len(account.targets)


def test_a_late_response_is_not_taken_for_the_next_one() -> None:
    """The connection is closed after a 103, so what follows on it is not read."""
    stale = BODY.replace(b'"id": 1', b'"id": 99')

    def serve_connections(listener: socket.socket) -> None:
        for first, later in (
            (b"HTTP/1.1 103 Early Hints\r\n\r\n", answer(stale)),
            (answer(BODY), b""),
        ):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(first)
                if connection.recv(65536):
                    connection.sendall(later)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_connections, args=[listener])
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with ApiSession(Address(url, TOKEN), max_concurrent=1, deadline=Deadline(600)) as session:
            source = scanner_source(session, ["targets"], keep=Kept())
            rows = list(source.resources["targets"])
        thread.join()
    assert ids(rows) == [1]


def test_an_html_page_at_the_deadline_names_the_base_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error names API_BASE_URL even if no time is left for a retry, as in `check`."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 60.0)
    api = Api(account_of(1), on("targets/", Response("<html>", media_type="text/html")))
    with pytest.raises(
        ApiUnavailable, match=re.escape(f"gave {NO_JSON} for targets/. The next attempt")
    ):
        api.read("targets", deadline=30)
    assert asked(api.app) == {"targets/": 1}


class RequestsASecond:
    """Allow so many requests in each second of the clock, and answer the rest with 429."""

    def __init__(self, allowed: int, retry_after: str | None) -> None:
        self.allowed, self.headers = allowed, {"Retry-After": retry_after} if retry_after else {}
        self.second, self.used = 0, 0

    def __call__(self, _: Request) -> Response | None:
        second = int(time.monotonic())
        if second != self.second:
            self.second, self.used = second, 0
        self.used += 1
        return Response(None, 429, self.headers) if self.used > self.allowed else None


@pytest.mark.parametrize("retry_after", [None, "1"])
def test_a_quota_is_shared_by_all_threads(
    monkeypatch: pytest.MonkeyPatch, retry_after: str | None
) -> None:
    """All rows are read, and few requests are refused."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 2.0)
    account = generate(seed=2, issues=500, targets=0, scans=0)
    api = Api(account, RequestsASecond(100, retry_after), quota_per_hour=None)
    rows = api.read("issues", "occurrences_issues", concurrent=20)
    assert sorted(ids(rows["issues"])) == sorted(ids(account.issues))
    found = sorted((row["issue_id"], row["id"]) for row in rows["occurrences_issues"])
    assert found == sorted(
        (i, row["id"]) for i, all_ in account.occurrences.items() for row in all_
    )
    traffic = api.session.traffic
    assert 0 < traffic.throttled < traffic.requests / 10


@pytest.mark.parametrize("status", [502, 504])
def test_an_overloaded_api_names_the_concurrency(status: int) -> None:
    """If a gateway answers in its place each time, the error says what to lower."""
    api = Api(account_of(1), on("targets/", *[Response(None, status)] * 4))
    with pytest.raises(ApiUnavailable, match="lower MAX_CONCURRENT_REQUESTS") as caught:
        api.read("targets")
    assert f"status {status} for targets/, 4 times" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "signal"),
    [(429, "refused"), (503, "refused"), (502, "overloaded"), (504, "overloaded")],
)
def test_an_overloaded_api_is_read_with_fewer_requests_at_once(
    status: int, signal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limiter is told of each answer that says so, and what was refused is read later."""
    told = []
    for name in ("refused", "overloaded"):
        original = getattr(AdaptiveRateLimiter, name)

        def note(
            limiter: AdaptiveRateLimiter, *args: Any, name: str = name, then: Any = original
        ) -> None:
            told.append(name)
            then(limiter, *args)

        monkeypatch.setattr(AdaptiveRateLimiter, name, note)
    account = generate(seed=2, issues=60, targets=0, scans=0)
    refused: set[str] = set()

    def busy(request: Request) -> Response | None:
        path = request.url.path
        if not path.endswith("/occurrences/") or path in refused or len(refused) == 2:
            return None
        refused.add(path)
        return Response(None, status)

    api = Api(account, busy, quota_per_hour=None)
    rows = api.read("issues", "occurrences_issues", concurrent=20)
    assert sorted(ids(rows["issues"])) == sorted(ids(account.issues))
    found = sorted((row["issue_id"], row["id"]) for row in rows["occurrences_issues"])
    assert found == sorted(
        (i, row["id"]) for i, all_ in account.occurrences.items() for row in all_
    )
    assert (told, api.session.traffic.retries) == ([signal] * 2, 2)


@pytest.mark.parametrize("value", ["0", "soon"])
def test_an_unusable_retry_after_is_replaced_by_backoff(value: str) -> None:
    """A header without a wait in it, or with one that is over, leaves the backoff as it is."""
    refusal = Response(None, 503, {"Retry-After": value})
    api = Api(account_of(1), on("targets/", *[refusal] * 3))
    started = time.monotonic()
    api.read("targets")
    assert time.monotonic() - started >= 0.02 + 0.04 + 0.08


def test_retry_after_is_capped_at_a_day() -> None:
    """However long the number is, the error says at most a day."""
    api = Api(account_of(1), on("targets/", Response(None, 429, {"Retry-After": "9" * 400})))
    with pytest.raises(ApiUnavailable) as caught:
        api.read("targets")
    assert caught.value.retry_after == 86_400


def test_an_exhausted_quota_fails_at_once() -> None:
    """If the wait ends after the deadline, the error comes now and says how long it is."""
    api = Api(account_of(1), quota_per_hour=0)
    started = time.monotonic()
    with pytest.raises(ApiUnavailable) as caught:
        api.read("targets", deadline=60)
    assert time.monotonic() - started < 30
    assert caught.value.retry_after == 3600
    assert caught.value.retryable
    assert asked(api.app) == {"targets/": 1}


def test_a_machine_that_starts_no_thread_is_named() -> None:
    """Such as at a limit of processes. Here no memory holds the stack of another thread."""
    session = ApiSession(Address("http://h/", TOKEN), max_concurrent=1, deadline=Deadline(600))
    source = scanner_source(session, ["targets"], keep=Kept())
    before = threading.stack_size(2**46)
    try:
        with pytest.raises(Exception, match="can't start new thread") as caught:
            list(source.resources["targets"])
    finally:
        threading.stack_size(before)
    found = diagnose(caught.value)
    assert isinstance(found, MachineError)
    assert str(found).startswith("No further thread or process can be started. Raise the limit")


def test_the_deadline_ends_the_reading() -> None:
    """A server that does not answer delays a sync only until its deadline."""
    api = Api(account_of(1), latency_seconds=30)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"not done after 0\.5 seconds"):
        api.read("targets", deadline=0.5)
    assert time.monotonic() - started < 20


def two_issues() -> Account:
    return Account(
        issues=[{"id": 1}, {"id": 2}],
        occurrences={1: [{"id": 3}, {"id": 4}], 2: [{"id": 5}]},
    )


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("status", [404, 410])
def test_a_vanished_issue_has_no_rows(status: int, offset: int) -> None:
    """A 404 for its occurrences is not an error once the issue is not listed either.

    It is counted. Rows from an earlier page are dropped.
    """
    account = two_issues()
    listed = 0

    def fault(request: Request) -> Response | None:
        nonlocal listed
        if request.url.path == "/v1/issues/":
            listed += 1
            if listed == 3:  # the listing at the end; the first one took two requests
                account.issues = account.issues[-1:]
        if request.url.path != "/v1/issues/1/occurrences/":
            return None
        return Response(None, status) if request.query_params["offset"] == str(offset) else None

    api = Api(account, fault, max_limit=1)
    rows = api.read("occurrences_issues")["occurrences_issues"]
    assert [(row["issue_id"], row["id"]) for row in rows] == [(2, 5)]
    assert len(api.session.reading.vanished) == 1
    assert asked(api.app)["issues/"] == 3


@pytest.mark.parametrize("first", [[], [Response(None, 503)]])
def test_a_404_for_a_listed_issue_is_retryable(first: list[Response]) -> None:
    """Something other than the API may have answered, so the occurrences may exist."""
    account = two_issues()
    account.occurrences = Vanishing(account)
    del account.occurrences[2]
    page = Response("default backend - 404", 404, media_type="text/plain")
    api = Api(account, on("issues/1/occurrences/", *first, page))
    with pytest.raises(ApiUnavailable) as caught:
        api.read("occurrences_issues")
    assert "1 issue that it still lists (such as issues/1/occurrences/)" in str(caught.value)
    assert "try again later" in str(caught.value)
    assert asked(api.app)["issues/"] == 2
    assert api.session.reading.vanished == set()


def test_a_page_of_missing_issues_fails_at_once() -> None:
    """So many do not vanish at once. The rest is not requested, nor the listing again."""
    account = Account(issues=[{"id": n} for n in range(1, 100)])
    api = Api(account)
    with pytest.raises(ApiUnavailable, match="the occurrences of a whole page of issues"):
        api.read("occurrences_issues", page_size=10)
    counts = asked(api.app)
    assert counts.pop("issues/") <= 12
    assert 10 <= sum(counts.values()) < 99


@pytest.mark.parametrize("times", [3, 4])
@pytest.mark.parametrize("status", [404, 410])
def test_a_404_for_a_known_listing_is_retried(status: int, times: int) -> None:
    """A 404 for its second page comes from a gateway."""
    left = [Response("default backend - 404", status)] * times

    def fault(request: Request) -> Response | None:
        return left.pop() if left and request.query_params["offset"] != "0" else None

    api = Api(account_of(3), fault, max_limit=2)
    if times == 3:
        assert ids(api.read("targets")["targets"]) == [1, 2, 3]
    else:
        with pytest.raises(
            ApiUnavailable, match=f"status {status} for targets/ at offset 1, 4 times"
        ):
            api.read("targets")
    assert asked(api.app) == {"targets/": 5}


@pytest.mark.parametrize("next_page", [None, "", False, 0, [], {}])
def test_an_empty_next_ends_the_listing(next_page: Any) -> None:
    """If all rows were received that `count` reports, whatever false value `next` has."""
    page = {"count": 2, "next": next_page, "results": [{"id": 1}, {"id": 2}]}
    api = Api(account_of(2), on("targets/", JSONResponse(page)))
    assert ids(api.read("targets")["targets"]) == [1, 2]
    assert asked(api.app) == {"targets/": 1}


def test_a_304_is_no_redirect() -> None:
    """Nor can it be used, because no copy is kept."""
    api = Api(account_of(3), on("targets/", Response(None, 304)))
    with pytest.raises(ApiError) as caught:
        api.read("targets")
    assert str(caught.value) == (
        "The API gave status 304 for targets/. Nothing was loaded. A cache on the way answered,"
        " although no copy is kept here."
    )


def from_offset(limit: int, answer: Response) -> Fault:
    return lambda request: answer if int(request.query_params["offset"]) >= limit else None


EMPTY = JSONResponse({"count": 12, "next": "more", "results": []})


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            Response(None, 400),
            ApiError,
            "status 400 for targets/ at offset 10. Nothing was loaded.",
        ),
        (Response(None, 404), ApiUnavailable, "status 404 for targets/ at offset 10, 4 times"),
        (Response(None, 500), ApiUnavailable, "status 500 for targets/ at offset 10, 4 times"),
        (EMPTY, ListingUnstable, "1 read. The largest offset was 10."),
    ],
)
def test_an_offset_that_the_api_does_not_go_beyond_is_named(
    answer: Response, kind: type[Exception], said: str
) -> None:
    """Many APIs end at an offset of 10,000, each in its own way."""
    api = Api(account_of(12), from_offset(8, answer), max_limit=6)
    with pytest.raises(kind) as caught:
        api.read("targets")
    assert said in str(caught.value)
    if kind is ApiError:
        assert "so it may limit the offset: please report it." in str(caught.value)


CUT = "cut \\ud83d"
WHOLE = "\\ud83d\\ude00 and \\\\ud83d"


def listing(*rows: str) -> Response:
    """Return a page of rows, given as JSON."""
    body = f'{{"count": {len(rows)}, "next": null, "results": [{", ".join(rows)}]}}'
    return Response(body, media_type="application/json")


def test_half_of_an_emoji_becomes_a_replacement_character(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In text, at any depth. The log says in which rows and fields."""
    rows = [
        '{"id": 7, "address": "CUT", "tags": ["CUT", "WHOLE"], "new": {"a": "CUT"}}',
        '{"id": 8, "address": "WHOLE", "tags": [12345678901234567890123]}',
        '{"id": 9, "address": "CUT"}',
    ]
    answer = listing(*(row.replace("CUT", CUT).replace("WHOLE", WHOLE) for row in rows))
    api = Api(Account(), on("targets/", answer))
    whole = "\U0001f600 and \\ud83d"
    found = [(r["address"], r["tags"], r.get("new")) for r in api.read("targets")["targets"]]
    assert found == [
        ("cut \ufffd", ["cut \ufffd", whole], {"a": "cut \ufffd"}),
        (whole, [12345678901234567890123], None),
        ("cut \ufffd", None, None),
    ]
    [record] = [r for r in caplog.records if r.name == "scanner_sync"]
    assert (record.getMessage(), record.levelname) == ("text_replaced", "WARNING")
    assert vars(record)["fields"] == {
        "resource": "targets/",
        "rows": [7, 9],
        "fields": ["address", "new", "tags"],
    }


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("targets", f'{{"id": "{CUT}"}}', "row 2 has a lone surrogate in its key id"),
        ("tags", f'{{"name": "{CUT}"}}', "row 2 has a lone surrogate in its key name"),
        (
            "targets",
            f'{{"id": 2, "{CUT}": 1}}',
            "row 2 has a lone surrogate in a name of field cut \\ud83d",
        ),
        (
            "targets",
            f'{{"id": 2, "new": {{"{CUT}": 1}}}}',
            "row 2 has a lone surrogate in a name of field new",
        ),
        ("targets", f'{{"id": 2, "address": "{CUT}", "new": NaN}}', "it is not valid JSON"),
        ("targets", f'{{"id": 2, "address": "{CUT}", "new": 1e999}}', "it is not valid JSON"),
    ],
)
def test_half_of_an_emoji_in_a_key_is_an_error(table: str, row: str, said: str) -> None:
    """Two keys or names could become one. What else is no valid JSON stays an error, too."""
    first = '{"name": "a"}' if table == "tags" else '{"id": 1}'
    api = Api(Account(), on(f"{table}/", listing(first, row)))
    with pytest.raises(ApiError) as caught:
        api.read(table)
    assert f"{table}/ is not a listing: {said}. Nothing was loaded." in str(caught.value)


def test_an_empty_next_does_not_override_count() -> None:
    """Rows that `count` reports are requested even if `next` is empty."""
    page = {"count": 3, "next": "", "results": [{"id": 1}, {"id": 2}]}
    api = Api(account_of(3), on("targets/", JSONResponse(page)))
    assert ids(api.read("targets")["targets"]) == [1, 2, 3]
    assert api.offsets == [0, 1]


@pytest.mark.parametrize(
    ("count", "next_page", "said"),
    [
        (3, None, "3 rows, but 1 different row came in 3 reads"),
        (1, "more", "1 row and a next page, but 1 different row came in 1 read"),
    ],
)
def test_an_unstable_listing_is_reported_with_numbers(
    count: int, next_page: str | None, said: str
) -> None:
    """The message says what the API reports, what came, and how often it was read."""
    page = JSONResponse({"count": count, "next": next_page, "results": [{"id": 1}]})
    api = Api(Account(), lambda _: page)
    with pytest.raises(ListingUnstable, match=f"it reports {said}\\."):
        api.read("targets")


def test_a_wrong_base_url_is_an_error() -> None:
    """A 404 for a listing is an error that says what to check."""
    api = Api(account_of(1))
    with pytest.raises(ApiError, match="status 404 for targets/"):
        api.read("targets", base_path="v2/")


BAD_BODIES = {
    "it is not valid JSON": [
        b'{"count": NaN, "results": []}',
        b"[" * 100_000,
    ],
    "row 1 has a lone surrogate in its key id": [b'{"count": 1, "results": [{"id": "\\ud800"}]}'],
    "it is gzip, which its headers do not say": [gzip.compress(BODY, mtime=0)],
    "it is UTF-16 or UTF-32, not UTF-8": [BODY.decode().encode("utf-16-le")],
    "it is not an object": [b"[]", b"7", b"null"],
    "results is not an array of objects": [
        b'{"count": 1}',
        b'{"count": 1, "results": null}',
        b'{"count": 1, "results": {"id": 1}}',
        b'{"count": 1, "results": [1]}',
    ],
    "count is not a number of rows": [
        b'{"results": []}',
        b'{"count": "1", "results": [{"id": 1}]}',
        b'{"count": -1, "results": []}',
        b'{"count": true, "results": []}',
        b'{"count": 1.5, "results": []}',
    ],
    "a row has no id that is a number or a string": [
        b'{"count": 1, "results": [{}]}',
        b'{"count": 1, "results": [{"id": null}]}',
        b'{"count": 1, "results": [{"id": [1]}]}',
    ],
}


@pytest.mark.parametrize(
    ("fault", "body"),
    [(fault, body) for fault, bodies in BAD_BODIES.items() for body in bodies],
    ids=lambda value: str(value)[:60],
)
def test_a_response_that_is_not_a_listing_is_an_error(fault: str, body: bytes) -> None:
    """The error names the resource and the fault, and does not quote the body."""
    gc.collect()  # a finaliser of another test would fail at the depth that a nested body reaches
    api = Api(account_of(1), on("targets/", Response(body, media_type="application/json")))
    with pytest.raises(ApiError) as caught:
        api.read("targets")
    assert f"targets/ is not a listing: {fault}. Nothing was loaded." in str(caught.value)
    assert "Check API_BASE_URL." in str(caught.value)
    assert body.decode(errors="replace") not in str(caught.value)
    assert asked(api.app) == {"targets/": 1}


def test_an_oversized_response_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most `MAX_BODY` bytes are held in memory."""
    monkeypatch.setattr(connections, "MAX_BODY", 2**20)
    api = Api(account_of(1), on("targets/", Response(b"x" * 2**21)))
    with pytest.raises(ApiError, match="is longer than 1 MiB"):
        api.read("targets")


def before(request_number: int, change: Callable[[Account], None]) -> Callable[[Account], Fault]:
    """Change the account before the request of that number is answered."""

    def make(account: Account) -> Fault:
        count = 0

        def fault(_: Request) -> None:
            nonlocal count
            count += 1
            if count == request_number:
                change(account)

        return fault

    return make


def delete(*places: int) -> Callable[[Account], None]:
    def change(account: Account) -> None:
        account.targets = [row for n, row in enumerate(account.targets) if n not in places]

    return change


def insert(place: int, *new: int) -> Callable[[Account], None]:
    def change(account: Account) -> None:
        account.targets[place:place] = [{"id": n} for n in new]

    return change


@pytest.mark.parametrize(
    "change",
    [
        delete(0),
        delete(99),
        delete(0, 99),
        delete(98, 99, 100),
        delete(*range(60, 110)),
        delete(*range(100)),
        delete(240),
        insert(0, 901),
        insert(0, *range(900, 1020)),
        insert(100, 901),
        insert(250, 901),
    ],
)
def test_a_changing_listing_loses_no_row(change: Callable[[Account], None]) -> None:
    """Rows that stay are read exactly once, whatever is inserted or deleted meanwhile."""
    account = account_of(250)
    there_before = set(ids(account.targets))
    api = Api(account, before(2, change)(account))
    rows = ids(api.read("targets")["targets"])
    stayed = there_before & set(ids(account.targets))
    assert sorted(rows) == sorted(set(rows))
    assert stayed <= set(rows) <= there_before | set(ids(account.targets))
    assert len(api.app.state.requests) <= 8


class Cached:
    """Answer for the targets of an account, with each page as it was up to 5 seconds before."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.now = 0.0
        self.pauses: list[float] = []
        self._pages: dict[str, tuple[float, Response]] = {}

    def __call__(self, request: Request) -> Response:
        offset = int(request.query_params["offset"])
        if self.now >= self._pages.get(str(offset), (-5.0,))[0] + 5:
            rows = self.account.targets
            more = "more" if offset + 100 < len(rows) else None
            page = {"count": len(rows), "next": more, "results": rows[offset : offset + 100]}
            self._pages[str(offset)] = self.now, JSONResponse(page)
        return self._pages[str(offset)][1]

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.mark.parametrize("age", [0.1, 1.0, 2.0, 3.0, 4.0, 4.9])
@pytest.mark.parametrize("change", [delete(0, 1), insert(0, 901, 902)])
def test_a_cache_in_front_of_the_api(change: Callable[[Account], None], age: float) -> None:
    """The read waits until pages of different moments are gone, with pauses that grow."""
    account = account_of(250)
    cached = Cached(account)
    # Another reader asks for the first page, and then rows come or go.
    first = {"type": "http", "query_string": b"limit=100&offset=0", "headers": []}
    cached(Request(first))
    change(account)
    cached.now = age
    found = ids(Api(account, cached).read("targets", sleep=cached.sleep)["targets"])
    assert set(ids(account.targets)) <= set(found)
    assert cached.pauses == sorted(cached.pauses)
    assert 0 < sum(cached.pauses) <= 8


def test_a_pause_ends_at_the_deadline() -> None:
    """However long it is."""
    slept: list[float] = []
    session = ApiSession(
        Address("http://h/", TOKEN), max_concurrent=1, deadline=Deadline(600), sleep=slept.append
    )
    session.pause(0.25)
    session.pause(4000)
    assert slept[0] == 0.25
    assert 0 <= slept[1] <= 600


def test_a_page_that_repeats_forever_is_an_error() -> None:
    """A server that ignores the offset causes an error, not an endless read or missing rows."""
    page = JSONResponse({"count": 250, "next": None, "results": [{"id": n} for n in range(100)]})
    api = Api(Account(), lambda _: page)
    with pytest.raises(ListingUnstable, match="reports 250 rows, but 100 different rows"):
        api.read("targets")
    assert len(api.app.state.requests) < 30


def test_a_wrong_count_is_an_error() -> None:
    """A listing with fewer rows than `count` reports is incomplete."""
    page = JSONResponse({"count": 9, "next": None, "results": []})
    api = Api(Account(), lambda _: page)
    with pytest.raises(ListingUnstable) as caught:
        api.read("targets")
    assert isinstance(caught.value, SyncError)
    assert caught.value.retryable
    assert len(api.app.state.requests) < 10
