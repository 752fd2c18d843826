"""The API of the benchmark: fast enough not to be the bottleneck, and it counts its requests.

It serves the four listings that are compared, with rows of the sample API. It fills in their
identifiers as it responds, so that a million rows take no memory. The other listings have the rows
of one sample account, whatever the sizes. `GET /control` returns the counts since the last
such call, and resets them.
"""

import argparse
import asyncio
import functools
import hashlib
import json
import os
import random
import re
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from sample_api import generate

TABLES = ("issues", "occurrences_issues", "scans", "targets")
"""The tables that all candidates read."""
_REQUEST = re.compile(
    rb"GET /v1/(?:(issues|scans|targets|occurrences/fixed|scans/schedules|tags|licenses)"
    rb"|issues/(\d+)/occurrences)(/?)(?:\?(\S*))? HTTP"
)
_CONTROL = b"GET /control "
_STATUS = {
    200: "OK",
    301: "Moved Permanently",
    404: "Not Found",
    429: "Too Many Requests",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
FIRST_ISSUE = 1001
WINDOW = 1.0
"""Seconds of the quota's sliding window, as in Django REST framework."""
PATIENCE = 1.0
"""Seconds after which a gateway gives up an API that serves one request at a time."""


@dataclass
class Sizes:
    """The number of rows. Occurrences are spread evenly over the issues."""

    issues: int = 1000
    occurrences: int = 3000
    scans: int = 2000
    targets: int = 1000

    def of_issue(self, issue: int) -> range:
        """Return the numbers of the occurrences of an issue, whose number starts at 0."""
        each, more = divmod(self.occurrences, self.issues)
        start = issue * each + min(issue, more)
        return range(start, start + each + (issue < more))

    def rows(self) -> dict[str, int]:
        """Return the rows of each table, which a complete read returns."""
        return dict(zip(TABLES, vars(self).values(), strict=True))

    def least_requests(self, page: int = 100) -> int:
        """Return the number of pages without overlap. An empty listing has one."""
        listings = [self.issues, self.scans, self.targets]
        listings += [len(self.of_issue(issue)) for issue in range(self.issues)]
        return sum(max(1, -(-rows // page)) for rows in listings)


@dataclass
class Seen:
    """The requests since the last look."""

    requests: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    """By status."""
    pages: Counter[bytes] = field(default_factory=Counter)
    """Pages that were served, by path and offset."""
    first: float = 0.0
    """When the first request came, in seconds on the event loop's clock."""
    last: float = 0.0
    """When the last response was sent, on the same clock."""
    by_second: Counter[tuple[int, bool]] = field(default_factory=Counter)
    """Responses by second since the first request, and whether they are refusals."""

    def figures(self) -> dict[str, Any]:
        """Return the same in JSON's types."""
        return {
            "requests": self.requests,
            "answered": self.answers[200],
            "redirected": self.answers[301],
            "refused": self.answers[429] + self.answers[503],
            "late": self.answers[504],
            "asked_twice": sum(count - 1 for count in self.pages.values()),
            "seconds": self.last - self.first,
            "by_second": [
                [self.by_second[second, False], self.by_second[second, True]]
                for second in range(int(self.last - self.first) + 1)
            ],
        }


class Api:
    """The rows, and the rules by which requests are refused."""

    def __init__(
        self,
        sizes: Sizes,
        latency: float,
        rate: int,
        retry_after: str,
        rates: str = "",
        refuse: str = "",
        evidence: int = 0,
        burst: int | None = None,
        status: int = 429,
        in_turn: bool = False,
    ) -> None:
        self.sizes = sizes
        self.latency = latency
        self.in_turn = in_turn
        self.rate = rate
        self.rates = [tuple(map(int, change.split("@"))) for change in rates.split()]
        self.refuse = refuse
        self.chance = random.Random()  # noqa: S311 - it keeps no secret
        self.burst = burst
        self.status = status
        self.retry_after = f"Retry-After: {retry_after}\r\n" if retry_after else ""
        self.seen = Seen()
        self._taken: deque[float] = deque()
        self._empty_at = self._free_at = 0.0
        account = generate(7, issues=500, targets=200, scans=300)
        occurrences = [row for rows in account.occurrences.values() for row in rows]
        if evidence:
            occurrences = occurrences[:100]
        for number, row in enumerate(occurrences):
            # As long as what a scanner quotes, and hard to compress.
            quoted = hashlib.sha512(str(number).encode()).hexdigest()
            if evidence:
                row["extra_info"] = {"evidence": (quoted * evidence)[:evidence]}
            elif row["extra_info"]:
                row["extra_info"] = row["extra_info"] | {"evidence": quoted}
        self._issues = _templates(account.issues, "occurrences")
        self._occurrences = _templates(occurrences, "occurrence_id")
        self._scans = _templates(account.scans)
        self._targets = _templates(account.targets)
        self._fixed = account.fixed
        self._further = {
            b"scans/schedules": account.schedules,
            b"tags": account.tags,
            b"licenses": [account.licenses],
        }

    def respond(self, head: bytes, now: float) -> tuple[bytes, float]:
        """Return the response to a request, given its head, and when it is sent.

        An API that serves requests in turn also serves those that its gateway has given up.
        """
        if not self.in_turn:
            return self.answer(head, now), now + self.latency
        self._free_at = max(self._free_at, now) + self.latency
        if self._free_at > now + PATIENCE:
            return self._respond(504, b"<html>Gateway Timeout</html>"), now + PATIENCE
        return self.answer(head, now), self._free_at

    def answer(self, head: bytes, now: float) -> bytes:
        """Return the response to a request, given its head."""
        while self.rates and now - self.seen.first >= self.rates[0][1]:
            self.rate = self.rates.pop(0)[0]
        if self._refuses() or (self.rate and not self._take(now)):
            self.seen.by_second[int(now - self.seen.first), True] += 1
            body = b'{"detail":"Request was throttled."}'
            return self._respond(self.status, body, self.retry_after)
        if not (match := _REQUEST.match(head)):
            return self._respond(404, b'{"detail":"Not found."}')
        listing, issue, slash, query = match.groups()
        if not slash:
            target = head.split(b" ", 2)[1].partition(b"?")[0].decode()
            where = f"Location: {target}/?{(query or b'').decode()}\r\n"
            return self._respond(301, b"", where)
        asked = dict(part.split("=") for part in (query or b"").decode().split("&") if part)
        limit, offset = min(100, int(asked.get("limit", 25))), int(asked.get("offset", 0))
        path = f"issues/{int(issue)}/occurrences/" if issue else f"{listing.decode()}/"
        self.seen.pages[f"{path}{offset}".encode()] += 1
        self.seen.by_second[int(now - self.seen.first), False] += 1
        if listing == b"occurrences/fixed" or listing in self._further:
            rows = self._further.get(listing) or self._fixed_after(asked.get("remediated_after"))
            return self._respond(200, _page(rows, limit, offset))
        return self._respond(200, self._page(path, listing, issue, limit, offset))

    def _fixed_after(self, moment: str | None) -> list[dict[str, Any]]:
        # Both have the same form, so they are in the order of time.
        return [row for row in self._fixed if row["remediated_at"] >= unquote(moment or "")]

    def _take(self, now: float) -> bool:
        """Count the request against the quota, if that has room."""
        if self.burst is not None:  # a bucket, as in nginx: its content is the time until empty
            if has_room := self._empty_at - now <= self.burst / self.rate:
                self._empty_at = max(self._empty_at, now) + 1 / self.rate
            return has_room
        while self._taken and self._taken[0] <= now - WINDOW:
            self._taken.popleft()
        if has_room := len(self._taken) < self.rate:
            self._taken.append(now)
        return has_room

    def _refuses(self) -> bool:
        """Decide whether this request is refused regardless of the quota."""
        kind, _, value = self.refuse.partition(" ")
        number = self.seen.requests
        return (
            (kind == "request" and number == int(value))
            or (kind == "every" and number % int(value) == 0)
            or (kind == "share" and self.chance.random() < float(value))
        )

    def _page(self, path: str, listing: bytes, issue: bytes, limit: int, offset: int) -> bytes:
        if issue:
            numbers = self.sizes.of_issue(int(issue) - FIRST_ISSUE)
            shown = numbers[offset : offset + limit]
            rows = [
                self._occurrences[n % len(self._occurrences)]
                % (1 + n - numbers.start, b"%d" % (10_000_000 + n))
                for n in shown
            ]
        else:
            numbers = range(getattr(self.sizes, listing.decode()))
            shown = numbers[offset : offset + limit]
            if listing == b"issues":
                rows = [
                    self._issues[n % len(self._issues)]
                    % (FIRST_ISSUE + n, b'"http://127.0.0.1/v1/issues/%d/"' % (FIRST_ISSUE + n))
                    for n in shown
                ]
            else:
                some = self._scans if listing == b"scans" else self._targets
                rows = [some[n % len(some)] % (FIRST_ISSUE + n) for n in shown]
        more = f"limit={limit}&offset={offset + limit}" if offset + limit < len(numbers) else ""
        next_page = f'"http://127.0.0.1/v1/{path}?{more}"' if more else "null"
        head = f'{{"count":{len(numbers)},"next":{next_page},"previous":null,"results":['
        return head.encode() + b",".join(rows) + b"]}"

    def _respond(self, status: int, body: bytes, header: str = "") -> bytes:
        self.seen.answers[status] += 1
        return (
            f"HTTP/1.1 {status} {_STATUS[status]}\r\nContent-Type: application/json\r\n{header}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def _page(rows: Sequence[dict[str, Any]], limit: int, offset: int) -> bytes:
    more = offset + limit < len(rows)
    return json.dumps(
        {
            "count": len(rows),
            "next": "http://127.0.0.1/v1/next" if more else None,
            "previous": None,
            "results": rows[offset : offset + limit],
        }
    ).encode()


def _templates(rows: Sequence[dict[str, Any]], *fields: str) -> list[bytes]:
    """Return the rows as JSON templates, with placeholders for `id` and the given fields."""
    marked = [{**row, "id": "@d", **dict.fromkeys(fields, "@s")} for row in rows]
    texts = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in marked]
    return [
        text.replace("%", "%%").replace('"@d"', "%d").replace('"@s"', "%s").encode()
        for text in texts
    ]


class Connection(asyncio.Protocol):
    """One client's connection. A response is one write, and asyncio sets TCP_NODELAY."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond to each complete request after the latency."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            if head.startswith(_CONTROL):
                body = json.dumps(self._api.seen.figures())
                self._api.seen = Seen()
                self._transport.write(
                    f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
                )
                continue
            api, now = self._api, self._loop.time()
            api.seen.first = api.seen.first or now
            api.seen.requests += 1
            answer, moment = api.respond(head, now)
            if moment > now:
                self._loop.call_at(moment, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: bytes) -> None:
        self._api.seen.last = self._loop.time()
        self._transport.write(answer)


async def _serve(api: Api) -> None:
    if api.rate:
        # So that it counts requests when they arrive, as on a machine of its own. Else, one of 10
        # waits some 2 ms, because other programs use the core, and is late by as much.
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    server = await asyncio.get_running_loop().create_server(
        functools.partial(Connection, api), "127.0.0.1", 0
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until terminated. The base URL is the only line on standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    for name, default in vars(Sizes()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--rate", type=int, default=0, help="requests a second; 0 sets no limit")
    parser.add_argument("--rates", default="", help='rates by second, such as "20@15 100@35"')
    parser.add_argument(
        "--burst", default="", help="requests beyond evenly spaced ones; default: a sliding window"
    )
    parser.add_argument("--status", type=int, default=429, help="of a refusal")
    parser.add_argument("--retry-after", default="", help="its Retry-After; default: none")
    parser.add_argument("--refuse", default="", help='"request 2", "every 6" or "share 0.01"')
    parser.add_argument("--evidence", type=int, default=0, help="bytes that each occurrence quotes")
    parser.add_argument("--in-turn", default="", help='"yes": one request at a time')
    parser.add_argument("--cpu", type=int, help="the core to run on; default: any")
    options = vars(parser.parse_args())
    if (cpu := options.pop("cpu")) is not None:
        os.sched_setaffinity(0, {cpu})
    latency, rate = options.pop("latency_ms") / 1000, options.pop("rate")
    names = ("retry_after", "rates", "refuse", "evidence")
    rest = {name: options.pop(name) for name in names}
    burst = options.pop("burst")
    rest |= {"burst": int(burst) if burst else None, "status": options.pop("status")}
    rest["in_turn"] = bool(options.pop("in_turn"))
    asyncio.run(_serve(Api(Sizes(**options), latency, rate, **rest)))


if __name__ == "__main__":
    main()
