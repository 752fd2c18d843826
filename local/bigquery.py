"""A local BigQuery: bqemulator, behind a proxy that mends three of its faults.

The emulator answers a statement that failed with status 200, where BigQuery answers 400; unmended,
a failed MERGE would pass for a done one. It takes one ADD COLUMN a statement, BigQuery several. And
its INFORMATION_SCHEMA does not show columns that were added, so that dlt adds them once more.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.processes import ROOT, serving


@contextmanager
def bigquery() -> Iterator[str]:
    """A local BigQuery, empty; gives its base URL, for BIGQUERY_EMULATOR_HOST."""
    command = [
        str(ROOT / ".venv-bigquery/bin/python"),
        str(ROOT / "local/emulator.py"),
        *("start", "--rest-port", "0", "--grpc-port", "0", "--log-format", "json"),
    ]
    with serving(command, {}, r'"port": (\d+), "event": "rest.listen"') as port:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _proxy(int(port)))
        thread = threading.Thread(target=server.serve_forever, name="bigquery")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _proxy(port: int) -> type[BaseHTTPRequestHandler]:
    """Passes requests on to the emulator at `port`."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The head and the body of an answer are two writes, the second of which would wait.
        disable_nagle_algorithm = True

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            is_query = self.command == "POST" and self.path.split("?")[0].endswith("/queries")
            if is_query:
                body = _add_columns_one_by_one(body)
            status, headers, answer = self.ask_emulator(body)
            if is_query:
                status, answer = _refuse_what_failed(status, answer)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def ask_emulator(self, body: bytes) -> tuple[int, HTTPMessage, bytes]:
            connection = HTTPConnection("127.0.0.1", port)
            try:
                # With the Host of this proxy, so that uploads go on through it.
                headers = dict(self.headers) | {"Content-Length": str(len(body))}
                connection.request(self.command, self.path, body, headers)
                response = connection.getresponse()
                return response.status, response.headers, response.read()
            finally:
                connection.close()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the emulator logs each request itself."""

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815 - http.server's names

    return Proxy


def _add_columns_one_by_one(body: bytes) -> bytes:
    request = json.loads(body)

    def split(alter: re.Match[str]) -> str:
        one_by_one = re.sub(r",\s*ADD COLUMN", f";\n{alter[1]}ADD COLUMN", alter[0])
        return one_by_one.replace("ADD COLUMN", "ADD COLUMN IF NOT EXISTS")

    request["query"] = re.sub(r"(ALTER TABLE \S+\s+)ADD COLUMN[^;]*", split, request["query"])
    return json.dumps(request).encode()


def _refuse_what_failed(status: int, answer: bytes) -> tuple[int, bytes]:
    errors = json.loads(answer).get("errors")
    if status != 200 or not errors:
        return status, answer
    error = {"code": 400, "message": errors[0]["message"], "errors": errors}
    return 400, json.dumps({"error": error}).encode()
