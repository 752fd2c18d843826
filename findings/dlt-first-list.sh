#!/bin/sh
# Library: dlt 1.31.0 (PyPI)
# Summary: Without a `data_selector`, the rows are the first list in the answer: its warnings, its errors, or the tags
#   of a single object.
# Guess: a list under an unknown name is taken if it is the only one with objects; where two are there, it is an error
#   or a warning.
# Behavior: unless a list has one of the names that dlt knows, such as `results` or `items`, the first list wins, even
#   if it is empty or has no objects. Nothing is logged of the choice. The next answer may have its keys in another
#   order.
# Output:
#     {"issues": [{"id": 1}, {"id": 2}]} -> [{"id": 1}, {"id": 2}]
#     {"warnings": [], "issues": [{"id": 1}, {"id": 2}]} -> []
#     {"issues": [{"id": 1}, {"id": 2}], "warnings": []} -> [{"id": 1}, {"id": 2}]
#     {"errors": [{"code": "slow"}], "issues": [{"id": 1}, {"id": 2}]} -> [{"code": "slow"}]
#     {"id": 7, "tags": ["web", "prod"]} -> ["web", "prod"]
#     {"id": 7, "name": "web"} -> [{"id": 7, "name": "web"}]
#     warnings: 0
# Why it matters: the day on which an API adds `"warnings": []` before its list, the load has no rows and succeeds;
#   with "replace" the table is empty. Give `data_selector` to each endpoint.
set -eu
packages="dlt==1.31.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import http.server
import json
import logging
import os
import threading

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import SinglePagePaginator

ISSUES = [{"id": 1}, {"id": 2}]
ANSWERS = [
    {"issues": ISSUES}, {"warnings": [], "issues": ISSUES}, {"issues": ISSUES, "warnings": []},
    {"errors": [{"code": "slow"}], "issues": ISSUES}, {"id": 7, "tags": ["web", "prod"]}, {"id": 7, "name": "web"},
]


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(ANSWERS[int(self.path[1:])]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


logged = []
handler = logging.Handler(logging.WARNING)
handler.emit = logged.append
logging.getLogger("dlt").addHandler(handler)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = RESTClient(f"http://127.0.0.1:{server.server_port}", paginator=SinglePagePaginator())
for number, answer in enumerate(ANSWERS):
    rows = [row for page in client.paginate(f"/{number}") for row in page]
    print(json.dumps(answer), "->", json.dumps(rows))
print("warnings:", len(logged))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
