"""The scanner's API over HTTP: paths, pages, errors and quotas."""

import asyncio
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Literal
from zlib import crc32

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sample_api import feeds, filters
from sample_api.account import Account
from sample_api.rows import Row
from sample_api.throttle import Throttle, longest_wait

BASE_PATH = "/v1"
CONTROL_PATH = "/sample/"
FEEDS_PATH = "/feeds/"
USER = "security@example.com"
Endpoint = Callable[[Request], Awaitable[Response]]
Parameter = Literal["known", "ignored", "rejected"]
"""Whether a parameter chooses rows, has no effect, or is answered with 400."""


@dataclass
class RequestRecord:
    """One request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    status: int | None
    """None until the response begins."""
    authorization: bool
    """Whether it had an ``Authorization`` header; the value is not kept."""


@dataclass
class _Gate:
    """Record every request to the API; reject a wrong token (401) and too many requests (429).

    Each throttle counts the requests with the token that it allows, whatever their method and
    status, but for 406.
    ``/health/`` and what is below ``FEEDS_PATH`` need no token and do not count.
    """

    app: ASGIApp
    requests: list[RequestRecord]
    token: str
    throttles: list[Throttle]
    send_retry_after: bool
    latency_seconds: float

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PATH):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        sent_token = "authorization" in request.headers
        query = dict(request.query_params)
        record = RequestRecord(request.method, request.url.path, query, None, sent_token)
        self.requests.append(record)

        async def send_and_record(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
            await send(message)

        await asyncio.sleep(self.latency_seconds)
        answer = self.refusal(request) or self.app
        await answer(scope, receive, send_and_record)

    def refusal(self, request: Request) -> Response | None:
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        if path == f"{BASE_PATH}/health/" or path.startswith(FEEDS_PATH):
            return None
        if not re.search(r"\*/\*|application/(\*|json)", request.headers.get("accept", "*/*")):
            return _detail(406, "Could not satisfy the request Accept header.")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _detail(401, "Invalid token.", {"WWW-Authenticate": "Bearer"})
        seconds = longest_wait(self.throttles, monotonic())
        if seconds is None:
            return None
        message = "Request was throttled."
        if not self.send_retry_after:
            return _detail(429, message)
        message += f" Expected available in {seconds} second{'s' * (seconds != 1)}."
        return _detail(429, message, {"Retry-After": str(seconds)})


def create_app(
    account: Account,
    *,
    token: str,
    quota_per_hour: int | None = 5000,
    quota_per_second: int | None = None,
    hour_seconds: float = 3600.0,
    send_retry_after: bool = True,
    since: Parameter = "known",
    remediated_after: Parameter = "known",
    snoozed: Parameter = "known",
    last_scanned_after: Parameter = "known",
    fixed_delay_days: int = 0,
    missing: Mapping[str, int] | None = None,
    schedules_in_array: bool = False,
    licenses_in_envelope: bool = False,
    max_limit: int = 100,
    default_limit: int = 25,
    latency_seconds: float = 0.0,
    middleware: Sequence[Middleware] = (),
) -> Starlette:
    """Return the API of one account, below ``/v1``. Changes to the account are served at once.

    ``app.state.requests`` lists the requests in order, each a ``RequestRecord``.
    ``POST /sample/next-day/`` advances the account by a day and returns its ``Changes``;
    ``?scanned_at=`` says when they happened. It is not part of the real API: it needs no token, and
    is neither counted nor recorded. Nor are the feeds about CVEs, ``/feeds/kev.json``,
    ``/feeds/epss.csv.gz`` and ``/feeds/cve/CVE``, which need no token and are recorded.

    Args:
        account: The rows to serve.
        token: The bearer token that is accepted.
        quota_per_hour: Requests allowed in an hour; None for no limit, 0 for an exhausted quota.
        quota_per_second: Requests allowed in a second, in the same way. Both may apply.
        hour_seconds: How long the quota's hour lasts, so that a test or benchmark need not wait.
        send_retry_after: Whether a 429 says when to try again. Not every API does.
        since: Whether the parameter ``since`` chooses rows, has no effect, or is answered with 400.
        remediated_after: The same for the parameter ``remediated_after``.
        snoozed: The same for the parameter ``snoozed``.
        last_scanned_after: The same for the parameter ``last_scanned_after``.
        fixed_delay_days: Days after ``remediated_at`` until a fix is listed, by ``account.now``.
        missing: Listings that the account's plan lacks, such as ``{"/tags/": 404}``: 403 or 404. It
            is looked up at each request, so a test may change it.
        schedules_in_array: Whether ``/scans/schedules/`` is a bare array, not pages. Clients
            disagree on it.
        licenses_in_envelope: Whether ``/licenses/`` is a page of one row, not that row.
            Clients disagree on it.
        max_limit: The largest page, whatever ``limit`` requests.
        default_limit: Rows on a page if ``limit`` is not given.
        latency_seconds: How long each response is delayed.
        middleware: For faults: it receives the requests that were let in, and its responses are
            recorded. Outermost first.

    """
    if min(max_limit, default_limit) < 1:
        raise ValueError("max_limit and default_limit must be 1 or more.")
    if hour_seconds <= 0:
        raise ValueError("hour_seconds must be more than 0.")
    lacking = {} if missing is None else missing
    parameters = {
        "since": since,
        "remediated_after": remediated_after,
        "snoozed": snoozed,
        "last_scanned_after": last_scanned_after,
    }

    def params(request: Request) -> dict[str, str]:
        # Of a repeated parameter, only the last counts.
        given = dict(request.query_params)
        for name, effect in parameters.items():
            if effect == "rejected" and name in given:
                raise filters.InvalidParameterError(name, "Unknown parameter.")
            if effect == "ignored":
                given.pop(name, None)
        return given

    def page(
        request: Request, rows: list[Row], served: Callable[[Row], Row] = lambda row: row
    ) -> Response:
        limit = min(_whole_number(request, "limit", default_limit, least=1), max_limit)
        offset = _whole_number(request, "offset", 0, least=0)

        def url(offset: int) -> str:
            return str(request.url.include_query_params(limit=limit, offset=offset))

        return JSONResponse(
            {
                "count": len(rows),
                "next": url(offset + limit) if offset + limit < len(rows) else None,
                "previous": url(max(0, offset - limit)) if offset > 0 else None,
                "results": [served(row) for row in rows[offset : offset + limit]],
            }
        )

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "authenticated_as": USER})

    async def issues(request: Request) -> Response:
        base_url = str(request.base_url.replace(path=BASE_PATH))
        rows = filters.issues(account, params(request))
        return page(request, rows, lambda row: _with_url(row, base_url))

    async def occurrences(request: Request) -> Response:
        rows = account.occurrences.get(request.path_params["issue"])
        if rows is None:
            raise HTTPException(404, "No Issue matches the given query.")
        return page(request, filters.occurrences(account, rows, params(request)))

    async def scans(request: Request) -> Response:
        return page(request, filters.scans(account, params(request)))

    async def targets(request: Request) -> Response:
        return page(request, filters.targets(account, params(request)))

    async def fixed(request: Request) -> Response:
        return page(request, filters.fixed(account, params(request), fixed_delay_days))

    async def schedules(request: Request) -> Response:
        rows = account.schedules
        return JSONResponse(rows) if schedules_in_array else page(request, rows)

    async def tags(request: Request) -> Response:
        return page(request, account.tags)

    async def licenses(request: Request) -> Response:
        row = account.licenses
        return page(request, [row]) if licenses_in_envelope else JSONResponse(row)

    async def add_slash(request: Request) -> Response:
        return RedirectResponse(request.url.replace(path=f"{request.url.path}/"), 301)

    async def next_day(request: Request) -> Response:
        scanned_at = filters.time_of(dict(request.query_params), "scanned_at")
        return JSONResponse(asdict(account.next_day(scanned_at)))

    endpoints: dict[str, Endpoint] = {
        "/health/": health,
        "/issues/": issues,
        "/issues/{issue:int}/occurrences/": occurrences,
        "/occurrences/fixed/": fixed,
        "/scans/": scans,
        "/scans/schedules/": schedules,
        "/targets/": targets,
        "/tags/": tags,
        "/licenses/": licenses,
    }
    for path, status in lacking.items():
        if path not in endpoints:
            raise ValueError(f"missing: the API has no path {path!r}.")
        if status not in {403, 404}:
            raise ValueError(f"missing: the status of {path} must be 403 or 404.")
    routes = [
        *(
            Route(BASE_PATH + path, _unless_missing(path, lacking, endpoint))
            for path, endpoint in endpoints.items()
        ),
        *(Route(BASE_PATH + path.removesuffix("/"), add_slash) for path in endpoints),
        Route(f"{CONTROL_PATH}next-day/", next_day, methods=["POST"]),
        *_feed_routes(account),
    ]
    requests: list[RequestRecord] = []
    quotas = ((quota_per_hour, hour_seconds), (quota_per_second, 1.0))
    throttles = [Throttle(quota, seconds) for quota, seconds in quotas if quota is not None]
    gate = Middleware(_Gate, requests, token, throttles, send_retry_after, latency_seconds)
    app = Starlette(
        routes=routes,
        middleware=[gate, *middleware],
        exception_handlers={
            HTTPException: _http_error,
            filters.InvalidParameterError: _invalid_parameter,
        },
    )
    # Starlette's own redirect, a 307, would also accept paths with one slash too many.
    app.router.redirect_slashes = False
    app.state.requests = requests
    return app


def _feed_routes(account: Account) -> list[Route]:
    async def kev(request: Request) -> Response:
        return _file(request, feeds.kev(account), "application/json")

    async def epss(request: Request) -> Response:
        return _file(request, feeds.epss(account), "application/gzip")

    async def record(request: Request) -> Response:
        found = feeds.record(request.path_params["cve"])
        return JSONResponse(found) if found else JSONResponse({"error": "CVE_RECORD_DNE"}, 404)

    return [
        Route(f"{FEEDS_PATH}kev.json", kev),
        Route(f"{FEEDS_PATH}epss.csv.gz", epss),
        Route(f"{FEEDS_PATH}cve/{{cve}}", record),
    ]


def _file(request: Request, content: bytes, media_type: str) -> Response:
    """Return a file, or 304 if the caller has it."""
    etag = f'"{crc32(content):08x}"'
    if request.headers.get("if-none-match") == etag:
        return Response(None, 304, {"ETag": etag})
    return Response(content, 200, {"ETag": etag}, media_type)


def _unless_missing(path: str, missing: Mapping[str, int], endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        if status := missing.get(path):
            raise HTTPException(status)
        return await endpoint(request)

    return answer


def _whole_number(request: Request, name: str, default: int, *, least: int) -> int:
    text = request.query_params.get(name, str(default))
    if not re.fullmatch("[0-9]{1,18}", text) or int(text) < least:
        raise HTTPException(400, f"{name} must be an integer, at least {least}.")
    return int(text)


def _with_url(issue: Row, base_url: str) -> Row:
    path = issue.get("occurrences")
    is_path = isinstance(path, str) and path.startswith("/")
    return issue | {"occurrences": f"{base_url}{path}"} if is_path else issue


def _detail(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"detail": detail}, status, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _detail(error.status_code, error.detail, dict(error.headers or {}))


async def _invalid_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, filters.InvalidParameterError)
    return JSONResponse({error.name: [error.problem]}, 400)


@contextmanager
def serve(app: Starlette, port: int = 0) -> Iterator[str]:
    """Serve on 127.0.0.1 in a thread; yield the base URL, such as ``http://127.0.0.1:8081/v1``.

    Port 0 takes a free port. Raises OSError if the port is in use. At the end, requests in
    progress have one second to finish.
    """
    # asyncio disables Nagle's algorithm only for sockets that name their protocol.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        # From here on connections queue, so there is no need to wait for the thread.
        listener.listen(2048)
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="sample-api")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}{BASE_PATH}"
        finally:
            server.should_exit = True
            thread.join()
