"""A rate limiter that finds the API's quota: how many requests at once, and how many a second.

The API's quota counts the requests that it accepted in the last second. Its size is unknown, and a
429 may have another cause. So each refusal gives an estimate of the quota: the API accepts no more
than it had accepted in the second before. An estimate is dropped when the API accepts more, and
confirmed when several refusals agree. After a while, the limiter probes for a larger quota.

Some APIs have no such window: they accept evenly spaced requests, and a few at once. That shows
when the API soon accepts more than refusals that agree allow. The limiter then spaces requests.
"""

import math
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Final

REFUSED: Final = frozenset({429, 503})
"""Statuses of a request that the API refuses because there are too many. nginx says 503."""
OVERLOADED: Final = frozenset({502, 504, 522, 524})
"""Statuses by which a gateway says that the API did not answer in time."""
WINDOW: Final = 1.0
"""Seconds over which the API counts."""
MARGIN: Final = 0.02
"""Seconds added to the window, because requests do not all take equally long to arrive."""
CONFIRMATIONS: Final = 3
"""Refusals with about the same estimate that confirm it as the quota."""
ESTIMATE_LIFETIME: Final = 5.0
"""Seconds after which an unconfirmed estimate expires."""
LEAST_LOOSE: Final = 10
"""From this estimate on, one accepted request more does not disprove it: it came a little later."""
PROBES: Final = 2
"""Requests sent beyond an estimate, to test it."""
HOLD_TIME: Final = 15.0
"""Seconds for which a confirmed quota is not exceeded."""
PROBE_GROWTH: Final = 4.0
"""After `HOLD_TIME`, the excess grows by this factor each second until the API refuses."""
LARGEST_TESTED: Final = 40
"""A smaller quota is tested once with a request that is spaced evenly after it."""
SURPLUS: Final = 1.1
"""If the API accepts more than so many times what refusals agree on, they do not mean a window."""
DECREASE: Final = 1.01
"""A refusal lowers the rate of spaced requests by at least this factor."""
PER_REFUSAL: Final = 100
"""Requests that shall be accepted for each that a refusal costs: they raise the rate to what it was
before. So an API without a burst, for which some requests are early by chance, refuses 1 %."""
FIRST_PER_REFUSAL: Final = 4
"""Requests that raise it by a factor of e if none was refused yet."""
LARGEST_POWER: Final = 50.0
"""The largest such power of e: in the end, the rate would be too large for a number."""
MOST_GROWTH: Final = 3.0
"""It is at most so many times what was sent in the last second: other things may slow requests."""
MOST_DECREASE: Final = 2.0
"""A refusal after which all wait lowers it by at most this factor, unless it has grown."""
LARGEST_STEP: Final = 256
"""If it is to be lowered by this power of `DECREASE`, that does not help: the API does not count
spaced requests."""
HISTORY: Final = 10.0
"""Seconds of accepted requests from which that rate is computed."""
LATENESS: Final = 0.001
"""Seconds by which a thread may wake up late without the next spaced request being later, too."""
FIRST_PAUSE: Final = 0.1
"""Seconds to pause after a second refusal in a row. Each further one doubles it, up to `WINDOW`."""
FIRST_HELD: Final = 2
MOST_HELD: Final = 100
"""Accepted requests after which one more is sent at once: at first, and after many overloads."""
REFUSALS_BEFORE_ALONE: Final = 2
"""Refusals after which a request is sent while no other is in flight."""


@dataclass(eq=False)
class Ticket:
    """The place of one request, with its retries, in the limiter's queue."""

    ready: threading.Event = field(default_factory=threading.Event)
    """Set when `acquire` is worth calling before the time that it returned."""
    order: int = 0
    """Where it stands among requests that were refused equally often: the lowest goes first."""
    refusals: int = 0
    sent: float = 0.0


@dataclass(eq=False)
class _Refusal:
    ticket: Ticket
    sent: float
    received: float
    estimate: int
    """Of the quota: what the API had accepted in the window before, at least 1."""
    settled: bool = False
    """Whether all requests that were in flight with it are answered, so the estimate is final."""

    def is_less_than(self, accepted: int) -> bool:
        """Tell whether the API accepted clearly more than the estimate."""
        return accepted > self.estimate + (self.estimate >= LEAST_LOOSE)


class _Concurrency:
    """How many requests may be in flight at once.

    A single answer of a gateway may have any cause. If two requests that were in flight together
    get one, the API is overloaded, and half as many are sent at once from then on. Every so many
    requests that the API accepts, one more is sent; after each overload it takes more of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.value = most
        self._halved_at = -inf
        self._last_at = -inf
        self._accepted = 0
        self._hold = FIRST_HELD

    def accepted(self, sent: float) -> None:
        """Note an accepted request."""
        if sent > self._halved_at and self.value < self._most:
            self._accepted += 1
            if self._accepted >= self._hold:
                self.value, self._accepted = self.value + 1, 0

    def overloaded(self, sent: float, now: float) -> bool:
        """Note an answer of a gateway, and return whether the value was lowered."""
        if sent <= self._halved_at:
            return False  # it was in flight at that time
        together, self._last_at = sent < self._last_at, now
        if together:
            self.value = max(1, self.value // 2)
            self._hold = min(self._hold * 2, MOST_HELD)
            self._halved_at, self._accepted = now, 0
        return together


def _levels(times: list[float], rate: float) -> list[float]:
    """Return how full a bucket is after each request, which adds 1. It leaks at the rate."""
    levels = [0.0]
    for before, moment in zip([-inf, *times], times, strict=False):
        levels.append(max(0.0, levels[-1] - rate * (moment - before)) + 1)
    return levels


class _Spacing:
    """The rate of an API that accepts evenly spaced requests, as nginx and token buckets do.

    Each request that such an API accepts fills a bucket, which leaks at the rate. A request that
    would make it overflow is refused. So the rate grows until a refusal. Then it is computed: if it
    were larger, the bucket would be less full than at `full`, when the API accepted all of them.
    """

    def __init__(self, rate: float, full: list[float], now: float) -> None:
        self._full = full
        """When requests were sent that filled the bucket."""
        self._rate = self._used = self._least = self._most = rate
        self._per_refusal: float = FIRST_PER_REFUSAL
        self._power = 1.0
        """The power of e by which the last refusal lowered the rate."""
        self._accepted = 0
        """Requests since then."""
        self._lowered_at = now
        self.step = 1
        """The power of `DECREASE` by which it had to lower the rate at least. It doubles with each
        refusal before the rate has grown, and again if all wait."""

    def rate(self, recent: int) -> float:
        """Return the requests a second that may be sent, given how many were in the last one."""
        power = self._power * (self._accepted / self._per_refusal) ** 2
        growth = math.exp(min(power, LARGEST_POWER))
        self._used = min(self._rate * growth, MOST_GROWTH * max(self._rate, recent))
        return self._used

    def accepted(self) -> None:
        """Note an accepted request, so that the rate grows."""
        self._accepted += 1

    def refused(self, sent: float, now: float, before: list[float], wait: float) -> None:
        """Lower the rate, given when the requests before the refused one were sent.

        They include requests in flight, whose refusal would show the rate more closely. All
        requests wait for `wait` seconds.
        """
        if sent <= self._lowered_at:  # it was in flight at that time
            if self.step == 1:
                self._rate = min(self._rate, self._shown([*before, sent]))
            return
        has_grown = self._accepted >= self._per_refusal / 4
        self.step = 1 if has_grown else self.step * (4 if wait else 2)
        self._least = self._rate / (DECREASE if has_grown else MOST_DECREASE)
        self._most = self._used / DECREASE**self.step
        # If it has not grown, how full the bucket was before is hardly known.
        self._rate = self._shown([*before, sent]) if has_grown or wait else self._most
        self._power = math.log(self._used / self._rate)
        self._per_refusal = PER_REFUSAL * (1 + wait * self._rate)
        self._lowered_at, self._accepted = now, 0

    def _shown(self, times: list[float]) -> float:
        """Return the largest rate at which the API had to refuse the last of these requests."""
        low = high = self._most
        while low > self._least and not self._overflows(times, low):
            low, high = max(self._least, low / SURPLUS), low
        for _ in range(5):
            rate = math.sqrt(low * high)
            low, high = (rate, high) if self._overflows(times, rate) else (low, rate)
        return low

    def _overflows(self, times: list[float], rate: float) -> bool:
        return _levels(times, rate)[-1] > max(_levels(self._full, rate))


class AdaptiveRateLimiter:
    """Decide when each request is sent. It never sleeps, and any thread may call it.

    The most refused request goes first, and its last two attempts are made with nothing else in
    flight, so that no request runs out of retries while others get through. The others go in the
    order of their tickets.
    """

    def __init__(self, max_concurrent: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._concurrency = _Concurrency(max_concurrent)
        self._clock = clock
        self._lock = threading.Lock()
        self._queue: list[Ticket] = []
        self._in_flight: set[Ticket] = set()
        self._accepted: list[float] = []
        """When the requests that the API accepted were sent, in order."""
        self._refusals: list[_Refusal] = []
        """Refusals whose estimates are neither confirmed nor disproved."""
        self._quota = inf
        self._quota_confirmed_at = -inf
        self._agreed: float = inf
        """The last estimate on which refusals agreed, even if it was not confirmed."""
        self._agreed_at = -inf
        self._full: list[float] = []
        """When the requests were sent that the API had accepted before it."""
        self._tested_quota = inf
        self._spacing: _Spacing | None = None
        """Used instead of the quota if not None."""
        self._last_sent = -inf
        self._do_all_wait = False
        self._paused_until = -inf
        self._refusals_in_a_row = 0
        """Counts requests that were in flight together as one."""
        self._last_refusal_at = -inf

    def acquire(self, ticket: Ticket) -> float:
        """Return 0.0 if the request may be sent now, else the seconds after which to ask again.

        They are infinite if that depends on other requests; `ticket.ready` is then set in time.
        """
        with self._lock:
            ticket.ready.clear()
            if ticket not in self._queue:
                insort(self._queue, ticket, key=lambda other: (-other.refusals, other.order))
            if ticket is not self._queue[0] or not self._has_slot():
                return inf
            now = self._clock()
            if now < self._paused_until:
                return self._paused_until - now
            if (start := self._earliest_start(now, ticket)) > now:
                return start - now
            self._queue.pop(0)
            ticket.sent, self._last_sent = now, max(start, now - LATENESS)
            self._in_flight.add(ticket)
            self._wake_next()
            return 0.0

    def accepted(self, ticket: Ticket) -> None:
        """Note that the quota let the request through."""
        with self._lock:
            self._record_accepted(ticket)
            self._concurrency.accepted(ticket.sent)
            if ticket.sent > self._last_refusal_at:
                self._refusals_in_a_row = 0
            accepted = self._accepted_before(ticket.sent)
            if self._spacing:
                self._spacing.accepted()
            self._look_for_spacing(ticket.sent, accepted)
            self._quota = max(self._quota, self._accepted_before(self._accepted[-1]))
            for refusal in self._refusals[:]:
                if (  # The rate was lowered, which helped.
                    refusal.received < ticket.sent
                    if self._spacing
                    else refusal.sent < ticket.sent and refusal.is_less_than(accepted)
                ):
                    self._disprove(refusal)

    def refused(self, ticket: Ticket, retry_after: float | None) -> None:
        """Note that the API refused the request, because there were too many.

        If the response says how long to wait, all requests wait. Otherwise `ticket.ready` is set as
        soon as the refusal turns out not to come from a full quota, but not for the last attempt.
        """
        with self._lock:
            now = self._clock()
            self._in_flight.remove(ticket)
            ticket.refusals += 1
            if ticket.sent > self._last_refusal_at:  # else it was in flight with that refusal
                self._pause(now)
            self._do_all_wait = bool(retry_after)
            if self._spacing:
                before = self._accepted[: bisect_left(self._accepted, ticket.sent)]
                before += [other.sent for other in self._in_flight if other.sent < ticket.sent]
                before.sort()
                self._spacing.refused(ticket.sent, now, before, retry_after or 0.0)
                if self._spacing.step >= LARGEST_STEP:
                    self._spacing = None
                    self._forget_quota()
            self._paused_until = max(self._paused_until, now + (retry_after or 0.0))
            for refusal in self._refusals:
                if ticket.sent <= refusal.sent < ticket.sent + WINDOW:
                    # This request was in flight then, and was counted as if it would be accepted.
                    refusal.estimate = max(1, refusal.estimate - 1)
            in_flight = sum(
                ticket.sent - WINDOW < other.sent <= ticket.sent for other in self._in_flight
            )
            estimate = max(1, self._accepted_before(ticket.sent) + in_flight)
            self._refusals = [r for r in self._refusals if now < r.received + ESTIMATE_LIFETIME]
            self._refusals.append(_Refusal(ticket, ticket.sent, now, estimate))
            if estimate >= self._quota:
                self._quota_confirmed_at = now

    def overloaded(self, ticket: Ticket) -> None:
        """Note that the API did not answer the request in time."""
        with self._lock:
            now = self._clock()
            self._in_flight.remove(ticket)
            ticket.refusals += 1
            if self._concurrency.overloaded(ticket.sent, now):
                self._pause(now)

    def release(self, ticket: Ticket) -> None:
        """Leave the queue or free the slot. A request without a verdict counts as accepted."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)
            if ticket in self._in_flight:
                self._record_accepted(ticket)
            self._confirm_quota()
            self._wake_next()

    def _pause(self, now: float) -> None:
        """Wait for longer with each refusal or overload that follows another."""
        self._last_refusal_at = now
        self._refusals_in_a_row += 1
        if self._refusals_in_a_row > 1:
            pause = min(FIRST_PAUSE * 2 ** (self._refusals_in_a_row - 2), WINDOW)
            self._paused_until = max(self._paused_until, now + pause)

    def _has_slot(self) -> bool:
        alone = self._refusals_in_a_row > 1 or any(
            ticket.refusals >= REFUSALS_BEFORE_ALONE
            for ticket in (*self._queue[:1], *self._in_flight)
        )
        return len(self._in_flight) < (1 if alone else self._concurrency.value)

    def _earliest_start(self, now: float, ticket: Ticket) -> float:
        """Return when the window has room for one more request, or its turn if they are spaced."""
        span = WINDOW + MARGIN
        oldest = min((other.sent for other in self._in_flight), default=now)
        kept = HISTORY if self._spacing else span
        del self._accepted[: bisect_right(self._accepted, oldest - kept)]
        if self._spacing:
            rate = self._spacing.rate(self._accepted_before(now) + len(self._in_flight))
            return self._last_sent + max(1, ticket.refusals) / rate
        limit = self._quota
        if (excess := now - self._quota_confirmed_at - HOLD_TIME) > 0:
            limit += PROBE_GROWTH ** min(excess, 9.0)
        # Where all are retries of a small quota, nothing else would test it.
        may_probe = ticket.refusals < (2 if self._agreed < LARGEST_TESTED else 1)
        probes = PROBES if may_probe else 0
        limits = [
            r.estimate + probes for r in self._refusals if now < r.received + ESTIMATE_LIFETIME
        ]
        if (limit := min([limit, *limits])) == inf:
            return now
        recent = self._accepted[bisect_right(self._accepted, now - span) :]
        recent += [other.sent for other in self._in_flight if other.sent > now - span]
        over = len(recent) - int(limit)
        if over == 0 and self._is_to_be_tested(limit, ticket):
            start = max(now, self._last_sent + WINDOW / (2 * limit))
            if start < min(recent) + WINDOW - MARGIN:
                if start == now:
                    self._tested_quota = limit
                return start
        return now if over < 0 else sorted(recent)[over] + span

    def _is_to_be_tested(self, limit: float, ticket: Ticket) -> bool:
        return (
            limit == self._quota
            and not self._tested_quota / SURPLUS <= limit <= self._tested_quota
            and (limit < LARGEST_TESTED or not self._do_all_wait)
            and ticket.refusals < REFUSALS_BEFORE_ALONE
        )

    def _look_for_spacing(self, sent: float, accepted: int) -> None:
        """Space requests if the API accepts clearly more than refusals that agree allow."""
        if self._spacing:
            return
        estimates = [r.estimate for r in self._refusals if sent - WINDOW < r.sent < sent]
        if sum(estimate >= max(estimates) - 1 for estimate in estimates) >= CONFIRMATIONS:
            self._agreed, self._agreed_at = max(estimates), sent
            self._full = self._accepted[:]
        if sent < self._agreed_at + ESTIMATE_LIFETIME and accepted > self._agreed * SURPLUS + 1:
            self._spacing = _Spacing(accepted / WINDOW, self._full, self._clock())
            self._forget_quota()

    def _forget_quota(self) -> None:
        self._quota = inf
        for refusal in self._refusals[:]:
            self._disprove(refusal)

    def _confirm_quota(self) -> None:
        """Settle the refusals whose order among the other requests is now known, and compare them.

        Requests are answered in another order than they are sent, so an estimate is final only when
        all that were in flight with it are answered.
        """
        now = self._clock()
        oldest = min((ticket.sent for ticket in self._in_flight), default=inf)
        for refusal in self._refusals[:]:
            if not refusal.settled and refusal.received < oldest:
                refusal.settled = True
                refusal.estimate = max(1, self._accepted_before(refusal.sent))
                later = self._accepted[bisect_right(self._accepted, refusal.sent) :]
                if any(refusal.is_less_than(self._accepted_before(sent)) for sent in later):
                    self._disprove(refusal)
        settled = [r for r in self._refusals if r.settled and now < r.received + ESTIMATE_LIFETIME]
        if settled:
            latest = max(settled, key=lambda refusal: refusal.sent).estimate
            agreeing = sum(abs(r.estimate - latest) <= 1 + latest // 50 for r in settled)
            if agreeing >= CONFIRMATIONS or latest >= self._quota:
                self._quota = self._agreed = latest
                self._quota_confirmed_at = self._agreed_at = now
                self._full = self._accepted[:]
                self._refusals = [r for r in self._refusals if r not in settled]

    def _disprove(self, refusal: _Refusal) -> None:
        self._refusals.remove(refusal)
        ticket = refusal.ticket
        is_sent_again = ticket.sent != refusal.sent
        # What was refused so often needs time: the last attempt comes after the whole backoff.
        if not is_sent_again and ticket.refusals <= REFUSALS_BEFORE_ALONE:
            ticket.ready.set()

    def _record_accepted(self, ticket: Ticket) -> None:
        self._in_flight.remove(ticket)
        insort(self._accepted, ticket.sent)

    def _accepted_before(self, moment: float) -> int:
        """Return how many requests the API accepted in the window that ends at `moment`."""
        end = bisect_right(self._accepted, moment)
        return end - bisect_right(self._accepted, moment - WINDOW, hi=end)

    def _wake_next(self) -> None:
        if self._queue and self._has_slot():
            self._queue[0].ready.set()
