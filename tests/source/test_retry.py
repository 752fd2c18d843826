"""How long a retry waits."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from scanner_sync.source.retry import MAX_RETRY_AFTER, backoff, parse_retry_after


def test_the_backoff_doubles_with_jitter() -> None:
    """2, 4 and 8 seconds, and up to half as much again, not the same for each client."""
    for attempt, seconds in enumerate([2, 4, 8]):
        waits = {backoff(attempt) for _ in range(100)}
        assert all(seconds <= wait <= 1.5 * seconds for wait in waits)
        assert len(waits) > 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("9" * 400, MAX_RETRY_AFTER),
        ("Fri, 01 Jan 1999 00:00:00 GMT", 0.0),
        *((value, None) for value in ("", "-5", "soon", "1e3", "\u0667", "7 seconds", "7\n8")),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value) == seconds


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's time zone, five hours from UTC."""
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]
)
@pytest.mark.usefixtures("new_york")
def test_a_date_in_retry_after_is_seconds_from_now(form: str) -> None:
    """In each form that HTTP has, wherever the machine is."""
    date = f"{datetime.now(UTC) + timedelta(seconds=60):{form}}"
    assert parse_retry_after(date) == pytest.approx(60, abs=30)  # a wrong zone is an hour or more
