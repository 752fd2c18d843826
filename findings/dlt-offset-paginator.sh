#!/bin/sh
# Library: dlt 1.31.0 (PyPI), its REST client
# Summary: It steps by the limit and stops at an empty page, whatever the total says.
# Guess: the offset paginator reads until the offset reaches the total that the API tells.
# Behavior: it steps by the limit it asked for, whatever came, so a server that gives 7 rows for 10 loses 3 of
#   10; and it stops at the first empty page, though the total says that there are more. Neither is an error.
# Output:
#     plain 40 of 40
#     capped 28 of 40
#     filtered 10 of 30
# Why it matters: many APIs cap a page, or leave rows out after they cut it. This program has a paginator of its
#   own, which steps by the rows that came and reads pages that overlap.
# Used in: scanner_sync/source/pagination.py, tests/source/test_reading.py::test_short_pages_lose_no_row
set -eu
packages="dlt==1.31.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/read.py" <<'EOF'
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator


class Listing(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        offset = int(parse_qs(url.query)["offset"][0])
        rows = list(range(offset, min(offset + 10, 40)))
        if url.path == "/capped":
            rows = rows[:7]
        if url.path == "/filtered":
            rows = [row for row in rows if not 10 <= row < 20]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"count": 40, "results": rows}).encode())

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Listing)
Thread(target=server.serve_forever, daemon=True).start()
client = RESTClient(f"http://127.0.0.1:{server.server_port}", data_selector="results")
for path, there in (("plain", 40), ("capped", 40), ("filtered", 30)):
    pages = client.paginate(path, paginator=OffsetPaginator(limit=10, total_path="count"))
    print(path, sum(len(page) for page in pages), "of", there)
EOF
RUNTIME__DLTHUB_TELEMETRY=false "$dir/bin/python" "$dir/read.py" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
