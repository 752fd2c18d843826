#!/bin/sh
# Library: dlt 1.31.0 (PyPI), its REST API source
# Summary: With `parallelized`, the rows of a parent are handed on when its last page has come.
# Guess: the rows of a dependent resource are handed on page by page, whether it is parallelized or not.
# Behavior: with `parallelized`, the rows of a parent are handed on when its last page has come. Until then, all
#   of them are in memory.
# Output:
#     not parallelized: page 1, 2 rows, page 2, 2 rows, page 3, 2 rows, page 4
#     parallelized: page 1, page 2, page 3, page 4, 2 rows, 2 rows, 2 rows
# Why it matters: one issue with 100,000 occurrences takes a gigabyte. This program's paginator hands each page to
#   a file as it comes, and dlt passes on empty pages.
# Used in: docs/decisions.md#read-first-then-load, scanner_sync/source/pagination.py,
#   tests/source/test_large_issues.py::test_each_page_is_written_before_the_next_is_requested
set -eu
packages="dlt==1.31.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from dlt.sources.rest_api import rest_api_source

events = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        offset = int(parse_qs(url.query)["offset"][0])
        is_child = url.path != "/issues"
        if is_child:
            events.append(f"page {offset // 2 + 1}")
        rows = [{"id": offset + n} for n in range(2)] if offset < (6 if is_child else 1) else []
        body = {"results": rows[: None if is_child else 1]}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
pages = {"type": "offset", "limit": 2, "total_path": None}
for parallelized in (False, True):
    events.clear()
    source = rest_api_source(
        {
            "client": {"base_url": f"http://127.0.0.1:{server.server_port}/", "paginator": pages},
            "resources": [
                {"name": "issues", "endpoint": {"path": "issues", "data_selector": "results"}},
                {
                    "name": "occurrences",
                    "parallelized": parallelized,
                    "endpoint": {"path": "issues/{resources.issues.id}/o", "data_selector": "results"},
                },
            ],
        }
    )
    rows = []
    for row in source.resources["occurrences"]:
        rows.append(row)
        if len(rows) == 2:
            events.append("2 rows")
            rows.clear()
    print("parallelized:" if parallelized else "not parallelized:", ", ".join(events))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
