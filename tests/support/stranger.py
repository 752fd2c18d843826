"""An API that shares no code with the sample API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.processes import answering
from tests.conftest import TOKEN


class Stranger:
    """A server written from the API's description, which shares no code with the sample API.

    It closes the connection after each answer, sends at most 40 rows a page, and its rows lack
    fields that they may lack.
    """

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.listings: dict[str, list[dict[str, Any]]] = {
            "/v1/issues/": [
                {"id": n, "title": f"Issue {n} — “ü”", "severity": "high", "snoozed": n % 2 == 0}
                for n in range(90, 0, -1)
            ],
            "/v1/scans/": [{"id": n, "status": "done"} for n in range(41)],
            "/v1/targets/": [{"id": str(n), "address": f"192.0.2.{n}"} for n in range(40)],
            "/v1/occurrences/fixed/": [
                {"id": n % 3, "occurrence_id": n // 2, "remediated_at": f"2020-01-0{n % 2 + 1}"}
                for n in range(90)
            ],
            "/v1/scans/schedules/": [{"id": n, "targets": [n]} for n in range(3)],
            "/v1/tags/": [{"name": name} for name in ("1", "1.0", "ü")],
            "/v1/licenses/": [{"total_application_licenses": 9}],
        }
        for issue in self.listings["/v1/issues/"]:
            self.listings[f"/v1/issues/{issue['id']}/occurrences/"] = [
                {"id": n, "target": f"host-{n}", "port": n} for n in range(issue["id"] % 4)
            ]

    def answer(self, url: str, token: str | None) -> tuple[int, Any]:
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        self.paths.append(path)
        if token != f"Bearer {TOKEN}":
            return 401, {"detail": "Invalid token."}
        if path not in self.listings:
            return 404, {"detail": "Not found."}
        rows = self.listings[path]
        if path == "/v1/licenses/":
            return 200, rows[0]
        offset = int(query["offset"][0])
        limit = min(int(query["limit"][0]), 40)
        following = f"http://{path}?limit={limit}&offset={offset + limit}"
        return 200, {
            "count": len(rows),
            "next": following if offset + limit < len(rows) else None,
            "previous": None,
            "results": rows[offset : offset + limit],
        }


class HeldStranger(Stranger):
    """A stranger that delays its answers until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived, self.go_on = threading.Event(), threading.Event()

    def answer(self, url: str, token: str | None) -> tuple[int, Any]:
        self.arrived.set()
        self.go_on.wait(timeout=60)
        return super().answer(url, token)


@contextmanager
def serve(stranger: Stranger) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = stranger.answer(self.path, self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with answering(Handler) as url:
        yield f"{url}/v1"
