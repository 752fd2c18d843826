"""Serve the sample API in a process of its own: `python -m benchmarks.account --issues 20000`.

It prints its base URL. `GET /sample/counts/` returns how many requests its quotas have accepted and
refused, and `POST /sample/next-day/` advances the account by a day.
"""

import argparse
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sample_api import Account, generate
from sample_api.server import CONTROL_PATH, create_app, serve

COUNTS_PATH = f"{CONTROL_PATH}counts/"
SEED = 7
JITTER = 0.01
"""Seconds that may pass between the quota's look at the clock and the one here."""


@dataclass
class Counting:
    """Note when each request was accepted."""

    app: ASGIApp
    accepted: list[float]
    window: float

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer with the counts."""
        if scope["type"] == "http" and scope["path"] == COUNTS_PATH:
            records = scope["app"].state.requests
            counts = {
                "accepted": len(self.accepted),
                "refused": sum(record.status == 429 for record in records),
                "most_in_a_window": most_in_a_window(self.accepted, self.window - JITTER),
            }
            await JSONResponse(counts)(scope, receive, send)
            return
        if scope["type"] == "http" and not scope["path"].startswith(CONTROL_PATH):
            self.accepted.append(time.monotonic())
        await self.app(scope, receive, send)


def most_in_a_window(times: Sequence[float], seconds: float) -> int:
    """Return the largest number of `times`, which are in order, in any window of `seconds`."""
    first = most = 0
    for number, now in enumerate(times):
        while times[first] <= now - seconds:
            first += 1
        most = max(most, number - first + 1)
    return most


def account_of(issues: int) -> Account:
    """Return the account that is served; the same number gives the same account."""
    return generate(SEED, issues=issues)


def main() -> None:
    """Serve until SIGTERM. The base URL is the only line on standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.account", description=__doc__)
    parser.add_argument("--issues", type=int, required=True)
    parser.add_argument("--per-hour", type=int, default=5000)
    parser.add_argument("--per-second", type=int)
    parser.add_argument("--hour-seconds", type=float, default=3600)
    options = parser.parse_args()
    # Blocked before a thread starts, so that only the wait below receives it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    app = create_app(
        account_of(options.issues),
        token="t",
        quota_per_hour=options.per_hour,
        quota_per_second=options.per_second,
        hour_seconds=options.hour_seconds,
        middleware=[Middleware(Counting, [], options.hour_seconds)],
    )
    with serve(app) as url:
        print(url, flush=True)
        signal.sigwait([signal.SIGTERM])


if __name__ == "__main__":
    main()
