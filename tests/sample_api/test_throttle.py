"""The quotas, as Django REST framework's throttles count them."""

import pytest
import requests

from sample_api import Account, create_app, serve
from sample_api.throttle import Throttle, longest_wait
from tests.sample_api.conftest import TOKEN, get


def test_the_window_slides_and_counts_only_what_was_accepted() -> None:
    """A request counts for ten seconds from its arrival, and one that was refused never does."""
    throttle = Throttle(2, 10.0)
    moments = (0.0, 4.0, 5.0, 9.9, 10.0, 10.5, 13.9, 14.0, 15.0, 24.0, 24.0, 24.0)
    assert [throttle.wait(moment) for moment in moments] == [
        *(None, None, 5.0, pytest.approx(0.1)),
        *(None, 3.5, pytest.approx(0.1), None),
        *(5.0, None, None, 10.0),
    ]


def test_a_request_must_pass_every_throttle() -> None:
    """The longest wait is told, rounded up. Each counts what only the other refuses."""
    hour, second = Throttle(3, 3600.0), Throttle(1, 1.0)
    moments = (0.0, 0.5, 2.0, 2.25, 3599.5, 3600.0, 3600.5)
    waits = [longest_wait([hour, second], moment) for moment in moments]
    assert waits == [None, 1, None, 3598, 1, 1, None]
    assert list(hour.counted) == [2.0, 3600.0, 3600.5]
    assert list(second.counted) == [3600.5]


def test_the_quota_is_429_until_the_oldest_request_is_an_hour_old(
    http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redirects and errors count; health, 401 and 429 do not. Retry-After says how long to wait."""
    now = 1000.0
    monkeypatch.setattr("sample_api.server.monotonic", lambda: now)
    with serve(create_app(Account(), token=TOKEN, quota_per_hour=2)) as base_url:

        def status(path: str, **headers: str) -> int:
            return get(http, base_url + path, headers=headers).status_code

        uncounted = [status("/health/"), status("/scans/", Authorization="Bearer wrong")]
        counted = [status("/scans")]
        now += 10.5
        counted.append(status("/nothing/"))
        refused = [get(http, f"{base_url}/scans/") for _ in range(2)]
        health = status("/health/")
        now = 1000.0 + 3600
        after = [status("/scans/"), status("/scans/")]
    assert (uncounted, counted, health, after) == ([200, 401], [301, 404], 200, [200, 429])
    assert [
        (answer.status_code, answer.headers["Retry-After"], answer.json()) for answer in refused
    ] == [
        (
            429,
            "3590",
            {"detail": "Request was throttled. Expected available in 3590 seconds."},
        )
    ] * 2


def test_what_counts_is_what_the_framework_counts(
    http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """See findings/drf-what-counts.sh; a quota of one says whether a request was counted."""
    now = 0.0
    monkeypatch.setattr("sample_api.server.monotonic", lambda: now)
    app = create_app(Account(), token=TOKEN, quota_per_hour=1, since="rejected")
    found = []
    with serve(app) as base_url:
        for method, path, headers in (
            ("GET", "/scans/", {}),
            ("HEAD", "/scans/", {}),
            ("OPTIONS", "/scans/", {}),
            ("DELETE", "/scans/", {}),
            ("GET", "/issues/?since=2026-01-01", {}),
            ("GET", "/scans/", {"Authorization": "Bearer wrong"}),
            ("GET", "/scans/", {"Accept": "text/csv"}),
        ):
            now += 3600
            answer = http.request(method, base_url + path, headers=headers, timeout=10)
            counts = get(http, f"{base_url}/scans/").status_code == 429
            found.append((method, answer.status_code, counts))
    assert found == [
        ("GET", 200, True),
        ("HEAD", 200, True),
        ("OPTIONS", 405, True),
        ("DELETE", 405, True),
        ("GET", 400, True),
        ("GET", 401, False),
        ("GET", 406, False),
    ]


def test_a_trial_has_one_request_a_second_as_well(
    http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both quotas hold, and a shorter hour has a shorter wait."""
    now = 0.0
    monkeypatch.setattr("sample_api.server.monotonic", lambda: now)
    app = create_app(
        Account(), token=TOKEN, quota_per_hour=3, quota_per_second=1, hour_seconds=20.5
    )
    answers = []
    with serve(app) as base_url:
        for now in (0.0, 0.5, 1.0, 2.5, 20.5, 21.0):  # noqa: B007 - the clock reads it
            answer = get(http, f"{base_url}/scans/")
            answers.append((answer.status_code, answer.headers.get("Retry-After")))
        detail = answer.json()["detail"]
    # The request at 0.5 is refused by the second, and counted by the hour.
    assert answers == [
        *((200, None), (429, "1"), (200, None), (429, "18")),
        *((200, None), (429, "1")),
    ]
    assert detail == "Request was throttled. Expected available in 1 second."


@pytest.mark.parametrize("quota", ["quota_per_hour", "quota_per_second"])
def test_a_429_may_come_without_retry_after(http: requests.Session, quota: str) -> None:
    """Not every API says when to try again."""
    app = create_app(Account(), token=TOKEN, send_retry_after=False, **{quota: 0})  # type: ignore[arg-type]
    with serve(app) as base_url:
        answer = get(http, f"{base_url}/scans/")
    assert (answer.status_code, answer.json()) == (429, {"detail": "Request was throttled."})
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("options", "status", "retry_after"),
    [
        ({"quota_per_hour": 0}, 429, "3600"),
        ({"quota_per_hour": 0, "hour_seconds": 1.5}, 429, "2"),
        ({"quota_per_second": 0}, 429, "1"),
        ({"quota_per_hour": None}, 200, None),
    ],
)
def test_no_quota_and_an_exhausted_one(
    http: requests.Session, options: dict[str, int], status: int, retry_after: str | None
) -> None:
    """0 refuses each request, for an hour or a second; None refuses none."""
    with serve(create_app(Account(), token=TOKEN, **options)) as base_url:  # type: ignore[arg-type]
        answers = [get(http, f"{base_url}/scans/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status] * 3
    assert {answer.headers.get("Retry-After") for answer in answers} == {retry_after}


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_an_hour_without_seconds_is_rejected(seconds: float) -> None:
    """It would limit nothing."""
    with pytest.raises(ValueError, match="hour_seconds must be more than 0"):
        create_app(Account(), token=TOKEN, hour_seconds=seconds)
