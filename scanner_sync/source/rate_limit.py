"""When the next request may be sent: how many at once, and how many a second.

The API's quota counts the requests that it accepted in the last second. Its size is not known, and
a refusal may have another reason. So the limiter treats each refusal as a guess ("the API accepts
no more than it had accepted in the second before"), drops the guess when the API accepts more, and
believes it when several refusals agree. Some time later it tries whether the quota has grown.
"""

import threading
import time
from bisect import bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Final

WINDOW: Final = 1.0
"""Seconds over which the API counts."""
MARGIN: Final = 0.02
"""Seconds added to the window, because requests do not all take equally long to arrive."""
AGREEING: Final = 3
"""Refusals at about the same number of accepted requests that show how large the quota is."""
DOUBTED: Final = 5.0
"""Seconds after which a refusal that fewer others agree with is forgotten."""
SCOUTS: Final = 2
"""Requests sent beyond a guess, to test it."""
QUIET: Final = 15.0
"""Seconds for which a known quota is not exceeded."""
GROWTH: Final = 4.0
"""After that, the excess grows by this factor each second until the API refuses."""
PAUSE: Final = 0.1
"""Seconds to wait after a second refusal in a row. Each further one doubles it, up to `WINDOW`."""
ALONE: Final = 2
"""Refusals after which a request is sent while no other is under way."""


@dataclass(eq=False)
class Turn:
    """One request and its retries, as the limiter sees it."""

    woken: threading.Event = field(default_factory=threading.Event)
    """Set when it is worth asking again before the time that was given."""
    refusals: int = 0
    sent: float = 0.0


@dataclass(eq=False)
class _Refusal:
    turn: Turn
    sent: float
    noticed: float
    room: int
    """The guess: what the API had accepted in the window before, and 1 at least."""
    settled: bool = False
    """Whether all requests that were under way with it are answered."""


class AdaptiveRateLimiter:
    """Decides when each request is sent. It never sleeps, and any thread may call it.

    The most refused request goes first, and the last two attempts are made with nothing else under
    way, so that no request runs out of retries while others get through.
    """

    def __init__(self, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[Turn] = []
        self._under_way: set[Turn] = set()
        self._accepted: list[float] = []
        """When the requests were sent that the API accepted, in order."""
        self._refusals: list[_Refusal] = []
        """Those that nothing speaks against."""
        self._quota = inf
        self._quota_since = -inf
        self._closed_until = -inf
        self._closings = 0
        """How often in a row the API refused, with nothing accepted in between."""
        self._closed_at = -inf

    def acquire(self, turn: Turn) -> float:
        """Take the turn and return 0.0, or return the seconds after which to ask again.

        They are infinite if that depends on other requests: `turn.woken` is set in time.
        """
        with self._lock:
            turn.woken.clear()
            if turn not in self._waiting:
                insort(self._waiting, turn, key=lambda other: -other.refusals)
            if turn is not self._waiting[0] or not self._has_slot():
                return inf
            now = self._clock()
            if (moment := max(self._closed_until, self._opening(now, turn))) > now:
                return moment - now
            self._waiting.pop(0)
            turn.sent = now
            self._under_way.add(turn)
            self._wake()
            return 0.0

    def accepted(self, turn: Turn) -> None:
        """Note that the quota let the request through."""
        with self._lock:
            self._count(turn)
            if turn.sent > self._closed_at:
                self._closings = 0
            self._quota = max(self._quota, self._accepted_before(self._accepted[-1]))
            room = self._accepted_before(turn.sent)
            for refusal in self._refusals[:]:
                if refusal.sent < turn.sent and refusal.room < room:
                    self._drop(refusal)

    def refused(self, turn: Turn, retry_after: float | None) -> None:
        """Note that the quota refused the request.

        Where the answer says how long to wait, all wait. Else `turn.woken` is set as soon as the
        refusal has turned out not to come from a full quota.
        """
        with self._lock:
            now = self._clock()
            self._under_way.remove(turn)
            turn.refusals += 1
            if turn.sent > self._closed_at:  # Earlier ones belong to the closing that is known.
                self._closed_at = now
                self._closings += 1
                if self._closings > 1:
                    pause = min(PAUSE * 2 ** (self._closings - 2), WINDOW)
                    self._closed_until = max(self._closed_until, now + pause)
            self._closed_until = max(self._closed_until, now + (retry_after or 0.0))
            for refusal in self._refusals:
                if turn.sent <= refusal.sent < turn.sent + WINDOW:
                    refusal.room = max(1, refusal.room - 1)  # It was counted as under way.
            before = sum(turn.sent - WINDOW < o.sent <= turn.sent for o in self._under_way)
            room = max(1, self._accepted_before(turn.sent) + before)
            self._refusals = [r for r in self._refusals if now < r.noticed + DOUBTED]
            self._refusals.append(_Refusal(turn, turn.sent, now, room))
            if room >= self._quota:
                self._quota_since = now

    def release(self, turn: Turn) -> None:
        """Leave the queue or free the slot. A request with no verdict counts as accepted."""
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
            if turn in self._under_way:
                self._count(turn)
            self._weigh()
            self._wake()

    def _has_slot(self) -> bool:
        alone = self._closings > 1 or any(
            turn.refusals >= ALONE for turn in (*self._waiting[:1], *self._under_way)
        )
        return len(self._under_way) < (1 if alone else self._at_once)

    def _opening(self, now: float, turn: Turn) -> float:
        """When the window has room for one more request."""
        span = WINDOW + MARGIN
        oldest = min((other.sent for other in self._under_way), default=now)
        del self._accepted[: bisect_right(self._accepted, oldest - span)]
        limit = self._quota
        if (excess := now - self._quota_since - QUIET) > 0:
            limit += GROWTH ** min(excess, 9.0)
        scouts = 0 if turn.refusals else SCOUTS
        guesses = [r.room + scouts for r in self._refusals if now < r.noticed + DOUBTED]
        if (limit := min([limit, *guesses])) == inf:
            return now
        recent = self._accepted[bisect_right(self._accepted, now - span) :]
        recent += [other.sent for other in self._under_way if other.sent > now - span]
        over = len(recent) - int(limit)
        return now if over < 0 else sorted(recent)[over] + span

    def _weigh(self) -> None:
        """Learn from the refusals whose order among the other requests is known by now."""
        now = self._clock()
        oldest = min((turn.sent for turn in self._under_way), default=inf)
        for refusal in self._refusals[:]:
            if not refusal.settled and refusal.noticed < oldest:
                refusal.settled = True
                refusal.room = max(1, self._accepted_before(refusal.sent))
                later = self._accepted[bisect_right(self._accepted, refusal.sent) :]
                if any(self._accepted_before(sent) > refusal.room for sent in later):
                    self._drop(refusal)
        settled = [r for r in self._refusals if r.settled and now < r.noticed + DOUBTED]
        if settled:
            room = max(settled, key=lambda refusal: refusal.sent).room
            agreeing = sum(abs(refusal.room - room) <= 1 + room // 50 for refusal in settled)
            if agreeing >= AGREEING or room >= self._quota:
                self._quota, self._quota_since = room, now
                self._refusals = [r for r in self._refusals if r not in settled]

    def _drop(self, refusal: _Refusal) -> None:
        self._refusals.remove(refusal)
        if refusal.turn.sent == refusal.sent:
            refusal.turn.woken.set()

    def _count(self, turn: Turn) -> None:
        self._under_way.remove(turn)
        insort(self._accepted, turn.sent)

    def _accepted_before(self, moment: float) -> int:
        """How many requests the API accepted in the window that ends at `moment`."""
        end = bisect_right(self._accepted, moment)
        return end - bisect_right(self._accepted, moment - WINDOW, hi=end)

    def _wake(self) -> None:
        if self._waiting and self._has_slot():
            self._waiting[0].woken.set()
