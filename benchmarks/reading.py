"""Measure how fast each candidate reads the API, at different latencies and quotas."""

import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.candidates import (
    CDK,
    CDK_20,
    GUIDE,
    GUIDE_PARALLEL,
    LOOP,
    OURS,
    Api,
    Run,
    api,
    run,
    run_process,
)
from benchmarks.server import Sizes

AT_ONCE = 20
WAITING = 4
"""Scenarios that nearly always wait, and are measured at the same time."""
RATE = 100
"""Requests a second that the quota allows, if there is one."""
MANY = Sizes(issues=2000, occurrences=100_000, scans=100, targets=100)


@dataclass(frozen=True)
class Scenario:
    """An API, and the candidates that read it."""

    name: str
    api: Api
    candidates: Sequence[str]

    @property
    def waits(self) -> bool:
        """Tell whether a run waits nearly all the time, so that others can go on meanwhile."""
        return self.api.in_turn != "" or 0 < self.api.rate <= LOW

    @property
    def limit(self) -> float:
        """Return the minimum of seconds with this many concurrent requests."""
        return self.api.sizes.least_requests() * self.api.latency_ms / 1000 / AT_ONCE


SCENARIOS = [
    Scenario("50 ms", Api(latency_ms=50), (OURS, CDK_20, CDK, GUIDE_PARALLEL, GUIDE)),
    Scenario("200 ms", Api(latency_ms=200), (OURS, CDK_20)),
    Scenario("100 a second", Api(latency_ms=50, rate=RATE), (OURS, CDK_20)),
    Scenario(
        "100 a second, Retry-After",
        Api(latency_ms=50, rate=RATE, retry_after="1"),
        (OURS, CDK_20),
    ),
    Scenario(
        "100 000 occurrences, 0 ms",
        Api(sizes=MANY),
        (OURS, CDK_20),
    ),
]
PASSING, SIXTH, SHARE = "request 2", "every 6", "share 0.01"
IN_TURN = 5
"""Requests a second of an API that serves one at a time."""
DROP, RETURN, LOW = 15, 40, 20
"""Seconds after which a quota of `RATE` drops to `LOW`, and after which it returns."""


def _few(issues: int) -> Sizes:
    return Sizes(issues=issues, occurrences=3 * issues, scans=100, targets=100)


def _alone(name: str, api: Api) -> Scenario:
    return Scenario(name, api, (OURS,))


LIMITS = [
    _alone("300 issues, nothing refused", Api(latency_ms=50, sizes=_few(300))),
    _alone("300 issues, request 2 refused once", Api(50, sizes=_few(300), refuse=PASSING)),
    _alone(
        "400 issues, every 6th request refused, Retry-After",
        Api(50, retry_after="1", sizes=_few(400), refuse=SIXTH),
    ),
    _alone("1000 issues, nothing refused", Api(50, sizes=Sizes())),
    _alone("1000 issues, 1 % refused at random", Api(50, sizes=Sizes(), refuse=SHARE)),
    *(
        _alone(f"{name}{hint}", Api(50, rate, rates, after, sizes=sizes))
        for name, rate, rates, sizes in (
            ("1000 issues, 100 a second", RATE, "", Sizes()),
            ("60 issues, 1 a second", 1, "", _few(60)),
            (
                f"{RATE} a second, {LOW} from second {DROP} to {RETURN}",
                RATE,
                f"{LOW}@{DROP} {RATE}@{RETURN}",
                _few(5000),
            ),
        )
        for hint, after in (("", ""), (", Retry-After", "1"))
    ),
    *(
        _alone(
            f"2000 issues, {rate} a second evenly spaced, {burst or 'no'} more at once{hint}",
            Api(50, rate, retry_after=after, sizes=_few(2000), burst=burst, status=status),
        )
        for rate, burst, status, hint, after in (
            (LOW, 0, 429, "", ""),
            (LOW, 0, 503, ", as 503", ""),
            (LOW, 5, 429, "", ""),
            (LOW, 5, 429, ", Retry-After", "1"),
            (LOW, 20, 429, "", ""),
            (LOW, 40, 429, "", ""),
            (RATE, 10, 429, "", ""),
        )
    ),
    _alone(
        f"200 issues, {IN_TURN} a second served in turn, others 504 after 1 s",
        Api(1000 / IN_TURN, sizes=_few(200), in_turn="yes"),
    ),
    _alone("200 issues, answers after 3 s", Api(3000, sizes=_few(200))),
]
"""Scenarios for the rate limiter, which have their own section of `RESULTS.md`."""
WORK = [
    Scenario(
        f"{issues} issues with {occurrences} occurrences",
        Api(sizes=Sizes(issues, occurrences, scans=1, targets=1)),
        (OURS, LOOP, CDK_20, GUIDE_PARALLEL),
    )
    for issues, occurrences in ((20, 60), (2000, 6000), (1000, 50_000))
]
"""What the processor time of a request and of a row follows from: see `work`."""
Runs = dict[tuple[str, str], list[Run]]
"""Runs by name of the scenario and candidate."""


def measure(
    scenarios: Sequence[Scenario], repetitions: int, advance: Callable[[str], None]
) -> Runs:
    """Run them in turns, so that other load on the machine affects all of them equally.

    Those that nearly always wait run at the same time, `WAITING` of them.
    """
    found: Runs = {(s.name, c): [] for s in scenarios for c in s.candidates}

    def measure_one(scenario: Scenario) -> None:
        for candidate in scenario.candidates:
            advance(f"{scenario.name}: {candidate}")
            found[scenario.name, candidate].append(run(candidate, scenario.api))

    for _ in range(repetitions):
        for scenario in scenarios:
            if not scenario.waits:
                measure_one(scenario)
        with ThreadPoolExecutor(WAITING) as pool:
            list(pool.map(measure_one, (s for s in scenarios if s.waits)))
    return found


def ceiling(repetitions: int) -> dict[str, list[float]]:
    """Measure the requests a second that the server can answer, with small and large pages."""
    found: dict[str, list[float]] = {}
    for name, sizes in (("3 rows a page", Sizes()), ("50 rows a page", MANY)):
        with api(Api(sizes=sizes)) as url:
            command = [sys.executable, "-m", "benchmarks.ceiling", url, str(sizes.issues)]
            found[name] = [float(run_process(command, {})[0]) for _ in range(repetitions)]
    return found


def share_of_allowed(measured: Run, rate: int = RATE) -> float:
    """Return the share of the quota that was used between the first and the last request."""
    return float(measured.api["answered"] / (rate * measured.api["seconds"]))


def share_refused(measured: Run) -> float:
    """Return the share of requests that were refused."""
    return float(measured.api["refused"] / max(1, measured.api["requests"]))


def seconds_to_follow(measured: Run, change: int, allowed: int) -> int:
    """Return the seconds after a change until, for 3 s, 90 % is used and at most 10 % refused."""
    by_second = measured.api["by_second"]
    for second in range(change, len(by_second) - 3):
        answered, refused = map(sum, zip(*by_second[second : second + 3], strict=True))
        if answered >= 0.9 * 3 * allowed and refused <= 0.1 * (answered + refused):
            return second - change
    return len(by_second)


def rows_a_second(measured: Run) -> float:
    """Return the rows of all tables that were read and normalized in a second."""
    return sum(MANY.rows().values()) / measured.prepared


def work(runs: Runs, candidate: str) -> tuple[float, float]:
    """Return the processor time that a candidate takes for each request, and for each row, in s.

    The smallest of `WORK` shows what a process takes in any case. NaN if a run failed.
    """
    seconds, requests, rows = (
        [median(runs[s.name, candidate], figure) for s in WORK]
        for figure in (
            lambda run: run.figures["processor"],
            lambda run: run.api["requests"],
            lambda run: sum(run.figures["rows"].values()),
        )
    )
    (s1, s2), (q1, q2), (r1, r2) = (
        (values[1] - values[0], values[2] - values[0]) for values in (seconds, requests, rows)
    )
    both = q1 * r2 - q2 * r1
    return (s1 * r2 - s2 * r1) / both, (q1 * s2 - q2 * s1) / both


def median(runs: Sequence[Run], figure: Callable[[Run], float]) -> float:
    """Return the median of a figure; NaN if a run failed or lost rows."""
    if not runs or any(r.lost for r in runs):
        return float("nan")
    return statistics.median(map(figure, runs))
