"""Faults that real APIs have, before the sample API: refusals, cuts, lies, and rows that move."""

import asyncio
import random
from dataclasses import dataclass, field
from time import monotonic

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sample_api.account import Account


@dataclass
class Faults:
    """Which faults there are, and how often: a share of the requests, from 0 to 1."""

    fail: float = 0.0
    """Answers of `fail_status`."""
    fail_status: int = 503
    cut: float = 0.0
    """Bodies that end before they are whole."""
    html: float = 0.0
    """Answers of status 200 that are a page for people."""
    stall: float = 0.0
    """Answers that come 90 seconds late."""
    requests_per_second: int | None = None
    """Requests allowed in each second; the rest is answered 429."""
    retry_after: int | None = None
    """Seconds that a 429 asks to wait; None sends no `Retry-After`."""
    churn: float = 0.0
    """Requests before which one row of each listing is deleted and another inserted."""
    seed: int = 0
    """Same seed, same faults, for requests in the same order."""


@dataclass
class FaultyApi:
    """The middleware that makes the faults."""

    app: ASGIApp
    account: Account
    faults: Faults
    rng: random.Random = field(init=False)
    second: int = 0
    used: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.faults.seed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a fault, or pass the request on."""
        faults = self.faults
        answer: ASGIApp = self.app
        if self.happens(faults.churn):
            self.move_rows()
        if self.is_over_quota():
            wait = faults.retry_after
            headers = {} if wait is None else {"Retry-After": str(wait)}
            answer = JSONResponse({"detail": "Request was throttled."}, 429, headers)
        elif self.happens(faults.fail):
            answer = JSONResponse({"detail": "Something failed."}, faults.fail_status)
        elif self.happens(faults.html):
            answer = Response("<html>We are down for maintenance.</html>", media_type="text/html")
        elif self.happens(faults.stall):
            await asyncio.sleep(90)
        elif self.happens(faults.cut):
            await self.app(scope, receive, _cutting(send))
            return
        await answer(scope, receive, send)

    def happens(self, share: float) -> bool:
        """Whether a fault of that share happens now."""
        return share > 0 and self.rng.random() < share

    def is_over_quota(self) -> bool:
        """Whether this second's requests are used up; counts this one."""
        if self.faults.requests_per_second is None:
            return False
        if int(monotonic()) != self.second:
            self.second, self.used = int(monotonic()), 0
        self.used += 1
        return self.used > self.faults.requests_per_second

    def move_rows(self) -> None:
        """Delete a scan and a target somewhere, and insert others like them elsewhere."""
        for rows in (self.account.scans, self.account.targets):
            if rows:
                gone = rows.pop(self.rng.randrange(len(rows)))
                self.account.last_id += 1
                rows.insert(self.rng.randint(0, len(rows)), gone | {"id": self.account.last_id})


def _cutting(send: Send) -> Send:
    """Send half of the body that was announced."""

    async def cut(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {"type": message["type"], "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return cut
