"""How fast the API is asked: as fast as it answers, until it refuses, then just below that."""

import threading
import time
from collections import deque
from typing import Final

WINDOW: Final = 1.0
"""Seconds over which the rate that the API takes is measured."""
BELOW: Final = 0.95
"""Share of the measured rate at which to go on."""
GROWTH: Final = 0.005
"""Share of the rate that is added each second, to find out whether the API takes more."""
SLOWEST: Final = 0.5
"""Requests a second, below which no refusal brings the rate."""


class Pace:
    """The rate of the requests of all threads, in requests a second; not limited at first.

    One refusal slows every thread down, so that they do not spend their retries on a closed door.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered: deque[float] = deque()
        self._rate: float | None = None
        self._changed = 0.0
        self._next_turn = 0.0

    def seconds_to_turn(self) -> float:
        """Take the next turn, if it has come; else give the seconds after which to ask again."""
        with self._lock:
            now = time.monotonic()
            if now < self._next_turn:
                return self._next_turn - now
            if self._rate is not None:
                rate = self._rate * (1 + GROWTH * (now - self._changed))
                # From the turn and not from now, so that being late costs no turns.
                self._next_turn = max(self._next_turn, now - WINDOW / 10) + 1 / rate
            return 0.0

    def answered(self) -> None:
        """Count a request that the API took."""
        with self._lock:
            now = time.monotonic()
            self._answered.append(now)
            while self._answered[0] < now - WINDOW:
                self._answered.popleft()

    def refused(self, sent: float, retry_after: float | None) -> None:
        """Slow down, because a request that was sent at `sent` was refused by the quota.

        What was under way when the rate was lowered does not lower it again.
        """
        with self._lock:
            now = time.monotonic()
            if retry_after is not None:
                self._next_turn = max(self._next_turn, now + retry_after)
            if sent <= self._changed:
                return
            taken = sum(moment >= now - WINDOW for moment in self._answered) / WINDOW
            self._rate = max(SLOWEST, BELOW * taken)
            self._changed = now
