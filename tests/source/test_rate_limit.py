"""How fast the API is asked: exact, on a simulated clock; and the same by the real parts."""

import asyncio
import heapq
import itertools
import math
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator

import flask.testing
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from sample_api import Account, create_app, generate, serve
from scanner_sync.check import check
from scanner_sync.source.rate_limit import AdaptiveRateLimiter, Turn
from tests.conftest import TOKEN, Dataset

Verdict = tuple[bool, float | None]
"""Whether a request is accepted, and the `Retry-After` of a refusal."""
Server = Callable[[float], Verdict]
WORKERS, AT_ONCE = 40, 20
SEEDS = range(20)


class Simulation:
    """Threads that read an API as `ApiSession` does, on a clock that nobody waits for.

    The first three requests go out alone, as the first pages of the listings do. Each way takes
    half of the latency and up to 4 ms more, so requests overtake each other.
    """

    def __init__(
        self,
        server: Server,
        requests: int,
        latency: float = 0.05,
        seed: int = 0,
        until: float = 1e9,
    ) -> None:
        self.now, self.server, self.latency = 0.0, server, latency
        self.left, self.idle = requests, WORKERS
        self.random = random.Random(seed)
        self.limiter = AdaptiveRateLimiter(AT_ONCE, self.clock)
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self.failed = self.under_way = self.most_under_way = 0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = itertools.count()
        self.start(3)
        while self.events and self.events[0][0] < until:
            moment, _, event = heapq.heappop(self.events)
            self.now = max(self.now, moment)
            event()

    def clock(self) -> float:
        """Asking takes a moment, so no two requests are sent at the same time."""
        self.now += 2e-5
        return self.now

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.now + seconds, next(self.numbers), event))

    def start(self, most: int) -> None:
        for _ in range(min(most, self.idle, self.left)):
            self.idle -= 1
            self.left -= 1
            self.step(self.worker())

    def step(self, worker: Iterator["float | tuple[Turn, float]"]) -> None:
        match next(worker, None):
            case (Turn(woken=Woken() as woken), float(seconds)):
                resume = woken.once(lambda: self.step(worker))
                if seconds < math.inf:
                    self.after(seconds, resume)
            case float(seconds):
                self.after(seconds, lambda: self.step(worker))

    def way(self) -> float:
        return self.latency / 2 + self.random.uniform(0, 0.004)

    def worker(self) -> Iterator["float | tuple[Turn, float]"]:
        while True:
            turn = Turn(Woken(self))  # type: ignore[arg-type]
            for attempt in range(4):
                while seconds := self.limiter.acquire(turn):
                    yield turn, seconds
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                yield self.way()
                accepted, retry_after = self.server(self.now)
                (self.accepted if accepted else self.refused).append(self.now)
                yield self.way()
                self.under_way -= 1
                if accepted:
                    self.limiter.accepted(turn)
                else:
                    self.limiter.refused(turn, retry_after)
                self.limiter.release(turn)
                if accepted:
                    break
                if attempt < 3 and not retry_after:
                    yield turn, 2.0 * 2**attempt * self.random.uniform(1, 1.5)
            else:
                self.failed += 1
            self.after(0, lambda: self.start(WORKERS))
            if not self.left:
                return
            self.left -= 1

    def used(self, rate: int, since: float = 0.0, until: float = math.inf) -> float:
        """The share of a quota that was used, between two moments."""
        seconds = min(until, self.accepted[-1]) - max(since, self.accepted[0])
        return sum(since <= moment < until for moment in self.accepted) / (rate * seconds)

    @property
    def share_refused(self) -> float:
        return len(self.refused) / (len(self.refused) + len(self.accepted))


class Woken:
    """Stands in for a turn's `threading.Event`: what waits for it goes on in simulated time."""

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
        """Call `go_on` when the event is set; gives what calls it before, with the same effect."""

        def resume() -> None:
            if self.waiter is resume:
                self.waiter = None
                go_on()

        self.waiter = resume
        if self.is_set:
            self.simulation.after(0, resume)
        return resume


def sliding(rate: int, retry_after: bool, *changes: tuple[float, int]) -> Server:
    """Django REST framework's throttle: so many in the last second; refusals do not count."""
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


def counting(refuse: Callable[[int], bool], retry_after: float | None = None) -> Server:
    """Refuses requests by their number, which starts at 1."""
    numbers = itertools.count(1)
    return lambda _: (False, retry_after) if refuse(next(numbers)) else (True, None)


def at_random(share: float, seed: int, otherwise: Server = lambda _: (True, None)) -> Server:
    chance = random.Random(seed)
    return lambda now: (False, None) if chance.random() < share else otherwise(now)


def seconds_without_refusals(requests: int, latency: float) -> float:
    return Simulation(lambda _: (True, None), requests, latency).now


@pytest.mark.parametrize("latency", [0.005, 0.05, 0.15, 3.0])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 30, 299])
def test_one_passing_refusal_costs_no_more_than_its_retry(latency: float, number: int) -> None:
    """300 issues take at most twice the time, and the 3 seconds that a retry may wait."""
    without = seconds_without_refusals(300, latency)
    for seed in SEEDS:
        seen = Simulation(counting(lambda n: n == number), 300, latency, seed)
        assert (len(seen.accepted), len(seen.refused), seen.failed) == (300, 1, 0)
        assert seen.now <= 2 * without + 3


@pytest.mark.parametrize("latency", [0.02, 0.05, 0.2])
def test_every_sixth_request_refused(latency: float) -> None:
    """400 issues take at most a minute, though each refusal closes the API for a second."""
    for seed in SEEDS:
        seen = Simulation(counting(lambda n: n % 6 == 0, 1), 403, latency, seed)
        assert (len(seen.accepted), seen.failed) == (403, 0)
        assert seen.now <= 60


@pytest.mark.parametrize("nth", [2, 3, 5, 7, 10])
def test_no_request_fails_for_good_while_others_succeed(nth: int) -> None:
    """Whatever the share that is refused with a `Retry-After`, four attempts are enough."""
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
    """1000 issues with all else use at least 95 % of it, with under 3 % refused."""
    for seed in SEEDS:
        seen = Simulation(sliding(100, retry_after), 1040, latency, seed)
        assert (len(seen.accepted), seen.failed) == (1040, 0)
        assert seen.used(100) >= 0.95
        assert seen.share_refused < 0.03


@pytest.mark.parametrize("retry_after", [False, True])
def test_a_quota_in_a_long_run(retry_after: bool) -> None:
    """The same holds for 300 seconds, in which it is tried again and again whether it grew."""
    for seed in range(2):
        seen = Simulation(sliding(100, retry_after), 30_000, seed=seed)
        assert seen.used(100) >= 0.95
        assert (seen.share_refused < 0.01, seen.failed) == (True, 0)


@pytest.mark.parametrize("rate", [2, 5, 20])
@pytest.mark.parametrize("retry_after", [False, True])
def test_a_quota_below_what_is_sent_at_once(rate: int, retry_after: bool) -> None:
    """At least 90 % of it is used, and no request fails for good."""
    for seed in SEEDS:
        seen = Simulation(sliding(rate, retry_after), 60 * rate, seed=seed)
        assert (len(seen.accepted), seen.failed) == (60 * rate, 0)
        assert seen.used(rate) >= 0.90


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("latency", [0.05, 0.2])
def test_a_quota_of_one_a_second(retry_after: bool, latency: float) -> None:
    """A trial account: at least 90 % of it is used, and no request fails for good."""
    for seed in SEEDS:
        seen = Simulation(sliding(1, retry_after), 100, latency, seed)
        assert (len(seen.accepted), seen.failed) == (100, 0)
        assert seen.used(1) >= 0.90


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("low", [15, 20.7, 45])
def test_a_quota_that_drops_and_comes_back(retry_after: bool, low: float) -> None:
    """From 100 to 20 a second it is followed within 10 seconds, and back within 20."""
    down, up = 20, 20 + low
    for seed in range(3):
        server = sliding(100, retry_after, (down, 20), (up, 100))
        seen = Simulation(server, 100_000, seed=seed, until=up + 35)
        assert seen.used(20, down + 10, up) >= 0.90
        assert seen.used(100, up + 20, up + 30) >= 0.90
        late = sum(down + 10 <= moment < up for moment in seen.refused)
        assert late <= 0.06 * 20 * low
        assert seen.failed == 0


def test_slow_answers_without_a_quota() -> None:
    """Answers after 3 seconds each come as fast as 20 at once allow."""
    seen = Simulation(lambda _: (True, None), 400, latency=3)
    assert (len(seen.accepted), seen.most_under_way) == (400, 20)
    assert seen.now <= 21 * 3.008  # The first three go out alone.


@pytest.mark.parametrize("quota", [False, True])
def test_random_refusals_do_not_wear_the_rate_down(quota: bool) -> None:
    """Over 10,000s of requests with 1 % refused, the last tenth is as fast as the first."""
    for seed in range(2):
        otherwise = sliding(100, False) if quota else lambda _: (True, None)
        seen = Simulation(at_random(0.01, seed, otherwise), 20_000, seed=seed)
        last = seen.accepted[-2000:]
        assert 2000 / (last[-1] - last[0]) >= (95 if quota else 300)
        assert (len(seen.accepted), seen.failed) == (20_000, 0)


@pytest.mark.parametrize("asked", [105, 110, 120])
@pytest.mark.parametrize("retry_after", [False, True])
def test_a_quota_barely_below_what_is_asked(asked: int, retry_after: bool) -> None:
    """Under 4 % are refused where 20 at once could take but little more than is allowed."""
    for seed in range(2):
        latency = AT_ONCE / asked - 0.004
        seen = Simulation(sliding(100, retry_after), 10_000, latency, seed)
        assert (seen.share_refused < 0.04, seen.failed) == (True, 0)
        assert seen.used(100) >= 0.89


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


@given(
    st.integers(1, 5),
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["accepted", "refused", "closed", "lost"]),
            st.floats(0, 4),
        ),
        max_size=60,
    ),
)
def test_whatever_is_answered_all_requests_get_their_turn(
    at_once: int, answers: list[tuple[int, str, float]]
) -> None:
    """Never more under way than allowed, nothing sent while closed, and all are sent in the end."""
    clock = Clock()
    limiter = AdaptiveRateLimiter(at_once, clock)
    waiting, closed_until = [Turn() for _ in range(10)], 0.0
    under_way: list[Turn] = []
    script = iter(answers)
    while waiting or under_way:
        waits = {}
        for turn in waiting:
            if not (seconds := limiter.acquire(turn)):
                assert clock.now >= closed_until
                under_way.append(turn)
            else:
                waits[turn] = seconds
        sent = [turn for turn in waiting if turn not in waits]
        waiting = list(waits)
        assert len(under_way) <= at_once
        if sent:
            continue
        if not under_way:
            clock.now += min(waits.values())  # Infinite if all waited for each other.
            assert clock.now < 1e6
            continue
        place, answer, seconds = next(script, (0, "accepted", 0.1))
        clock.now += seconds
        turn = under_way.pop(place % len(under_way))
        if answer == "accepted":
            limiter.accepted(turn)
        elif answer != "lost":
            wait = 1.5 if answer == "closed" else None
            limiter.refused(turn, wait)
            closed_until = max(closed_until, clock.now + (wait or 0) - 1e-5)
            waiting.append(turn)
        limiter.release(turn)


def test_who_leaves_the_queue_holds_nobody_up() -> None:
    """A request that gave up at the head of the queue makes room for the next one."""
    clock = Clock()
    limiter = AdaptiveRateLimiter(1, clock)
    first, second, third = Turn(), Turn(), Turn()
    assert limiter.acquire(first) == 0
    assert limiter.acquire(second) == limiter.acquire(third) == math.inf
    limiter.release(second)
    limiter.accepted(first)
    limiter.release(first)
    assert third.woken.is_set()
    assert limiter.acquire(third) == 0


class Held:
    """Passes requests on, the first of each path after `seconds`, as a slow API does."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self.seconds, self.seen = app, seconds, set[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in self.seen:
            self.seen.add(scope["path"])
            await asyncio.sleep(self.seconds)
        await self.app(scope, receive, send)


class RefusesOnce:
    """Answers one request of all with 429 and no `Retry-After`."""

    def __init__(self, app: ASGIApp, number: int) -> None:
        self.app, self.left = app, number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.left -= 1
        if self.left:
            await self.app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 429, "headers": []})
            await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def slow_api(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    account.targets = [{"id": n} for n in range(1, 4)]
    app = create_app(account, token=TOKEN, middleware=[Middleware(Held, 2.5)])
    with serve(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
        yield


@pytest.mark.usefixtures("slow_api")
def test_slow_answers_do_not_end_a_sync(dataset: Dataset, http: flask.testing.FlaskClient) -> None:
    """Answers that take 2.5 seconds are answers: all rows come, by one request each."""
    answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert [row["id"] for row in dataset.rows("targets")] == [1, 2, 3]
    assert answer.get_json()["requests"] == 3


@pytest.mark.usefixtures("slow_api", "dataset")
def test_slow_answers_are_fine_for_check() -> None:
    """`check` waits for them too: each thing that it tries is fine."""
    assert {result.name: result.status for result in check()} == dict.fromkeys(
        [
            "settings", "Google account", "secret", "token",
            "listings", "dataset", "BigQuery jobs", "BigQuery tables",
        ],
        "ok",
    )  # fmt: skip


def test_one_passing_refusal_of_a_real_api(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """Only the second request is refused, once: 300 issues are read as if it had not been."""
    account = generate(seed=4, issues=300, targets=1, scans=1)
    refusing = [Middleware(RefusesOnce, 2)]
    app = create_app(account, token=TOKEN, middleware=refusing, quota_per_hour=None)
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("SYNC_DEADLINE_SECONDS", "90")  # It took 499 seconds.
    with serve(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert [row["id"] for row in dataset.rows("issues")] == sorted(r["id"] for r in account.issues)
    statuses = Counter(request.status for request in app.state.requests)
    assert statuses == {200: 307, 429: 1}
