"""Where reading stops before the end: what was read whole is kept, and nothing else."""

import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync import reading
from scanner_sync.deadline import Deadline
from scanner_sync.diagnose import diagnose
from scanner_sync.errors import ApiError, ApiRefused, ApiUnavailable, ListingUnstable
from scanner_sync.progress import Traffic
from scanner_sync.source import scanner_source
from scanner_sync.source.api import Api
from scanner_sync.source.occurrences import confirm_vanished
from scanner_sync.source.session import ApiSession
from scanner_sync.source.signals import HINT_REQUESTS, Signals
from tests.conftest import TOKEN, asked
from tests.source.faults import HANG, Fault, Faults
from tests.support.reading import Kept

pytestmark = pytest.mark.usefixtures("short_backoff")


def account_of(issues: int, occurrences: int = 1) -> Account:
    ids = range(1, issues + 1)
    return Account(
        issues=[{"id": n} for n in ids],
        occurrences={n: [{"id": k} for k in range(occurrences)] for n in ids},
    )


class Reading:
    """One reading of an account's occurrences."""

    def __init__(self, account: Account, fault: Fault = lambda _: None, **options: Any) -> None:
        self.traffic = Traffic()
        self.found = reading.Reading()
        self.app = create_app(
            account, token=TOKEN, middleware=[Middleware(Faults, fault)], **options
        )

    def read(
        self,
        max_requests: int = 1000,
        *,
        concurrent: int = 5,
        deadline: float = 600,
        page_size: int = 100,
        due: list[int] | None = None,
        one_at_a_time: bool = False,
    ) -> dict[int, int]:
        """Return how many rows of each issue came. Raises the `SyncError` of a sync."""
        with serve_api(self.app) as url:
            session = ApiSession(
                Api(f"{url}/", TOKEN, "THE-SECRET", page_size),
                max_concurrent=concurrent,
                deadline=Deadline(deadline),
                traffic=self.traffic,
                reading=self.found,
                max_requests=max_requests,
                sleep=lambda seconds: None,
            )
            kept = Kept()
            source = scanner_source(
                session,
                ["occurrences_issues"],
                keep=kept,
                due=due,
                one_at_a_time=one_at_a_time,
            )
            try:
                assert list(source.resources["occurrences_issues"]) == []
                confirm_vanished(source, self.found)
            except Exception as error:
                raise diagnose(error) from None
            return Counter(row["issue_id"] for row in kept)


@pytest.mark.parametrize("concurrent", [1, 5, 20])
@pytest.mark.parametrize(("max_requests", "read"), [(1, 1), (2, 1), (7, 6), (13, 12), (14, 12)])
def test_no_more_requests_are_sent_than_allowed(
    max_requests: int, read: int, concurrent: int
) -> None:
    """But for the listing of issues, and one issue in any case."""
    reading = Reading(account_of(12))
    assert reading.read(max_requests, concurrent=concurrent) == dict.fromkeys(range(1, read + 1), 1)
    assert len(reading.app.state.requests) == 1 + read
    assert reading.found.read == dict.fromkeys(range(1, read + 1), 1)
    assert reading.found.stopped == (None if read == 12 else "max_requests")


def test_a_refused_request_counts() -> None:
    """Two quotas may hold, and what one of them refuses is counted by the other."""
    left = [Response(None, 429, {"Retry-After": "0"})]
    reading = Reading(account_of(9), lambda request: left.pop() if left else None)
    assert reading.read(4, concurrent=1) == {1: 1, 2: 1}
    assert reading.found.stopped == "max_requests"
    assert asked(reading.app) == {
        "issues/": 2,
        "issues/1/occurrences/": 1,
        "issues/2/occurrences/": 1,
    }


def test_an_issue_that_was_begun_is_read_to_its_end() -> None:
    """However many pages it has."""
    reading = Reading(account_of(3, occurrences=9), max_limit=3)
    assert reading.read(2, concurrent=1) == {1: 9}
    assert reading.found.read == {1: 9}
    assert asked(reading.app) == {"issues/": 1, "issues/1/occurrences/": 4}


def test_issues_are_read_in_the_order_in_which_they_are_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a listing of issues. Of several threads of dlt, a later one may be the first."""
    monkeypatch.setenv("EXTRACT__WORKERS", "1")
    reading = Reading(account_of(9))
    assert reading.read(3, concurrent=1, due=[7, 2, 9, 1, 5]) == {7: 1, 2: 1, 9: 1}
    assert list(asked(reading.app)) == [f"issues/{n}/occurrences/" for n in (7, 2, 9)]


def test_issues_are_read_one_after_the_other_if_asked_for() -> None:
    """Whatever happens between two pages of one; in turns, a quota could end before any is read."""
    reading = Reading(account_of(3, occurrences=7), max_limit=3, quota_per_hour=7)
    assert reading.read(concurrent=20, due=[2, 1, 3], one_at_a_time=True) == {2: 7, 1: 7}
    paths = [request.path for request in reading.app.state.requests]
    pages = [f"/v1/issues/{issue}/occurrences/" for issue in (2, 2, 2, 1, 1, 1, 3, 3)]
    assert paths == pages
    assert (reading.found.read, reading.found.stopped) == ({2: 7, 1: 7}, "quota")


@pytest.mark.parametrize("concurrent", [1, 20])
def test_a_used_up_quota_stops_reading(concurrent: int) -> None:
    """If the API says to wait longer than the sync may take. No further request is sent."""
    reading = Reading(account_of(30), quota_per_hour=11)
    counts = reading.read(concurrent=concurrent)
    assert len(counts) == 10
    assert set(counts.values()) == {1}
    assert reading.found.read == counts
    assert reading.found.stopped == "quota"
    refused = [r for r in reading.app.state.requests if r.status == 429]
    assert 1 <= len(refused) <= concurrent


def test_a_quota_that_is_free_again_in_time_is_waited_for() -> None:
    """Then all is read."""
    reading = Reading(account_of(30), quota_per_hour=20, hour_seconds=1.0)
    assert reading.read() == dict.fromkeys(range(1, 31), 1)
    assert reading.found.stopped is None
    assert reading.traffic.throttled >= 1


def refuse_third_page(request: Request) -> Response | None:
    """Refuse what comes after the second page of issue 2."""
    is_third = "/2/" in request.url.path and int(request.query_params["offset"]) >= 4
    return Response(None, 429, {"Retry-After": "3600"}) if is_third else None


def test_an_issue_that_was_read_in_part_is_not_read() -> None:
    """None of its rows are passed on."""
    account = account_of(2, occurrences=9)
    account.occurrences[1] = [{"id": 1}]
    reading = Reading(account, refuse_third_page, max_limit=3)
    assert reading.read(concurrent=1) == {1: 1}
    assert reading.found.read == {1: 1}
    assert reading.found.stopped == "quota"


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}])
def test_a_quota_that_names_no_time_stops_reading(headers: dict[str, str]) -> None:
    """After as many attempts as for any request."""
    counts = {"sent": 0}

    def fault(request: Request) -> Response | None:
        if "occurrences" not in request.url.path:
            return None
        counts["sent"] += 1
        return Response(None, 429, headers) if counts["sent"] > 3 else None

    reading = Reading(account_of(9), fault)
    assert reading.read(concurrent=1) == {1: 1, 2: 1, 3: 1}
    assert reading.found.stopped == "quota"
    assert 3 + 4 <= counts["sent"] <= 3 + 4 + 3 * 4  # five issues are asked for at once


def test_a_quota_that_is_used_up_in_a_listing_fails_the_sync() -> None:
    """A listing is read whole or not at all."""
    reading = Reading(account_of(30), quota_per_hour=2, max_limit=10)
    with pytest.raises(ApiUnavailable, match=r"429 for issues/.*Nothing was loaded") as caught:
        reading.read()
    assert caught.value.retry_after is not None
    assert 3500 < caught.value.retry_after <= 3600


def test_what_was_begun_first_is_finished_first() -> None:
    """With a request at a time. Otherwise, a quota could end before any issue is read."""
    reading = Reading(account_of(4, occurrences=17), max_limit=3, quota_per_hour=12)
    assert reading.read(concurrent=1) == {1: 17}
    assert asked(reading.app)["issues/1/occurrences/"] == 8


def test_a_listing_waits_a_little_even_if_it_is_late() -> None:
    """Until the deadline itself: only a long wait is not worth it."""
    left = [Response(None, 429, {"Retry-After": "3"})] * 2
    reading = Reading(account_of(2), lambda r: left.pop() if left else None)
    started = time.monotonic()
    assert reading.read(deadline=60) == {1: 1, 2: 1}
    assert time.monotonic() - started >= 6


def test_a_listing_waits_only_as_long_as_there_is_time_to_load_it() -> None:
    """A wait of 90 seconds leaves less than a fifth of a deadline of 100."""
    reading = Reading(account_of(30), quota_per_hour=2, max_limit=10, hour_seconds=90)
    with pytest.raises(ApiUnavailable, match=r"429 for issues/.*which is too late"):
        reading.read(deadline=100)


def test_the_time_for_loading_is_not_read_away() -> None:
    """A response that is not there by then is not waited for."""
    reading = Reading(account_of(5), lambda r: HANG if "/3/" in r.url.path else None)
    started = time.monotonic()
    assert reading.read(concurrent=1, deadline=8) == {1: 1, 2: 1}
    assert time.monotonic() - started >= 4
    assert reading.found.stopped == "deadline"
    for seconds, kept in ((1000, 200), (200, 60), (60, 30)):
        deadline = Deadline(seconds)
        assert deadline.remaining - deadline.remaining_to_read == pytest.approx(kept, abs=0.1)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (JSONResponse({"detail": "no"}, 403), ApiRefused),
        (Response(None, 401), ApiUnavailable),
        (Response(None, 400), ApiError),
        (Response("{}"), ApiError),
        (Response(json.dumps({"count": 1, "results": [{"id": "x"}]})), ApiError),
    ],
)
def test_any_other_fault_fails_the_sync(answer: Response, kind: type[Exception]) -> None:
    """A refused token, a response that is no page, or a row that fits no table."""
    reading = Reading(account_of(9), lambda r: answer if "/4/" in r.url.path else None)
    with pytest.raises(kind):
        reading.read(concurrent=1)
    assert reading.found.stopped is None


def of_issues(*ids: int, answer: Response) -> Fault:
    paths = {f"/v1/issues/{n}/occurrences/" for n in ids}
    return lambda request: answer if request.url.path in paths else None


UNSTABLE = JSONResponse({"count": 2, "next": None, "results": [{"id": 1}]})
UNREADABLE = {
    "status 500": (Response(None, 500), 4),
    "no JSON": (Response("<html>"), 4),
    "status 503": (Response(None, 503, {"Retry-After": "3600"}), 1),
    "The listing issues/4/occurrences/ is not stable: it reports 2 rows": (UNSTABLE, 6),
}
"""What one issue always answers, and how often it is asked for, by the reason in the log."""


@pytest.mark.parametrize("reason", UNREADABLE)
def test_an_issue_that_cannot_be_read_is_left_out(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """All others are read, with no request more, and the log names it."""
    answer, times = UNREADABLE[reason]
    reading = Reading(account_of(9), of_issues(4, answer=answer))
    assert reading.read() == {n: 1 for n in range(1, 10) if n != 4}
    found = reading.found
    assert (found.failed, found.stopped) == ({4}, None)
    assert 4 not in found.read
    counts = asked(reading.app)
    assert counts.pop("issues/4/occurrences/") == times
    assert set(counts.values()) == {1}
    [record] = [r for r in caplog.records if r.getMessage() == "issue_failed"]
    fields = vars(record)["fields"]
    assert (record.levelname, fields["resource"]) == ("WARNING", "issues/4/occurrences/")
    assert fields["reason"].startswith(reason)


def test_an_issue_whose_second_page_cannot_be_read_is_left_out() -> None:
    """None of its rows are passed on."""

    def fault(request: Request) -> Response | None:
        is_second = "/2/" in request.url.path and int(request.query_params["offset"]) > 0
        return Response(None, 502) if is_second else None

    reading = Reading(account_of(3, occurrences=5), fault, max_limit=3)
    assert reading.read() == {1: 5, 3: 5}
    assert (reading.found.read, reading.found.failed) == ({1: 5, 3: 5}, {2})


@pytest.mark.parametrize("answer", [Response(None, 500), UNSTABLE])
def test_more_than_a_few_of_them_fail_the_sync(answer: Response) -> None:
    """So does a listing."""
    reading = Reading(account_of(9), of_issues(2, 4, 6, answer=answer))
    assert sorted(reading.read()) == [1, 3, 5, 7, 8, 9]
    assert reading.found.failed == {2, 4, 6}
    reading = Reading(account_of(9), of_issues(2, 4, 6, 8, answer=answer))
    with pytest.raises((ApiUnavailable, ListingUnstable)) as caught:
        reading.read()
    if answer is not UNSTABLE:
        assert "It failed for 3 issues before." in str(caught.value)
    reading = Reading(account_of(9), lambda _: answer)
    with pytest.raises((ApiUnavailable, ListingUnstable), match="issues/"):
        reading.read()


def test_an_api_that_is_unavailable_for_long_stops_reading() -> None:
    """That is what is said, because neither the quota nor the deadline is the reason."""
    gone = of_issues(*range(3, 30), answer=Response(None, 503, {"Retry-After": "3600"}))
    reading = Reading(account_of(30), gone)
    assert reading.read(concurrent=1) == {1: 1, 2: 1}
    assert (reading.found.stopped, reading.found.failed) == ("unavailable", {3, 4, 5})
    assert len(reading.app.state.requests) == 1 + 2 + 4


@pytest.mark.parametrize("status", [403, 409])
def test_a_refusal_with_a_long_wait_is_a_used_up_quota(status: int) -> None:
    """As with status 429."""
    gone = of_issues(*range(3, 30), answer=Response(None, status, {"Retry-After": "3600"}))
    reading = Reading(account_of(30), gone)
    assert reading.read(concurrent=1) == {1: 1, 2: 1}
    assert (reading.found.stopped, reading.found.failed) == ("quota", set())


def hint(
    account: Account, fault: Fault = lambda _: None, **options: Any
) -> tuple[set[int], list[dict[str, str]]]:
    """Return the issues that changed on the second day, and the queries that were sent."""
    faults = [Middleware(Faults, fault)]
    app = create_app(account, token=TOKEN, max_limit=3, middleware=faults, **options)
    with serve_api(app) as url:
        session = ApiSession(
            Api(f"{url}/", TOKEN, "THE-SECRET", 3), max_concurrent=1, deadline=Deadline(60)
        )
        found = Signals(session).changed_since(
            datetime(2026, 11, 2, tzinfo=UTC), len(account.issues), HINT_REQUESTS
        )
    return found, [request.query for request in app.state.requests]


ODD = Response(json.dumps({"count": 1, "results": [{"id": "x"}]}))


def seen_on(*days: int) -> Account:
    """Return an account of issues that were first seen on these days."""
    ids = range(1, len(days) + 1)
    return Account(
        issues=[{"id": n} for n in ids],
        occurrences={
            n: [{"id": 1, "first_seen_at": f"2026-11-{day:02}T06:00:00Z"}]
            for n, day in zip(ids, days, strict=True)
        },
    )


@pytest.mark.parametrize(
    ("days", "changed", "requests"),
    [
        ((1, 1), set(), 1),
        ((1, 2, 3, 1), {2, 3}, 1),
        ((3, 3, 3, 3, 1), {1, 2, 3, 4}, 2),
        ((3,) * 8 + (1,), {1, 2, 3, 4, 5, 6}, 2),
    ],
)
def test_the_hint_names_issues_in_two_requests(
    days: tuple[int, ...], changed: set[int], requests: int
) -> None:
    found, queries = hint(seen_on(*days))
    assert found == changed
    assert len(queries) == requests
    assert {query["since"] for query in queries} == {"2026-11-02T00:00:00Z"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"since": "ignored"}, "The API returns everything."),
        ({"since": "rejected"}, "The API gave status 400 for issues/."),
        ({"quota_per_hour": 0}, "The API gave status 429 for issues/."),
        (
            {"fault": lambda _: Response(None, 403)},
            "The API rejects the token (status 403 for issues/).",
        ),
        ({"fault": lambda _: ODD}, "Column id of issues takes bigint,"),
    ],
)
def test_a_hint_that_the_api_does_not_give_is_ignored(
    options: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With a line in the log."""
    caplog.set_level("INFO", "scanner_sync")
    found, queries = hint(seen_on(1, 3, 3), **options)
    assert (found, len(queries)) == (set(), 1)
    [record] = [r for r in caplog.records if r.getMessage() == "parameter_ignored"]
    assert record.fields["parameter"] == "since"  # type: ignore[attr-defined]
    assert record.fields["reason"].startswith(reason)  # type: ignore[attr-defined]
