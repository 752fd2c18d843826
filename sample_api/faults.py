"""Faults that real APIs have: errors, truncated bodies, HTML, delays, and rows that move."""

import asyncio
import random
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sample_api.account import Account


@dataclass
class Faults:
    """The faults, and how often they occur: a share of the requests, from 0 to 1."""

    fail: float = 0.0
    """Answers of `fail_status`."""
    fail_status: int = 503
    retry_after: int | None = None
    """Seconds in the `Retry-After` of these answers; None sends none."""
    cut: float = 0.0
    """Truncated bodies."""
    html: float = 0.0
    """HTML pages with status 200."""
    stall: float = 0.0
    """Answers that come 90 seconds late."""
    churn: float = 0.0
    """Requests before which a row of each listing is deleted and another one inserted."""
    seed: int = 0
    """The same seed gives the same faults for requests in the same order."""


@dataclass
class FaultyApi:
    """Middleware in front of the sample API that produces the faults."""

    app: ASGIApp
    account: Account
    faults: Faults
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.faults.seed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a fault, or pass the request on."""
        faults = self.faults
        answer: ASGIApp = self.app
        if self.happens(faults.churn):
            self.move_rows()
        wait = faults.retry_after
        headers = {} if wait is None else {"Retry-After": str(wait)}
        if self.happens(faults.fail):
            answer = JSONResponse({"detail": "Something failed."}, faults.fail_status, headers)
        elif self.happens(faults.html):
            answer = Response("<html>We are down for maintenance.</html>", media_type="text/html")
        elif self.happens(faults.stall):
            await asyncio.sleep(90)
        elif self.happens(faults.cut):
            await self.app(scope, receive, _cutting(send))
            return
        await answer(scope, receive, send)

    def happens(self, share: float) -> bool:
        """Decide whether a fault with this share happens now."""
        return share > 0 and self.rng.random() < share

    def move_rows(self) -> None:
        """Delete a scan and a target somewhere, and insert others like them elsewhere."""
        for rows in (self.account.scans, self.account.targets):
            if rows:
                gone = rows.pop(self.rng.randrange(len(rows)))
                self.account.last_id += 1
                rows.insert(self.rng.randint(0, len(rows)), gone | {"id": self.account.last_id})


def _cutting(send: Send) -> Send:
    """Return a `send` that sends half of the announced body."""

    async def cut(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {"type": message["type"], "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return cut
