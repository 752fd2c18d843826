"""Which responses are retried, and how long to wait before that."""

import email.utils
import random
import re
from datetime import UTC, datetime
from typing import Final

RETRIES: Final = 3
BACKOFF_FACTOR: Final = 2.0
"""Seconds before the first retry; the delay doubles with each further one."""
MAX_RETRY_AFTER: Final = 86_400.0
"""Seconds. A longer `Retry-After` is read as a day."""
RETRIED_STATUSES: Final = frozenset(
    {
        429,
        *(408, 425),  # ask to send the request again
        *range(500, 600),  # of the API, or of a gateway or CDN that did not reach it
        *range(100, 200),  # informational: the response itself never came
    }
    - {501, 505}  # say what the server will never do
)


def backoff(attempt: int) -> float:
    """Return the seconds to wait after this failed attempt, counted from 0.

    2, 4 and 8 seconds, and up to half as much again, so that clients do not retry in step.
    """
    jitter = random.uniform(1.0, 1.5)  # noqa: S311 - not used for a secret
    return BACKOFF_FACTOR * jitter * float(2**attempt)


def parse_retry_after(value: str, date: str = "") -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait: a number, or an HTTP date.

    None if it is neither. `date` is the `Date` of the same response, which tells the server's time;
    without it, the time of this machine counts.
    """
    value = value.strip()
    if re.fullmatch(r"\d+(\.\d*)?", value, re.ASCII):
        seconds = float(value)
    elif (until := _instant(value)) is None:
        return None
    else:
        seconds = (until - (_instant(date) or datetime.now(UTC))).total_seconds()
    return min(max(0.0, seconds), MAX_RETRY_AFTER)


def _instant(date: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(date)
    except (TypeError, ValueError, OverflowError):
        return None
    # Of HTTP's three forms of a date, one has no zone. Python would take it for local time.
    return found.replace(tzinfo=found.tzinfo or UTC)
