"""How the API is read: what is retried, refused and counted, and that no row is lost."""

import contextlib
import email.utils
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dlt.extract.source import DltSource
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sample_api import Account, create_app, generate
from sample_api import serve as serve_api
from scanner_sync import api as reading
from scanner_sync.api import ApiSession
from scanner_sync.deadline import Deadline
from scanner_sync.errors import (
    ApiError,
    ApiRefused,
    ApiUnavailable,
    DeadlineExceeded,
    ListingUnstable,
    SyncError,
)
from scanner_sync.pipeline import diagnose
from scanner_sync.source import scanner_source
from scanner_sync.tables import TABLES

from .conftest import TOKEN, asked

Fault = Callable[[Request], Response | None]


class Faults:
    """Answers what `fault` gives, where it gives something."""

    def __init__(self, app: ASGIApp, fault: Fault) -> None:
        self.app, self.fault = app, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.fault(Request(scope)) or self.app)(scope, receive, send)


class Api:
    """A served account, and a way to read it with this program's source."""

    def __init__(self, account: Account, fault: Fault = lambda _: None, **options: Any) -> None:
        self.account = account
        self.app: Starlette = create_app(
            account, token=TOKEN, middleware=[Middleware(Faults, fault)], **options
        )
        self.session: ApiSession

    def read(
        self,
        *resources: str,
        token: str = TOKEN,
        page_size: int = 100,
        deadline: float = 60,
        base_path: str = "",
        concurrent: int = 5,
    ) -> dict[str, list[Any]]:
        """All rows of the resources, by table. Raises the `SyncError` that a run would."""
        with serve_api(self.app) as url:
            base_url = f"{url}/{base_path}"
            self.session = ApiSession(
                base_url,
                token_source="THE-SECRET",
                max_concurrent=concurrent,
                deadline=Deadline(deadline),
            )
            source = scanner_source(base_url, token, page_size, self.session, resources)
            try:
                return {name: list(rows) for name, rows in _each(source)}
            except Exception as error:
                raise diagnose(error) from None

    @property
    def offsets(self) -> list[int]:
        """The offsets that were asked for, in order."""
        return [int(request.query["offset"]) for request in self.app.state.requests]


def _each(source: DltSource) -> Iterator[tuple[str, Any]]:
    yield from source.selected_resources.items()


def ids(rows: list[Any]) -> list[int]:
    return [row["id"] for row in rows]


def account_of(targets: int) -> Account:
    return Account(targets=[{"id": n} for n in range(1, targets + 1)])


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a hundredth of the time before a retry."""
    monkeypatch.setattr(reading, "BACKOFF_FACTOR", 0.02)


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
def test_all_rows_come_whatever_the_server_caps(rows: int, cap: int, offsets: list[int]) -> None:
    """The offset moves by the rows that came; each page overlaps the last by one row."""
    api = Api(account_of(rows), max_limit=cap)
    assert ids(api.read("targets")["targets"]) == list(range(1, rows + 1))
    assert api.offsets == offsets
    assert {r.query["limit"] for r in api.app.state.requests} == {"100"}


def test_each_path_ends_in_a_slash_and_is_asked_with_the_token() -> None:
    """No request is redirected, and each carries the token."""
    api = Api(generate(seed=5, issues=12))
    rows = api.read(*TABLES)
    assert {table: len(found) for table, found in rows.items()} == {
        "issues": 12,
        "occurrences_issues": sum(map(len, api.account.occurrences.values())),
        "scans": len(api.account.scans),
        "targets": len(api.account.targets),
    }
    records = api.app.state.requests
    assert {(r.method, r.status, r.authorization) for r in records} == {("GET", 200, True)}
    assert {r.path[-1] for r in records} == {"/"}


def on(path: str, *answers: Response | None) -> Fault:
    """Answer the first requests of a path with these."""
    left = list(answers)

    def fault(request: Request) -> Response | None:
        return left.pop(0) if left and request.url.path == f"/v1/{path}" else None

    return fault


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_three_retries_mend_three_failures(status: int) -> None:
    """These statuses are retried; what came is whole, and each request is counted."""
    api = Api(account_of(3), on("targets/", *[Response("body", status)] * 3))
    assert ids(api.read("targets")["targets"]) == [1, 2, 3]
    assert asked(api.app) == {"targets/": 4}
    traffic = api.session.traffic
    assert (traffic.requests, traffic.retries) == (4, 3)
    assert traffic.throttled == (3 if status == 429 else 0)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_fourth_failure_is_final(status: int) -> None:
    """The error says what failed and how often, and a later try may help."""
    api = Api(account_of(3), on("targets/", *[Response("body", status)] * 4))
    with pytest.raises(
        ApiUnavailable, match=rf"gave status {status} for targets/, 4 times in \d+ seconds"
    ):
        api.read("targets")
    assert asked(api.app) == {"targets/": 4}


@pytest.mark.parametrize("status", [400, 404, 405, 409, 418, 422, 501, 505, 204, 206])
def test_other_statuses_are_final_at_once(status: int) -> None:
    """No retry, and an error that names the status and not the body."""
    api = Api(account_of(3), on("targets/", Response("" if status == 204 else "body", status)))
    with pytest.raises(ApiError) as caught:
        api.read("targets")
    assert f"The API gave status {status} for targets/." in str(caught.value)
    assert "body" not in str(caught.value)
    assert asked(api.app) == {"targets/": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_final_at_once(status: int) -> None:
    """The error says which secret to look at, and the token is not in it."""
    api = Api(account_of(3), on("targets/", Response("body", status)))
    with pytest.raises(ApiRefused) as caught:
        api.read("targets")
    assert str(caught.value) == (
        f"The API refuses the token (status {status} for targets/). Check the token in THE-SECRET:"
        " it may be revoked, expired or of another account."
    )
    assert asked(api.app) == {"targets/": 1}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
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
    """Whatever asks for it: another host, port or scheme gets nothing."""
    api, elsewhere = Api(account_of(1)), Api(account_of(1))
    api.read("targets")
    with serve_api(elsewhere.app) as url, pytest.raises(ApiError, match="It was not sent"):
        api.session.get(f"{url}/targets/", headers={"Authorization": f"Bearer {TOKEN}"})
    assert elsewhere.app.state.requests == []


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured(as_date: bool) -> None:
    """A number of seconds or a date says when to ask again, in place of the backoff."""
    value = email.utils.formatdate(time.time() + 2, usegmt=True) if as_date else "1"
    api = Api(account_of(1), on("targets/", Response(None, 503, {"Retry-After": value})))
    started = time.monotonic()
    assert ids(api.read("targets")["targets"]) == [1]
    assert time.monotonic() - started >= 1
    assert asked(api.app) == {"targets/": 2}


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (b"https", "SSLError"),
        (b"", "ProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "ProtocolError"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
            "DecodeError",
        ),
        (None, "ReadTimeoutError"),
    ],
)
@pytest.mark.parametrize("times", [3, 4])
def test_what_is_no_whole_answer_is_retried(
    monkeypatch: pytest.MonkeyPatch, broken: bytes | None, fault: str, times: int
) -> None:
    """Lost connections, bodies cut short or garbled, and silence: three retries mend three."""
    monkeypatch.setattr(reading, "READ_TIMEOUT", 0.2)
    body = b'{"count": 1, "next": null, "results": [{"id": 1}]}'
    whole = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    asked_times = 0
    silent = []

    def serve_connections(listener: socket.socket) -> None:
        nonlocal asked_times
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = listener.accept()
                connection.recv(65536)
                asked_times += 1
                if asked_times > times:
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
        scheme = "https" if broken == b"https" else "http"
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"
        session = ApiSession(url, token_source="", max_concurrent=1, deadline=Deadline(60))
        source = scanner_source(url, TOKEN, 100, session, ["targets"])
        try:
            if times == 3 and scheme == "http":
                assert [row["id"] for row in source.resources["targets"]] == [1]
            else:
                with pytest.raises(Exception, match=f"no whole answer .{fault}.* 4 times"):
                    list(source.resources["targets"])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in silent:
                connection.close()
    assert asked_times == 4
    assert session.traffic.retries == 3


class RequestsASecond:
    """Allows so many requests in each second of the clock, and answers the rest with 429."""

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
    """A server that allows so many requests a second is read whole; no request fails for good."""
    monkeypatch.setattr(reading, "BACKOFF_FACTOR", 2.0)
    account = generate(seed=2, issues=1000, targets=0, scans=0)
    api = Api(account, RequestsASecond(100, retry_after), quota_per_hour=None)
    rows = api.read("issues", "occurrences_issues", concurrent=20)
    assert sorted(ids(rows["issues"])) == sorted(ids(account.issues))
    found = sorted((row["issue_id"], row["id"]) for row in rows["occurrences_issues"])
    assert found == sorted(
        (i, row["id"]) for i, all_ in account.occurrences.items() for row in all_
    )
    traffic = api.session.traffic
    assert 0 < traffic.throttled < traffic.requests / 10


def test_a_retry_after_that_says_nothing_is_no_haste() -> None:
    """Where a server asks for no wait, or for one that is over, the backoff holds."""
    refusal = Response(None, 503, {"Retry-After": "0"})
    api = Api(account_of(1), on("targets/", *[refusal] * 3))
    started = time.monotonic()
    api.read("targets")
    assert time.monotonic() - started >= 0.02 + 0.04 + 0.08


def test_a_retry_after_without_end_is_a_day() -> None:
    """However long the number is."""
    api = Api(account_of(1), on("targets/", Response(None, 429, {"Retry-After": "9" * 400})))
    with pytest.raises(ApiUnavailable) as caught:
        api.read("targets")
    assert caught.value.retry_after == 86_400


def test_a_quota_that_is_used_up_fails_at_once() -> None:
    """Where the wait does not fit before the deadline, the error comes now and says how long."""
    api = Api(account_of(1), quota_per_hour=0)
    started = time.monotonic()
    with pytest.raises(ApiUnavailable) as caught:
        api.read("targets", deadline=60)
    assert time.monotonic() - started < 30
    assert caught.value.retry_after == 3600
    assert caught.value.retryable
    assert asked(api.app) == {"targets/": 1}


def test_the_deadline_ends_the_reading() -> None:
    """A server that does not answer holds a run up no longer than its deadline."""
    api = Api(account_of(1), latency_seconds=30)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"not done after 0\.5 seconds"):
        api.read("targets", deadline=0.5)
    assert time.monotonic() - started < 20


def test_an_issue_that_went_away_has_no_rows() -> None:
    """A 404 on its occurrences is no failure; it is counted."""
    api = Api(Account(issues=[{"id": 1}, {"id": 2}], occurrences={2: [{"id": 5}]}))
    rows = api.read("issues", "occurrences_issues")
    assert ids(rows["issues"]) == [1, 2]
    assert [(row["issue_id"], row["id"]) for row in rows["occurrences_issues"]] == [(2, 5)]
    assert api.session.traffic.vanished == 1


def test_a_wrong_base_url_is_an_error() -> None:
    """A 404 on a listing says so, and what to check."""
    api = Api(account_of(1))
    with pytest.raises(ApiError, match="status 404 for targets/"):
        api.read("targets", base_path="v2/")


BAD_BODIES = {
    "it is no JSON": [
        b"<html>",
        b"",
        b'{"count": NaN, "results": []}',
        b'{"count": 1, "results": [',
    ],
    "it is no object": [b"[]", b"7", b"null"],
    "results is no array of objects": [
        b'{"count": 1}',
        b'{"count": 1, "results": null}',
        b'{"count": 1, "results": {"id": 1}}',
        b'{"count": 1, "results": [1]}',
    ],
    "count is no number of rows": [
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
    ("fault", "body"), [(fault, body) for fault, bodies in BAD_BODIES.items() for body in bodies]
)
def test_what_is_no_listing_is_an_error(fault: str, body: bytes) -> None:
    """Status 200 with something else inside names the resource and the fault, not the body."""
    api = Api(account_of(1), on("targets/", Response(body, media_type="application/json")))
    with pytest.raises(ApiError) as caught:
        api.read("targets")
    assert str(caught.value) == (
        f"The API's answer for targets/ is no listing: {fault}. Nothing was loaded. Check"
        " API_BASE_URL; if it is right, the API has changed: report it."
    )
    assert asked(api.app) == {"targets/": 1}


def test_an_answer_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the longest sensible page is held in memory."""
    monkeypatch.setattr(reading, "MAX_BODY", 2**20)
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
def test_a_listing_that_moves_loses_no_row(change: Callable[[Account], None]) -> None:
    """Whatever is inserted or deleted while it is read, what stayed comes exactly once."""
    account = account_of(250)
    there_before = set(ids(account.targets))
    api = Api(account, before(2, change)(account))
    rows = ids(api.read("targets")["targets"])
    stayed = there_before & set(ids(account.targets))
    assert sorted(rows) == sorted(set(rows))
    assert stayed <= set(rows) <= there_before | set(ids(account.targets))
    assert len(api.app.state.requests) <= 8


def test_a_page_that_repeats_for_ever_ends() -> None:
    """A server that ignores the offset gets an error, not an endless read or a list with holes."""
    page = JSONResponse({"count": 250, "next": None, "results": [{"id": n} for n in range(100)]})
    api = Api(Account(), lambda _: page)
    with pytest.raises(ListingUnstable, match="says that it has 250 rows, and 100 different ones"):
        api.read("targets")
    assert len(api.app.state.requests) < 30


def test_a_count_that_lies_is_an_error() -> None:
    """Fewer rows than `count` says are no whole listing."""
    page = JSONResponse({"count": 9, "next": None, "results": []})
    api = Api(Account(), lambda _: page)
    with pytest.raises(ListingUnstable) as caught:
        api.read("targets")
    assert isinstance(caught.value, SyncError)
    assert caught.value.retryable
    assert len(api.app.state.requests) < 10
