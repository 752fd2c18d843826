"""Accounts that do not fit into one sync, into a local BigQuery."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import flask.testing
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local.bigquery import proxy
from local.processes import ROOT
from sample_api import Account, create_app, generate
from sample_api import serve as serve_api
from scanner_sync.deadline import Deadline
from scanner_sync.source import retry
from scanner_sync.sync import sync
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import FOUR, SYNC, TOKEN, Dataset, Vanishing, asked
from tests.source.faults import Faults
from tests.support.moments import is_history, is_merge
from tests.support.rows import expected_rows, reads, release_lease

ALL_OF_ISSUES = ("issues", "occurrences_issues")
ISSUES = {"resources": list(ALL_OF_ISSUES)}


def issues_read(api: Starlette, since: int) -> set[int]:
    """Return the issues whose occurrences the API has listed, after so many requests."""
    return {
        int(request.path.split("/")[3])
        for request in api.state.requests[since:]
        if request.path.startswith("/v1/issues/") and request.path != "/v1/issues/"
        if request.status == 200
    }


class Syncs:
    """Syncs of an account, and what each of them must leave."""

    def __init__(
        self,
        dataset: Dataset,
        monkeypatch: pytest.MonkeyPatch,
        account: Account,
        api: Starlette,
    ) -> None:
        self.dataset = dataset
        self.account = account
        self._api = api
        self._monkeypatch = monkeypatch
        self.shown: dict[int, set[int]] = {}
        """The `occurrence_id`s of each listed issue when its occurrences were last read."""
        self.unread: set[int] = set()
        """Listed issues whose occurrences were never read."""
        self.seen: list[tuple[datetime, set[tuple[int, int]]]] = []
        """What was open after each sync."""

    def sync(self, max_requests: int) -> dict[str, Any]:
        """Sync with so many requests; return `refresh` of the result, which must be right."""
        self._monkeypatch.setenv("MAX_REQUESTS_PER_SYNC", str(max_requests))
        sent = len(self._api.state.requests)
        # In this process, because a worker takes a second to start.
        result = sync(("issues", "occurrences_issues"), print)
        listed = {row["id"] for row in self.account.issues}
        read = issues_read(self._api, sent)
        self.unread = (self.unread & listed | listed - self.shown.keys()) - read
        self.shown = {n: self.shown.get(n, set()) for n in listed} | {
            n: {row["occurrence_id"] for row in self.account.occurrences[n]} for n in read
        }
        self.seen.append(
            (datetime.now(UTC), {(n, i) for n, found in self.shown.items() for i in found})
        )
        refresh: dict[str, Any] = dict(result.refresh)
        assert refresh["issues_listed"] == len(listed)
        assert refresh["issues_read"] == len(read)
        assert refresh["issues_waiting"] == len(listed) - len(read)
        assert (refresh["oldest_read_at"] is None) == (bool(self.unread) or not listed)
        assert result.requests == len(self._api.state.requests) - sent
        listings = result.requests - len(read)
        assert len(read) <= max(1, max_requests - listings)
        assert read == listed or len(read) == max(1, max_requests - listings)
        return refresh

    def assert_history(self) -> None:
        """Assert that at each instant was open what the API had shown by then."""
        states = self.dataset.query("SELECT * FROM {d}.occurrences_issues_history")
        for instant, expected in self.seen:
            found = sorted(
                (row["issue_id"], row["occurrence_id"])
                for row in states
                if row["valid_from"] <= instant
                and (row["valid_to"] is None or row["valid_to"] > instant)
            )
            assert found == sorted(expected)


@contextlib.contextmanager
def syncs_of(
    account: Account, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Syncs]:
    """Yield syncs of an account into a dataset of its own."""
    api = create_app(account, token=TOKEN)
    sample = Dataset(f"d{uuid.uuid4().hex[:12]}", dataset.client)
    with serve_api(api) as url:
        for name, value in {"API_BASE_URL": url, "DATASET": sample.name}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
        yield Syncs(sample, monkeypatch, account, api)


def show(account: Account, state: dict[int, tuple[str, set[int]]]) -> None:
    """Give an account these issues: a severity, and numbers of occurrences.

    An `occurrence_id` is in one issue at a time: of two that are read by different syncs, the one
    that was read last would have it.
    """
    account.issues = [{"id": n, "severity": severity} for n, (severity, _) in state.items()]
    account.occurrences = {
        n: [{"id": i, "occurrence_id": 100 * n + i} for i in sorted(found)]
        for n, (_, found) in state.items()
    }


severities = st.sampled_from(["critical", "low"])
state = st.dictionaries(
    st.integers(1, 5), st.tuples(severities, st.sets(st.integers(1, 3), max_size=2)), max_size=5
)


@settings(
    max_examples=3,  # the first one is always the smallest
    deadline=None,
    phases=[Phase.generate],  # the sequences are short, and to shrink one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.tuples(state, st.integers(1, 6)), min_size=3, max_size=3))
def test_any_account_under_any_budget(
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[Any, int]],
) -> None:
    """At each instant the history is what the API showed when each issue was last read.

    Nothing is closed unread. Once the account stands still, all is read within a bound.
    """
    account = Account()
    with syncs_of(account, dataset, monkeypatch) as syncs:
        for shown, max_requests in steps:
            show(account, shown)
            syncs.sync(max_requests)
        # Each sync reads the one that waits longest, and another one.
        for _ in account.issues:
            if not syncs.unread and all(
                syncs.shown[n] == {row["occurrence_id"] for row in rows}
                for n, rows in account.occurrences.items()
            ):
                break
            syncs.sync(4)
        assert syncs.shown == {
            n: {row["occurrence_id"] for row in rows} for n, rows in account.occurrences.items()
        }
        syncs.assert_history()


def test_a_standing_account_is_read_in_a_round(
    api: Starlette,
    account: Account,
    api_url: str,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then the tables are row for row the API's, and what is new or changed is read first."""
    monkeypatch.setenv("MAX_REQUESTS_PER_SYNC", "10")
    generated = generate(seed=5, issues=14, targets=6, scans=6)
    vars(account).update(vars(generated))
    # A page each, because the second page of one could be asked for before or after another issue.
    account.occurrences = {issue: rows[:9] for issue, rows in account.occurrences.items()}
    ids = {row["id"] for row in account.issues}

    def sync() -> tuple[set[int], dict[str, Any]]:
        sent = len(api.state.requests)
        body = http.post("/", json={"resources": FOUR}).get_json()
        assert body["requests"] == len(api.state.requests) - sent
        read = issues_read(api, sent)
        refresh = body["refresh"]
        assert refresh["issues_read"] == len(read)
        assert refresh["issues_waiting"] == len(account.issues) - len(read)
        return read, refresh

    # Three listings, and two requests for the targets that were scanned lately; from the second
    # sync on the hint in place of these.
    first, refresh = sync()
    assert (len(first), refresh["oldest_read_at"]) == (5, None)
    severe = {row["id"] for row in account.issues if row["severity"] == "critical"}
    assert severe <= first
    second, refresh = sync()
    assert (len(second), refresh["oldest_read_at"]) == (6, None)
    third, refresh = sync()
    assert first | second | third == ids
    assert not first & second
    expected = expected_rows(account, api_url)
    assert {table: dataset.rows(table) for table in FOUR} == {t: expected[t] for t in FOUR}
    times: dict[int, Any] = {issue: of.read_at for issue, of in reads(dataset).items()}
    assert refresh["oldest_read_at"] == min(times.values()).isoformat()
    assert {issue for issue in ids if times[issue] == min(times.values())} == first - third

    changes = account.next_day()
    fourth, _ = sync()
    # At most half of it goes to these, which here is enough for the new one and two others.
    assert set(changes.opened) <= fourth
    assert len(fourth & {*changes.severity_changed, *changes.snoozed}) >= 2
    oldest = first - third - {*changes.fixed}
    assert len(fourth & oldest) >= min(3, len(oldest))


def test_a_used_up_quota_is_no_failure(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two syncs that follow each other, the second reads what it can, and undoes nothing."""
    show(account, {n: ("low", {n}) for n in range(1, 10)})
    api = create_app(account, token=TOKEN, quota_per_hour=8)
    with serve_api(api) as url:
        for name, value in {"API_BASE_URL": url, "ACCESS_TOKEN": TOKEN}.items():
            monkeypatch.setenv(name, value)
        body = http.post("/", json=ISSUES).get_json()
        assert (body["status"], body["refresh"]["issues_read"]) == ("ok", 7)
        before = reads(dataset), dataset.rows("occurrences_issues_history")
        answer = http.post("/", json=ISSUES)
        assert (answer.status_code, answer.get_json()["error"]["type"]) == (503, "ApiUnavailable")
        assert 3500 < int(answer.headers["Retry-After"]) <= 3600
        assert (reads(dataset), dataset.rows("occurrences_issues_history")) == before
    # The quota is free for the listing of issues alone.
    api = create_app(account, token=TOKEN, quota_per_hour=1)
    with serve_api(api) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        body = http.post("/", json=ISSUES).get_json()
        assert body["history"]["occurrences_issues"] == {"opened": 0, "closed": 0, "changed": 0}
        assert (body["status"], body["refresh"]["issues_waiting"]) == ("ok", 9)
    assert dataset.rows("occurrences_issues_history") == before[1]
    api = create_app(account, token=TOKEN, quota_per_hour=20)
    with serve_api(api) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        body = http.post("/", json=ISSUES).get_json()
        assert body["refresh"]["issues_waiting"] == 0
    assert len(dataset.rows("occurrences_issues")) == 9


def test_an_issue_that_is_not_found_waits_while_others_do(
    account: Account,
    api: Starlette,
    api_url: str,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The issues are not listed once more for it, and the occurrences of others are loaded.

    As soon as all others were read, an issue that is listed and not found fails the sync.
    """
    assert api_url
    show(account, {n: ("low", {n}) for n in range(1, 10)})
    del account.occurrences[1]
    monkeypatch.setenv("MAX_REQUESTS_PER_SYNC", "5")
    refresh = http.post("/", json=ISSUES).get_json()["refresh"]
    assert (refresh["issues_read"], refresh["issues_waiting"]) == (3, 6)
    assert asked(api)["issues/"] == 1
    assert [row["issue_id"] for row in dataset.rows("occurrences_issues")] == [2, 3, 4]
    monkeypatch.setenv("MAX_REQUESTS_PER_SYNC", "100")
    answer = http.post("/", json=ISSUES)
    assert (answer.status_code, answer.get_json()["error"]["type"]) == (503, "ApiUnavailable")
    account.occurrences = Vanishing(account)
    assert http.post("/", json=ISSUES).get_json()["refresh"]["issues_waiting"] == 0
    assert len(dataset.rows("occurrences_issues")) == 8


def test_an_issue_that_cannot_be_read_changes_nothing(
    account: Account,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The others are loaded. The answer, `status` and the log name it, until it can be read."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 0.02)
    fails: set[int] = set()
    paths = re.compile("/v1/issues/([0-9]+)/occurrences/")

    def fault(request: Request) -> Response | None:
        found = paths.fullmatch(request.url.path)
        return Response(None, 500) if found and int(found[1]) in fails else None

    def open_now() -> list[int]:
        rows = dataset.query(
            "SELECT issue_id FROM {d}.occurrences_issues_history WHERE valid_to IS NULL"
        )
        return sorted(row["issue_id"] for row in rows)

    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    api = create_app(account, token=TOKEN, middleware=[Middleware(Faults, fault)])
    with serve_api(api) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        show(account, {n: ("low", {n}) for n in (1, 2, 3, 4)})
        assert sync(ALL_OF_ISSUES, print).refresh["issues_failed"] == []

        # An occurrence of 1 is fixed, and 5 is new.
        show(account, {1: ("low", set()), **{n: ("low", {n}) for n in (2, 3, 4, 5)}})
        fails |= {2, 5}
        capsys.readouterr()
        result = sync(ALL_OF_ISSUES, print)
        names = ("issues_listed", "issues_read", "issues_waiting", "issues_failed")
        assert [result.refresh[name] for name in names] == [5, 3, 2, [2, 5]]
        assert result.history["occurrences_issues"] == {"opened": 0, "closed": 1, "changed": 0}
        assert open_now() == [2, 3, 4]
        known = {issue: of.rows for issue, of in reads(dataset).items()}
        assert known == {1: 0, 2: 1, 3: 1, 4: 1, 5: None}
        logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert sorted(
            (of["resource"], of["reason"]) for of in logged if of["message"] == "issue_failed"
        ) == [(f"issues/{n}/occurrences/", "status 500") for n in (2, 5)]
        assert "reading_stopped" not in {of["message"] for of in logged}
        status = dataset.warehouse.read_status()
        assert status["refresh"]["issues_failed"] == [2, 5]
        # All fit, so the next sync need not list everything before it reads the first.
        assert dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}").labels["all_read"] == "1"

        # Meanwhile the occurrence of 2 was fixed.
        account.occurrences[2] = []
        fails.clear()
        result = sync(ALL_OF_ISSUES, print)
        assert [result.refresh[name] for name in names] == [5, 5, 0, []]
        assert result.history["occurrences_issues"] == {"opened": 1, "closed": 1, "changed": 0}
        assert open_now() == [3, 4, 5]
        assert dataset.warehouse.read_status()["refresh"]["issues_failed"] == []


def test_a_quota_that_is_smaller_than_thought(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If it is spent on occurrences before all was listed, the next sync lists everything first.

    A sync of something else in between changes nothing.
    """
    show(account, {n: ("low", {n}) for n in range(1, 30)})
    account.scans = [{"id": n} for n in range(65)]
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    # With a row a page, the listings take 29 + 65 requests, each one after the other.
    most = {"resources": ["issues", "occurrences_issues", "scans"]}
    targets = {"resources": ["targets"]}
    for quota, request, status, waiting in (
        (100, most, 503, None),
        (100, targets, 200, None),
        (100, most, 200, 23),
        (1000, most, 200, 0),
    ):
        api = create_app(account, token=TOKEN, quota_per_hour=quota, max_limit=1)
        with serve_api(api) as url:
            monkeypatch.setenv("API_BASE_URL", url)
            answer = http.post("/", json=request)
        assert answer.status_code == status, answer.get_json()
        if waiting is not None:
            assert answer.get_json()["refresh"]["issues_waiting"] == waiting
    assert len(dataset.rows("occurrences_issues")) == 29


def test_issues_with_many_pages_are_read_in_the_end(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even if the quota ends before one of those that were begun together is read."""
    show(account, {n: ("low", set(range(17))) for n in (1, 2)})
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    read: list[int] = []
    while sum(read) < 2:
        # A page has three rows, so an issue takes 8 requests, and the listing one.
        api = create_app(account, token=TOKEN, quota_per_hour=12, max_limit=3)
        with serve_api(api) as url:
            monkeypatch.setenv("API_BASE_URL", url)
            read.append(http.post("/", json=ISSUES).get_json()["refresh"]["issues_read"])
        # Mostly, the two share the quota. The next sync begins with one of them.
        assert read[-2:] != [0, 0]
    assert len(dataset.rows("occurrences_issues")) == 34


class Killing:
    """Call `kill` when so many occurrences have been requested."""

    def __init__(self, app: ASGIApp, kill: Callable[[], None], after: int) -> None:
        self.app, self.kill, self.left = app, kill, after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "occurrences" in scope["path"]:
            self.left -= 1
            if self.left == 0:
                self.kill()
        await self.app(scope, receive, send)


@pytest.mark.parametrize("moment", ["reading", "loading", "loaded"])
def test_a_killed_round_loses_nothing(
    account: Account,
    dataset: Dataset,
    emulator_port: int,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """What earlier syncs read stays, and what the killed one read counts as not read."""
    show(account, {n: ("low", {n}) for n in range(1, 10)})
    process: subprocess.Popen[bytes]
    started = threading.Event()

    def kill() -> None:
        started.wait(timeout=60)
        os.killpg(process.pid, signal.SIGKILL)

    def kill_at(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        is_now = {"reading": None, "loading": is_merge, "loaded": is_history}[moment]
        if not is_now or not is_now(method, path, body):
            return None
        kill()
        return 503, b"{}"  # so that the statement does not run

    def serving(after: int) -> contextlib.AbstractContextManager[str]:
        return serve_api(
            create_app(account, token=TOKEN, middleware=[Middleware(Killing, kill, after)])
        )

    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("MAX_REQUESTS_PER_SYNC", "6")
    with serving(0) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        body = http.post("/", json=ISSUES).get_json()
        assert body["refresh"]["issues_read"] == 5
    before = reads(dataset), dataset.rows("occurrences_issues_history")
    with serving(3 if moment == "reading" else 0) as url, proxy(emulator_port, kill_at) as bigquery:
        environment = {"API_BASE_URL": url, "BIGQUERY_EMULATOR_HOST": bigquery}
        process = subprocess.Popen(
            [*SYNC, "--resources", "issues,occurrences_issues"],
            env=os.environ | environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # so that it is killed with its worker
        )
        started.set()
        assert process.wait(timeout=60) == -signal.SIGKILL
    lease = dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}")
    assert lease.labels["all_read"] == "0"  # so that the next sync lists everything first
    release_lease(dataset)
    assert (reads(dataset), dataset.rows("occurrences_issues_history")) == before
    with serving(0) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        body = http.post("/", json=ISSUES).get_json()
        assert body["refresh"]["oldest_read_at"] is not None
    assert {of.rows for of in reads(dataset).values()} == {1}
    found = dataset.query("SELECT issue_id FROM {d}.open_findings")
    assert sorted(row["issue_id"] for row in found) == list(range(1, 10))
    assert len(dataset.rows("occurrences_issues")) == 9


def test_the_time_for_loading_is_left(
    account: Account, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that cannot read all before its deadline loads what it has read."""
    show(account, {n: ("low", {n}) for n in range(1, 100)})
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("SYNC_DEADLINE_SECONDS", "60")
    reading = property(lambda self: max(0.0, self.remaining - 54))  # so that it takes 6 seconds
    monkeypatch.setattr(Deadline, "remaining_to_read", reading)
    with serve_api(create_app(account, token=TOKEN, quota_per_second=2)) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        refresh = sync(("issues", "occurrences_issues"), print).refresh
    assert refresh["issues_listed"] == 99
    found = {row["issue_id"] for row in dataset.rows("occurrences_issues")}
    assert 0 < len(found) < 99
    assert found == {issue for issue, of in reads(dataset).items() if of.read_at}
    assert refresh["issues_read"] == len(found)
