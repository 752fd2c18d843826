"""Faults of an API, for the tests of how it is read."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Fault = Callable[[Request], ASGIApp | None]

HANG = Response()
"""A response that comes after a minute."""


class Faults:
    """Answer with what `fault` returns, if it returns something."""

    def __init__(self, app: ASGIApp, fault: Fault) -> None:
        self.app, self.fault = app, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self.fault(Request(scope)) or self.app
        if answer is HANG:
            await asyncio.sleep(60)
        await answer(scope, receive, send)
