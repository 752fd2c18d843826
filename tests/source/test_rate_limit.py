"""The rate limiter: each rule on a fake clock, and whole syncs in simulated time."""

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner_sync.source.rate_limit import (
    CONFIRMATIONS,
    DECREASE,
    ESTIMATE_LIFETIME,
    FIRST_PAUSE,
    FIRST_PER_REFUSAL,
    HOLD_TIME,
    LARGEST_STEP,
    LATENESS,
    MARGIN,
    MOST_GROWTH,
    PER_REFUSAL,
    PROBE_GROWTH,
    PROBES,
    WINDOW,
    AdaptiveRateLimiter,
    Ticket,
)

Verdict = tuple[bool | None, float | None]
"""Whether a request is accepted, or None if it is not answered in time, and the `Retry-After` of a
refusal. For an API that takes its time, the second says how much."""
Server = Callable[[float], Verdict]
WORKERS, AT_ONCE = 40, 20
SEEDS = range(4)


class Simulation:
    """Threads that read an API as `ApiSession` does, in simulated time.

    The first three requests go out alone, as the first pages of the listings do. Each direction
    takes half of the latency and up to 4 ms more, or `jitter`, so requests overtake each other. The
    share `delayed` of them takes 2 ms more on average, as on a busy machine.
    """

    def __init__(
        self,
        server: Server,
        requests: int,
        latency: float = 0.05,
        seed: int = 0,
        until: float = 1e9,
        jitter: float = 0.004,
        delayed: float = 0.0,
    ) -> None:
        self.now, self.server = 0.0, server
        self.latency, self.jitter, self.delayed = latency, jitter, delayed
        self.left, self.idle = requests, WORKERS
        self.random = random.Random(seed)
        self.limiter = AdaptiveRateLimiter(AT_ONCE, self.clock)
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self.late = 0
        self.failed = self.in_flight = self.most_in_flight = 0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = itertools.count()
        self.start(3)
        while self.events and self.events[0][0] < until:
            moment, _, event = heapq.heappop(self.events)
            self.now = max(self.now, moment)
            event()

    def clock(self) -> float:
        """Advance a little, so that no two requests are sent at the same time."""
        self.now += 2e-5
        return self.now

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.now + seconds, next(self.numbers), event))

    def start(self, most: int) -> None:
        for _ in range(min(most, self.idle, self.left)):
            self.idle -= 1
            self.left -= 1
            self.step(self.worker())

    def step(self, worker: Iterator["float | tuple[Ticket, float]"]) -> None:
        match next(worker, None):
            case (Ticket(ready=SimulatedEvent() as ready), float(seconds)):
                resume = ready.once(lambda: self.step(worker))
                if seconds < math.inf:
                    self.after(seconds, resume)
            case float(seconds):
                self.after(seconds, lambda: self.step(worker))

    def way(self) -> float:
        delay = 0.0
        if self.delayed and self.random.random() < self.delayed:
            delay = self.random.expovariate(1 / 0.002)
        return self.latency / 2 + self.random.uniform(0, self.jitter) + delay

    def worker(self) -> Iterator["float | tuple[Ticket, float]"]:
        while True:
            ticket = Ticket(SimulatedEvent(self))  # type: ignore[arg-type]
            for attempt in range(4):
                while seconds := self.limiter.acquire(ticket):
                    yield ticket, seconds
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                yield self.way()
                accepted, retry_after = self.server(self.now)
                if accepted is not None:
                    (self.accepted if accepted else self.refused).append(self.now)
                if accepted is not False and retry_after:
                    yield retry_after
                    retry_after = None
                yield self.way()
                self.in_flight -= 1
                if accepted:
                    self.limiter.accepted(ticket)
                elif accepted is None:
                    self.late += 1
                    self.limiter.overloaded(ticket)
                else:
                    self.limiter.refused(ticket, retry_after)
                self.limiter.release(ticket)
                if accepted:
                    break
                if attempt < 3 and not retry_after:
                    yield ticket, 2.0 * 2**attempt * self.random.uniform(1, 1.5)
            else:
                self.failed += 1
            self.after(0, lambda: self.start(WORKERS))
            if not self.left:
                return
            self.left -= 1

    def used(self, rate: int, since: float = 0.0, until: float = math.inf) -> float:
        """Return the share of a quota that was used between two moments."""
        seconds = min(until, self.accepted[-1]) - max(since, self.accepted[0])
        return sum(since <= moment < until for moment in self.accepted) / (rate * seconds)

    @property
    def share_refused(self) -> float:
        return len(self.refused) / (len(self.refused) + len(self.accepted))


class SimulatedEvent:
    """A ticket's `threading.Event` in simulated time."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation, self.is_set = simulation, False
        self.waiter: Callable[[], None] | None = None

    def clear(self) -> None:
        self.is_set = False

    def set(self) -> None:
        self.is_set = True
        if self.waiter:
            self.simulation.after(0, self.waiter)

    def once(self, go_on: Callable[[], None]) -> Callable[[], None]:
        """Call `go_on` once: when the event is set, or when the returned function is called."""

        def resume() -> None:
            if self.waiter is resume:
                self.waiter = None
                go_on()

        self.waiter = resume
        if self.is_set:
            self.simulation.after(0, resume)
        return resume


def sliding(rate: int, retry_after: bool, *changes: tuple[float, int]) -> Server:
    """Allow so many requests in the last second, as Django REST framework does."""
    accepted: deque[float] = deque()

    def answer(now: float) -> Verdict:
        allowed = [rate, *(new for moment, new in changes if moment <= now)][-1]
        while accepted and accepted[0] <= now - 1:
            accepted.popleft()
        if len(accepted) < allowed:
            accepted.append(now)
            return True, None
        wait = math.ceil(accepted[len(accepted) - allowed] + 1 - now)
        return False, wait if retry_after else None

    return answer


def spaced(rate: int, burst: int, retry_after: float | None) -> Server:
    """Allow requests that are evenly spaced, and so many more at once, as nginx does."""
    empty_at = 0.0

    def answer(now: float) -> Verdict:
        nonlocal empty_at
        if empty_at - now > burst / rate:
            return False, retry_after
        empty_at = max(empty_at, now) + 1 / rate
        return True, None

    return answer


def one_at_a_time(seconds: float, patience: float) -> Server:
    """Serve requests in turn, behind a gateway that gives up. What it gave up is still served."""
    free = 0.0

    def answer(now: float) -> Verdict:
        nonlocal free
        free = max(free, now) + seconds
        return (True, free - now) if free - now <= patience else (None, patience)

    return answer


def counting(refuse: Callable[[int], bool], retry_after: float | None = None) -> Server:
    """Refuse requests by their number, which starts at 1."""
    numbers = itertools.count(1)
    return lambda _: (False, retry_after) if refuse(next(numbers)) else (True, None)


def at_random(share: float, seed: int, otherwise: Server = lambda _: (True, None)) -> Server:
    chance = random.Random(seed)
    return lambda now: (False, None) if chance.random() < share else otherwise(now)


def seconds_without_refusals(requests: int, latency: float) -> float:
    return Simulation(lambda _: (True, None), requests, latency).now


@pytest.mark.parametrize("latency", [0.005, 0.05, 0.15, 3.0])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 30, 299])
def test_one_spurious_refusal_costs_only_its_retry(latency: float, number: int) -> None:
    """300 issues take at most twice the time, plus the 3 seconds that a retry may wait."""
    without = seconds_without_refusals(300, latency)
    for seed in SEEDS:
        seen = Simulation(counting(lambda n: n == number), 300, latency, seed)
        assert (len(seen.accepted), len(seen.refused), seen.failed) == (300, 1, 0)
        assert seen.now <= 2 * without + 3


@pytest.mark.parametrize("latency", [0.02, 0.05, 0.2])
def test_every_sixth_request_refused(latency: float) -> None:
    """400 issues take at most a minute, though all wait for a second after each refusal."""
    for seed in SEEDS:
        seen = Simulation(counting(lambda n: n % 6 == 0, 1), 403, latency, seed)
        assert (len(seen.accepted), seen.failed) == (403, 0)
        assert seen.now <= 60


@pytest.mark.parametrize("nth", [2, 3, 5, 7, 10])
def test_no_request_runs_out_of_retries(nth: int) -> None:
    """Four attempts are enough, whatever share is refused with a `Retry-After`."""
    for seed in SEEDS:
        seen = Simulation(counting(lambda n: n % nth == 0, 1), 60, seed=seed)
        assert (len(seen.accepted), seen.failed) == (60, 0)


def test_one_percent_refused_at_random() -> None:
    """1000 issues take at most twice the time."""
    without = seconds_without_refusals(1040, 0.05)
    for seed in SEEDS:
        seen = Simulation(at_random(0.01, seed), 1040, seed=seed)
        assert (len(seen.accepted), seen.failed) == (1040, 0)
        assert seen.now <= 2 * without


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("latency", [0.01, 0.05])
def test_a_quota_of_100_a_second(retry_after: bool, latency: float) -> None:
    """1000 issues use at least 95 % of it, and under 3 % of requests are refused."""
    for seed in SEEDS:
        seen = Simulation(sliding(100, retry_after), 1040, latency, seed)
        assert (len(seen.accepted), seen.failed) == (1040, 0)
        assert seen.used(100) >= 0.95
        assert seen.share_refused < 0.03


@pytest.mark.parametrize("retry_after", [False, True])
def test_a_quota_in_a_long_run(retry_after: bool) -> None:
    """The same holds for 100 seconds, in which the limiter probes for a larger quota repeatedly."""
    seen = Simulation(sliding(100, retry_after), 10_000)
    assert seen.used(100) >= 0.95
    assert (seen.share_refused < 0.015, seen.failed) == (True, 0)


@pytest.mark.parametrize("rate", [2, 5, 20])
@pytest.mark.parametrize("retry_after", [False, True])
def test_a_quota_below_the_concurrency(rate: int, retry_after: bool) -> None:
    """At least 90 % of it is used, and no request runs out of retries."""
    for seed in SEEDS:
        seen = Simulation(sliding(rate, retry_after), 30 * rate, seed=seed)
        assert (len(seen.accepted), seen.failed) == (30 * rate, 0)
        assert seen.used(rate) >= 0.90


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("latency", [0.05, 0.2])
def test_a_quota_of_one_a_second(retry_after: bool, latency: float) -> None:
    """At least 90 % of it is used, and no request runs out of retries."""
    for seed in SEEDS:
        seen = Simulation(sliding(1, retry_after), 100, latency, seed)
        assert (len(seen.accepted), seen.failed) == (100, 0)
        assert seen.used(1) >= 0.90


@pytest.mark.parametrize(
    ("rate", "burst", "retry_after", "latency"),
    [
        (5, 0, None, 0.05),
        (20, 0, None, 0.02),
        (20, 0, None, 0.05),
        (20, 5, None, 0.05),
        (20, 5, None, 0.3),
        (20, 5, 1, 0.05),
        (20, 5, 1, 0.2),
        (50, 3, None, 0.05),
        (100, 10, None, 0.02),
        (100, 10, None, 0.05),
        (100, 10, None, 0.2),
    ],
)
def test_a_quota_that_is_evenly_spaced(
    rate: int, burst: int, retry_after: float | None, latency: float
) -> None:
    """At least 90 % of it is used, and under 5 % of requests are refused, none for good.

    Without a burst, a request that arrives a little early is refused, so the jitter is small here.
    """
    for seed in SEEDS:
        server = spaced(rate, burst, retry_after)
        seen = Simulation(server, 2000, latency, seed, jitter=0.001)
        assert seen.failed == 0
        assert seen.used(rate) >= 0.90
        assert seen.share_refused < 0.05


@pytest.mark.parametrize("latency", [0.02, 0.05])
def test_a_quota_that_is_evenly_spaced_on_a_busy_machine(latency: float) -> None:
    """Without a burst, each request that is late by chance gets the next one refused.

    If one of 20 is some 2 ms late, still at least 90 % is used, and under 5 % is refused.
    """
    for seed in SEEDS:
        seen = Simulation(spaced(20, 0, None), 2000, latency, seed, jitter=0.0002, delayed=0.05)
        assert seen.failed == 0
        assert seen.used(20, until=10) >= 0.40
        assert seen.used(20) >= 0.90
        assert seen.share_refused < 0.05


@pytest.mark.parametrize("burst", [20, 40])
@pytest.mark.parametrize("retry_after", [None, 1])
def test_a_quota_that_is_evenly_spaced_with_a_large_burst(
    burst: int, retry_after: float | None
) -> None:
    """A burst that fills a window looks like a quota of a window. Nearly all of it is used."""
    for seed in SEEDS:
        seen = Simulation(spaced(20, burst, retry_after), 1000, 0.05, seed)
        assert seen.failed == 0
        assert seen.used(20) >= 0.97
        assert seen.share_refused < 0.08


@pytest.mark.parametrize("retry_after", [None, 1])
def test_a_small_quota_that_is_evenly_spaced(retry_after: float | None) -> None:
    """10 requests a second, and 2 more at once: each refusal weighs more, but none is for good."""
    for seed in SEEDS:
        seen = Simulation(spaced(10, 2, retry_after), 600, 0.05, seed, jitter=0.001)
        assert seen.failed == 0
        assert seen.used(10) >= 0.90
        assert seen.share_refused < 0.05


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_quota_that_drops_and_comes_back(retry_after: bool, seed: int) -> None:
    """The limiter follows from 100 to 20 a second within 10 seconds, and back within 20."""
    low = (15, 20.7, 45)[seed % 3]
    down, up = 20, 20 + low
    server = sliding(100, retry_after, (down, 20), (up, 100))
    seen = Simulation(server, 100_000, seed=seed, until=up + 35)
    assert seen.failed == 0
    assert seen.used(20, down + 10, up) >= 0.90
    assert seen.used(100, up + 20, up + 30) >= 0.90
    assert sum(down + 10 <= moment < up for moment in seen.refused) <= 0.06 * 20 * low


def test_slow_answers_without_a_quota() -> None:
    """Responses that take 3 seconds come as fast as 20 concurrent requests allow."""
    seen = Simulation(lambda _: (True, None), 400, latency=3)
    assert (len(seen.accepted), seen.most_in_flight) == (400, 20)
    assert seen.now <= 21 * 3.008  # The first three go out alone.


@pytest.mark.parametrize("quota", [False, True])
def test_random_refusals_do_not_reduce_the_rate(quota: bool) -> None:
    """With 1 % refused, requests are as fast as they can be after thousands of them.

    The last ones are not counted: if one of them is refused, nothing else is sent until its retry.
    """
    for seed in SEEDS if quota else SEEDS[:2]:
        otherwise = sliding(100, False) if quota else lambda _: (True, None)
        seen = Simulation(at_random(0.01, seed, otherwise), 3000, seed=seed)
        assert (len(seen.accepted), seen.failed) == (3000, 0)
        last = seen.accepted[-1300:-300]
        assert 1000 / (last[-1] - last[0]) >= (95 if quota else 300)


@pytest.mark.parametrize("asked", [105, 110, 120])
@pytest.mark.parametrize("retry_after", [False, True])
def test_a_quota_slightly_below_the_request_rate(asked: int, retry_after: bool) -> None:
    """Under 4 % are refused if 20 concurrent requests could send only a little more."""
    latency = AT_ONCE / asked - 0.004
    seen = Simulation(sliding(100, retry_after), 6000, latency)
    assert (seen.share_refused < 0.04, seen.failed) == (True, 0)
    assert seen.used(100) >= 0.89


def test_an_api_that_serves_one_request_at_a_time() -> None:
    """Fewer are sent at once, and none fails, though a gateway gives up after a second."""
    for seed in SEEDS:
        seen = Simulation(one_at_a_time(0.2, 1.0), 600, 0.01, seed)
        assert (len(seen.accepted), seen.failed) == (600, 0)
        assert seen.used(5) >= 0.85
        assert seen.late <= 80


class Clock:
    """A clock that a test sets. Reading it takes a microsecond, so that no two times are equal."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


class Requests:
    """A limiter on a fake clock, and the requests that a test sends through it."""

    def __init__(self, max_concurrent: int = 20) -> None:
        self.clock = Clock()
        self.limiter = AdaptiveRateLimiter(max_concurrent, self.clock)

    def send(self, ticket: Ticket | None = None) -> Ticket:
        """Send a request, which must be possible now."""
        ticket = ticket or Ticket()
        assert self.limiter.acquire(ticket) == 0
        return ticket

    def accept(self, *tickets: Ticket) -> None:
        for ticket in tickets:
            self.limiter.accepted(ticket)
            self.limiter.release(ticket)

    def refuse(self, ticket: Ticket, retry_after: float | None = None) -> None:
        self.limiter.refused(ticket, retry_after)
        self.limiter.release(ticket)

    def late(self, *tickets: Ticket) -> None:
        for ticket in tickets:
            self.limiter.overloaded(ticket)
            self.limiter.release(ticket)

    def most(self) -> int:
        """Return how many requests may be sent at once now."""
        sent = []
        while not self.limiter.acquire(ticket := Ticket()):
            sent.append(ticket)
        for each in (ticket, *sent):
            self.limiter.release(each)
        return len(sent)

    def wait(self) -> float:
        """Return how long a new request, which cannot be sent now, has to wait."""
        ticket = Ticket()
        seconds = self.limiter.acquire(ticket)
        assert seconds > 0
        self.limiter.release(ticket)
        return seconds

    def accept_in_a_row(self, count: int) -> None:
        for _ in range(count):
            self.accept(self.send())

    def accept_spaced(self, count: int) -> None:
        for _ in range(count):
            self.clock.now += self.wait() + 1e-6
            self.accept(self.send())

    def learn_quota(self, quota: int) -> None:
        """Confirm a quota: in each of several windows, the API refuses the request after it."""
        for _ in range(CONFIRMATIONS):
            self.accept_in_a_row(quota)
            self.refuse(self.send())
            self.clock.now += 2 * WINDOW


def test_requests_are_unlimited_until_one_is_refused() -> None:
    """Only the number in flight is limited; the next one waits for another to end."""
    requests = Requests(max_concurrent=3)
    first, *_ = [requests.send() for _ in range(3)]
    waiting = Ticket()
    assert requests.limiter.acquire(waiting) == math.inf
    requests.accept(first)
    assert waiting.ready.is_set()
    assert requests.limiter.acquire(waiting) == 0


def test_all_requests_wait_for_a_retry_after() -> None:
    """Those of other threads, too, and for as long as the API says."""
    requests = Requests()
    requests.refuse(requests.send(), retry_after=7)
    assert requests.wait() == pytest.approx(7, abs=1e-3)
    requests.clock.now += 6.9
    assert requests.wait() == pytest.approx(0.1, abs=1e-3)
    requests.clock.now += 0.2
    requests.send()


def test_a_refusal_limits_the_rate_to_its_estimate() -> None:
    """A few probes more are sent; then the next request waits until the window has room."""
    requests = Requests()
    requests.accept_in_a_row(5)
    requests.refuse(requests.send())
    for _ in range(PROBES):
        requests.send()
    assert requests.wait() == pytest.approx(WINDOW + MARGIN, abs=1e-3)
    requests.clock.now += WINDOW + MARGIN
    requests.send()


def test_an_estimate_is_dropped_when_more_is_accepted() -> None:
    """The refusal had another cause, so its retry is sent at once and the rate is free again."""
    requests = Requests()
    requests.accept_in_a_row(5)
    refused = requests.send()
    requests.refuse(refused)
    assert not refused.ready.is_set()
    requests.accept_in_a_row(PROBES)
    assert refused.ready.is_set()
    requests.accept_in_a_row(50)


def test_a_request_that_is_refused_again_and_again_needs_time() -> None:
    """Whatever others show, its last attempt is not made at once."""
    requests = Requests()
    unlucky = Ticket()
    are_at_once = []
    for _ in range(3):
        requests.refuse(requests.send(unlucky))
        requests.accept_in_a_row(PROBES)
        are_at_once.append(unlucky.ready.is_set())
        requests.clock.now += ESTIMATE_LIFETIME
    assert are_at_once == [True, True, False]


def test_an_unconfirmed_estimate_expires() -> None:
    """A few seconds later it limits nothing, even if nothing has disproved it."""
    requests = Requests()
    requests.refuse(requests.send())
    requests.clock.now += ESTIMATE_LIFETIME - 0.1
    for _ in range(1 + PROBES):
        requests.send()
    assert requests.wait() == pytest.approx(WINDOW + MARGIN, abs=1e-3)
    requests.clock.now += 0.2
    for _ in range(10):
        requests.send()


def test_refusals_that_agree_confirm_the_quota() -> None:
    """A confirmed quota is used to the full, without probes, until the hold time ends.

    Only once, a spaced request tests whether the API counts over the window at all.
    """
    requests = Requests()
    requests.learn_quota(10)
    requests.accept_in_a_row(10)
    assert requests.wait() == pytest.approx(WINDOW / 20, abs=1e-3)
    requests.clock.now += WINDOW / 20
    requests.refuse(requests.send())
    for _ in range(2):
        assert requests.wait() == pytest.approx(WINDOW * 19 / 20 + MARGIN, abs=1e-3)


@pytest.fixture
def spacing() -> Requests:
    """A limiter that found a quota of 2, and that the API then accepted 4 spaced requests."""
    requests = Requests()
    requests.learn_quota(2)
    requests.accept_in_a_row(2)
    for quota in (2, 3):
        requests.clock.now += WINDOW / (2 * quota)
        requests.accept(requests.send())
    return requests


def test_requests_are_spaced_if_the_api_does_not_count_over_the_window(spacing: Requests) -> None:
    """It accepted clearly more than three refusals allowed. The rate grows from what it accepted.

    A refusal shows the rate: the bucket cannot be less full than when 2 filled it. A request that
    was refused twice keeps twice the distance.
    """
    assert spacing.wait() == pytest.approx(WINDOW / 4, abs=1e-3)
    spacing.clock.now += WINDOW / 4
    spacing.accept(spacing.send())
    rate = 4 * math.exp(1 / FIRST_PER_REFUSAL**2)
    assert spacing.wait() == pytest.approx(1 / rate, abs=2e-3)
    spacing.accept_spaced(3)
    spacing.clock.now += WINDOW
    for _ in range(2):
        spacing.accept(spacing.send())
        spacing.clock.now += 0.1
    refused = spacing.send()
    spacing.refuse(refused)
    # At 5 a second, the last two requests leave room for one in 0.2 seconds.
    assert spacing.wait() == pytest.approx(1 / 5, rel=0.02)
    assert spacing.limiter.acquire(refused) == pytest.approx(1 / 5, rel=0.02)
    spacing.clock.now += WINDOW
    spacing.refuse(spacing.send(refused))
    spacing.clock.now += FIRST_PAUSE
    distance = FIRST_PAUSE + spacing.wait()
    assert FIRST_PAUSE + spacing.limiter.acquire(refused) == pytest.approx(2 * distance, abs=2e-3)


def test_a_thread_that_wakes_up_late_does_not_lower_the_rate(spacing: Requests) -> None:
    """The next request is as much earlier, if that is less than `LATENESS`."""
    spacing.clock.now += spacing.wait()
    spacing.refuse(spacing.send())  # so that the rate stays the same
    waits = []
    for late in (0, LATENESS / 2, 0.05):
        spacing.clock.now += spacing.wait() + late
        spacing.accept(spacing.send())
        waits.append(spacing.wait())
    earlier = [waits[0] - wait for wait in waits]
    assert earlier == pytest.approx([0, LATENESS / 2, LATENESS], abs=1e-4)


def test_the_rate_of_spaced_requests_may_grow_for_long(spacing: Requests) -> None:
    """If the API refuses nothing more, because other things slow the requests down.

    It is at most `MOST_GROWTH` times what was sent in the last second.
    """
    for _ in range(1000):
        spacing.clock.now += 0.5
        spacing.accept_in_a_row(1)
    assert spacing.wait() == pytest.approx(1 / (4 * MOST_GROWTH), rel=0.1)


def test_accepted_requests_raise_the_rate_again(spacing: Requests) -> None:
    """After `PER_REFUSAL` of them, it is what it was before the refusal, after half not nearly."""
    spacing.accept_spaced(2)
    before = spacing.wait()
    spacing.clock.now += before
    spacing.refuse(spacing.send())
    lowered = spacing.wait()
    assert lowered > before * DECREASE
    spacing.accept_spaced(PER_REFUSAL // 2)
    assert spacing.wait() == pytest.approx(lowered * (before / lowered) ** 0.25, rel=2e-3)
    spacing.accept_spaced(PER_REFUSAL // 2)
    assert spacing.wait() == pytest.approx(before, rel=2e-3)


def test_spacing_that_does_not_help_is_given_up(spacing: Requests) -> None:
    """Requests that are refused however slowly they are sent are refused for another reason."""
    for _ in range(int(math.log2(LARGEST_STEP))):
        spacing.clock.now += 10 * WINDOW
        spacing.refuse(spacing.send())
    spacing.clock.now += ESTIMATE_LIFETIME
    spacing.accept(spacing.send())
    assert spacing.most() == 20


def test_a_larger_quota_is_found_after_the_hold_time() -> None:
    """The excess grows with time; what the API accepts is the new quota."""
    requests = Requests()
    requests.learn_quota(10)
    requests.clock.now += HOLD_TIME  # 2 seconds after its end
    allowed = 10 + int(PROBE_GROWTH**2)
    requests.accept_in_a_row(allowed)
    requests.refuse(requests.send())
    requests.clock.now += 2 * WINDOW
    requests.accept_in_a_row(allowed)
    assert requests.wait() == pytest.approx(WINDOW / (2 * allowed), abs=1e-3)
    requests.clock.now += WINDOW / (2 * allowed)
    requests.refuse(requests.send())
    assert requests.wait() == pytest.approx(WINDOW + MARGIN - WINDOW / (2 * allowed), abs=1e-3)


def test_answers_that_come_late_together_halve_the_concurrency() -> None:
    """One alone may have any cause. More are sent again after some were accepted."""
    requests = Requests(max_concurrent=8)
    requests.late(*[requests.send()])
    flight = [requests.send() for _ in range(8)]
    requests.late(*flight)
    requests.clock.now += 2 * WINDOW
    assert requests.most() == 4
    for number in (5, 6, 7, 8, 8):
        requests.accept_in_a_row(4)
        assert requests.most() == number


def test_refusals_in_a_row_pause_for_longer_each_time() -> None:
    """From the second one on, because one may have any cause. A pause is at most the window."""
    requests = Requests()
    requests.refuse(requests.send())
    pauses = []
    for _ in range(6):
        requests.refuse(requests.send())
        pauses.append(requests.wait())
        requests.clock.now += 2 * WINDOW
    expected = [*(FIRST_PAUSE * 2**n for n in range(4)), WINDOW, WINDOW]
    assert pauses == pytest.approx(expected, abs=1e-3)


def test_the_last_attempts_of_a_request_are_made_alone() -> None:
    """The most refused request goes first, and waits until nothing else is in flight."""
    requests = Requests()
    requests.accept_in_a_row(50)
    unlucky = Ticket()
    for _ in range(2):
        requests.refuse(requests.send(unlucky))
        requests.clock.now += 2 * WINDOW
        requests.accept(requests.send())
    other = requests.send()
    later = Ticket()
    assert requests.limiter.acquire(later) == 0
    assert requests.limiter.acquire(unlucky) == math.inf
    next_one = Ticket()
    assert requests.limiter.acquire(next_one) == math.inf
    requests.accept(other, later)
    assert unlucky.ready.is_set()
    requests.send(unlucky)
    assert requests.limiter.acquire(next_one) == math.inf
    requests.accept(unlucky)
    assert requests.limiter.acquire(next_one) == 0


@given(
    st.integers(1, 5),
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["accepted", "refused", "told to wait", "lost"]),
            st.floats(0, 4),
        ),
        max_size=60,
    ),
)
def test_every_request_is_sent_whatever_the_api_answers(
    at_once: int, answers: list[tuple[int, str, float]]
) -> None:
    """Never more than allowed in flight, nothing sent during a pause, and all sent in the end."""
    clock = Clock()
    limiter = AdaptiveRateLimiter(at_once, clock)
    waiting, paused_until = [Ticket() for _ in range(10)], 0.0
    in_flight: list[Ticket] = []
    script = iter(answers)
    while waiting or in_flight:
        waits = {}
        for ticket in waiting:
            if not (seconds := limiter.acquire(ticket)):
                assert clock.now >= paused_until
                in_flight.append(ticket)
            else:
                waits[ticket] = seconds
        sent = [ticket for ticket in waiting if ticket not in waits]
        waiting = list(waits)
        assert len(in_flight) <= at_once
        if sent:
            continue
        if not in_flight:
            clock.now += min(waits.values())  # infinite if all waited for each other
            assert clock.now < 1e6
            continue
        place, answer, seconds = next(script, (0, "accepted", 0.1))
        clock.now += seconds
        ticket = in_flight.pop(place % len(in_flight))
        if answer == "accepted":
            limiter.accepted(ticket)
        elif answer != "lost":
            wait = 1.5 if answer == "told to wait" else None
            limiter.refused(ticket, wait)
            paused_until = max(paused_until, clock.now + (wait or 0) - 1e-5)
            waiting.append(ticket)
        limiter.release(ticket)


def test_leaving_the_queue_makes_room_for_the_next() -> None:
    """A request that gives up at the head of the queue wakes the next one."""
    clock = Clock()
    limiter = AdaptiveRateLimiter(1, clock)
    first, second, third = Ticket(), Ticket(), Ticket()
    assert limiter.acquire(first) == 0
    assert limiter.acquire(second) == limiter.acquire(third) == math.inf
    limiter.release(second)
    limiter.accepted(first)
    limiter.release(first)
    assert third.ready.is_set()
    assert limiter.acquire(third) == 0
