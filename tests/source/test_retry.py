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


FORMS = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""The forms of a date that HTTP has."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("form_of_now", FORMS)
@pytest.mark.usefixtures("new_york")
def test_a_date_in_retry_after_counts_from_the_answer(form: str, form_of_now: str) -> None:
    """The machine may be anywhere, and its clock may be wrong."""
    now = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    date = f"{now + timedelta(seconds=60):{form}}"
    assert parse_retry_after(date, f"{now:{form_of_now}}") == 60.0


@pytest.mark.parametrize("sent", ["", "yesterday"])
def test_a_date_in_retry_after_counts_from_now_if_the_answer_has_none(sent: str) -> None:
    date = f"{datetime.now(UTC) + timedelta(minutes=60):{FORMS[0]}}"
    waits = parse_retry_after(date, sent)
    assert waits == pytest.approx(3600, abs=600)  # a slow machine takes seconds at most
