"""How fast the API is asked: as fast as it answers, until it refuses, then just below that."""

import threading
import time
from collections import deque
from typing import Final

WINDOW: Final = 1.0
"""Seconds over which it is counted how many requests the API takes."""
MARGIN: Final = 1.02
"""By how much longer than `WINDOW` the same number is made to take, for what a network delays."""
GROWTH: Final = 0.001
"""Share of that number that is added each second, to find out whether the API takes more."""
SLOWEST: Final = 2.0
"""Seconds between two requests, above which no refusal brings them."""


class Pace:
    """How many requests all threads may send in a window; not limited at first.

    One refusal slows every thread down, so that they do not spend their retries on a closed door.
    From then on, no more are sent in any window than the API took in the one before it refused.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        """When what was sent last was sent; from the first refusal on, of `_most` alone."""
        self._taken: deque[float] = deque()
        """When what the API took was sent, of the last window."""
        self._most: float | None = None
        """Requests in a window; below 1 they are further apart than a window."""
        self._changed = 0.0
        self._closed_until = 0.0

    def seconds_to_turn(self) -> float:
        """Take the next turn, if it has come; else give the seconds after which to ask again."""
        with self._lock:
            now = time.monotonic()
            turn = self._closed_until
            if self._most is not None:
                most = self._most * (1 + GROWTH * (now - self._changed))
                while len(self._sent) > max(1, int(most)):
                    self._sent.popleft()
                if len(self._sent) == max(1, int(most)):
                    turn = max(turn, self._sent[0] + MARGIN * WINDOW * max(1, 1 / most))
            if now < turn:
                return turn - now
            if self._most is not None:
                self._sent.append(now)
            return 0.0

    def answered(self, sent: float) -> None:
        """Count a request that was sent at `sent`, and that the API took."""
        with self._lock:
            self._taken.append(sent)
            while self._taken[0] < time.monotonic() - 2 * WINDOW:
                self._taken.popleft()
            if self._most is not None and sent <= self._changed and self._most >= 1:
                # It was under way when another was refused, so it belongs to what is taken.
                self._most += 1
                self._sent.appendleft(sent)

    def refused(self, sent: float, retry_after: float | None) -> None:
        """Slow down, because a request that was sent at `sent` was refused by the quota.

        What was under way when it was slowed down does not slow it down again.
        """
        with self._lock:
            now = time.monotonic()
            if retry_after is not None:
                self._closed_until = max(self._closed_until, now + retry_after)
            if sent <= self._changed:
                return
            taken = [moment for moment in self._taken if sent - WINDOW < moment <= sent]
            self._most = max(WINDOW / SLOWEST, float(len(taken)))
            self._sent = deque(taken or [now])
            self._changed = now
