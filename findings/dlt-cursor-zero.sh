#!/bin/sh
# Library: dlt 1.31.0 (PyPI), its JSONResponseCursorPaginator
# Summary: A cursor that counts down to the number 0 ends the reading one page early; the text "0" does not.
# Guess: reading ends when the field of the cursor is missing or null, and 0 is a cursor as any other number.
# Behavior: the number 0 counts as no cursor, so the last page is not asked for, without an error. As text it is.
# Output:
#     /number [3, 2, 1]
#     /text [3, 2, 1, 0]
# Why it matters: an API whose cursor is the id or the offset to go on from, downwards, loses its last page. This
#   program has a paginator of its own.
set -eu
packages="dlt==1.31.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" - >"$dir/output" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator


class Api(BaseHTTPRequestHandler):
    """Lists rows 3 to 0, one a page; `next` names the row to go on from."""

    def do_GET(self):
        url = urlsplit(self.path)
        row = int(parse_qs(url.query).get("from", ["3"])[0])
        following = None if row == 0 else row - 1 if url.path == "/number" else str(row - 1)
        body = json.dumps({"results": [row], "next": following}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = RESTClient(f"http://127.0.0.1:{server.server_port}")
for path in ("/number", "/text"):
    pages = client.paginate(
        path, paginator=JSONResponseCursorPaginator(cursor_path="next", cursor_param="from"), data_selector="results"
    )
    print(path, [row for page in pages for row in page])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
