"""The whole function against an API that is faulty, slow, or limits the rate."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import flask.testing
import pytest
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from sample_api import Account, create_app, generate
from sample_api import serve as serve_api
from sample_api.faults import Faults, FaultyApi
from scanner_sync.check import check
from scanner_sync.schema.tables import TABLES
from tests.conftest import FOUR, TOKEN, Dataset


@contextmanager
def api(monkeypatch: pytest.MonkeyPatch, faults: Faults, **options: int | None) -> Iterator[object]:
    account = generate(seed=6, issues=40, targets=120, scans=260)
    middleware = [Middleware(FaultyApi, account, faults)]
    app = create_app(account, token=TOKEN, middleware=middleware, **options)  # type: ignore[arg-type]
    with serve_api(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
        yield account


def test_all_faults_at_once_lose_no_row(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """Errors, truncated bodies, a quota per second, short pages, and rows that move."""
    faults = Faults(fail=0.03, cut=0.03, retry_after=1, churn=0.05, seed=1)
    with api(monkeypatch, faults, max_limit=25, quota_per_second=40) as account:
        moving = ("scans", "targets")
        before = {table: {row["id"] for row in getattr(account, table)} for table in moving}
        answer = http.post("/", json={"resources": FOUR})
        assert answer.status_code == 200, answer.get_json()
        for table, there in before.items():
            now = {row["id"] for row in getattr(account, table)}
            ids = [row["id"] for row in dataset.rows(table)]
            assert len(ids) == len(set(ids))
            assert there & now <= set(ids)
        issues = [row["id"] for row in dataset.rows("issues")]
        assert issues == sorted(row["id"] for row in account.issues)  # type: ignore[attr-defined]
        found = [(row["issue_id"], row["id"]) for row in dataset.rows("occurrences_issues")]
        assert found == sorted(
            (issue, row["id"])
            for issue, rows in account.occurrences.items()  # type: ignore[attr-defined]
            for row in rows
        )


def test_a_quota_per_second_fails_no_request(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """With 100 requests a second allowed, all rows are read and few requests refused."""
    account = generate(seed=9, issues=400, targets=0, scans=0)
    app = create_app(account, token=TOKEN, quota_per_second=100)
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    with serve_api(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        answer = http.post("/", json={"resources": ["issues", "occurrences_issues"]})
    assert answer.status_code == 200, answer.get_json()
    assert [row["id"] for row in dataset.rows("issues")] == sorted(r["id"] for r in account.issues)
    found = [(row["issue_id"], row["id"]) for row in dataset.rows("occurrences_issues")]
    assert found == sorted(
        (n, row["id"]) for n, rows in account.occurrences.items() for row in rows
    )
    refused = sum(request.status == 429 for request in app.state.requests)
    assert 0 < refused < len(app.state.requests) / 10
    assert answer.get_json()["requests"] == len(app.state.requests)


def test_a_failure_while_reading_loads_nothing(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """The tables do not change, and the answer names the kind of error."""
    with api(monkeypatch, Faults()):
        assert http.post("/").status_code == 200
    before = {table: dataset.rows(table) for table in TABLES}
    for fail_status, status, kind in (
        (501, 502, "ApiError"),
        (403, 502, "ApiRefused"),
        (503, 503, "ApiUnavailable"),
    ):
        # With `Retry-After`, a 403 is a quota's.
        retry_after = 1 if fail_status == 503 else None
        with api(monkeypatch, Faults(fail=1.0, fail_status=fail_status, retry_after=retry_after)):
            answer = http.post("/")
        assert (answer.status_code, answer.get_json()["error"]["type"]) == (status, kind)
        assert set(answer.get_json()["error"]) == {"type", "message"}
    assert {table: dataset.rows(table) for table in TABLES} == before


@pytest.mark.usefixtures("dataset")
def test_an_exhausted_quota_is_answered_with_its_wait(
    monkeypatch: pytest.MonkeyPatch, http: flask.testing.FlaskClient
) -> None:
    """503 at once, with the seconds until the quota is available again."""
    with api(monkeypatch, Faults(), quota_per_hour=0):
        answer = http.post("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3600")
    assert answer.get_json()["error"]["type"] == "ApiUnavailable"
    assert float(re.findall(r"in (\d+) seconds", answer.get_json()["error"]["message"])[0]) == 3600


class Held:
    """Delay the first request of each path, as a slow API does."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self.seconds, self.seen = app, seconds, set[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in self.seen:
            self.seen.add(scope["path"])
            await asyncio.sleep(self.seconds)
        await self.app(scope, receive, send)


class RefusesOnce:
    """Answer the request of one number with 429 and no `Retry-After`."""

    def __init__(self, app: ASGIApp, number: int) -> None:
        self.app, self.left = app, number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.left -= 1
        if self.left:
            await self.app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 429, "headers": []})
            await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def slow_api(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    account.targets = [{"id": n} for n in range(1, 4)]
    app = create_app(account, token=TOKEN, middleware=[Middleware(Held, 2.5)])
    with serve_api(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
        yield


@pytest.mark.usefixtures("slow_api")
def test_slow_responses_do_not_fail_a_sync(
    dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """Responses that take 2.5 seconds are not retried, and no row is lost."""
    answer = http.post("/", json={"resources": ["targets", "licenses"]})
    assert answer.status_code == 200, answer.get_json()
    assert [row["id"] for row in dataset.rows("targets")] == [1, 2, 3]
    # The targets that were scanned lately take another, and one shows that the API knows these.
    assert answer.get_json()["requests"] == 2 + 2


@pytest.mark.usefixtures("slow_api", "dataset")
def test_slow_responses_do_not_fail_check() -> None:
    """`check` waits for them too."""
    assert {result.name: result.status for result in check()} == dict.fromkeys(
        [
            "archive", "settings", "Google account", "secret", "token",
            "listings", "requests", "feeds", "dataset", "BigQuery jobs", "BigQuery tables",
            "sla_policy",
        ],
        "ok",
    )  # fmt: skip


def test_one_spurious_refusal_does_not_slow_down_a_sync(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """Only the second request is refused, once; 300 issues are read within the deadline."""
    account = generate(seed=4, issues=300, targets=1, scans=1)
    refusing = [Middleware(RefusesOnce, 2)]
    app = create_app(account, token=TOKEN, middleware=refusing, quota_per_hour=None)
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("SYNC_DEADLINE_SECONDS", "90")
    with serve_api(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        answer = http.post("/", json={"resources": FOUR})
    assert answer.status_code == 200, answer.get_json()
    assert [row["id"] for row in dataset.rows("issues")] == sorted(r["id"] for r in account.issues)
    statuses = Counter(request.status for request in app.state.requests)
    # A page of a hundred issues takes one, and each next one overlaps it by a row.
    pages = sum(max(1, -(-(rows - 1) // 99)) for rows in (300, 1, 1))
    occurrences = sum(max(1, -(-(len(rows) - 1) // 99)) for rows in account.occurrences.values())
    # Two more ask for the targets that were scanned lately.
    assert statuses == {200: pages + occurrences + 2, 429: 1}
