#!/bin/sh
# Library: epss-client 2.0.0 and epss-py 0.1.0 (PyPI), clients of FIRST's API of EPSS
# Summary: Asked for 140 CVEs, as many as one request can have, both give 100, without an error.
# Guess: of 250 CVEs, from an API that gives 100 a page (limit 100 by default, total and offset, as FIRST documents
#   it), both have 250 scores.
# Behavior: both ask once, without limit or offset, and hand on the first page; its `total` is 140, here, as the API
#   takes 2,000 characters. epss-client passes on a `limit`, epss-py's `get` has none. epss-client's scores are text.
# Output:
#     epss-client: 100 of 140 in 1 request, a score is str
#     epss-client, limit=140: 140 of 140 in 1 request, a score is str
#     epss-py: 100 of 140 in 1 request, a score is float
# Why it matters: what has no score stands at the end of a list or counts as 0, and which CVEs those are depends on
#   the order in which they were asked for. Ask for 100 at a time, or compare with `total`.
set -eu
packages="epss-client==2.0.0 epss-py==0.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

from epss.client import EPSSClient
from epss_client import EpssClient, EpssClientConfig

CVES = [f"CVE-2026-{number:04}" for number in range(1, 141)]
requests = []


class API(BaseHTTPRequestHandler):
    def do_GET(self):
        query = {name: values[0] for name, values in parse_qs(urlparse(self.path).query).items()}
        requests.append(query)
        cves, offset, limit = query["cve"].split(","), int(query.get("offset", 0)), int(query.get("limit", 100))
        page = [
            {"cve": cve, "epss": "0.970000000", "percentile": "0.990000000", "date": "2026-11-10"}
            for cve in cves[offset:offset + limit]
        ]
        answer = {
            "status": "OK", "status-code": 200, "version": "1.0", "access": "public", "total": len(cves),
            "offset": offset, "limit": limit, "data": page,
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def show(name, scores, total):
    print(f"{name}: {len(scores)} of {total} in {len(requests)} request, a score is {type(scores[0]).__name__}")
    requests.clear()


with ThreadingHTTPServer(("127.0.0.1", 0), API) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/data/v1/epss"
    client = EpssClient(config=EpssClientConfig(base_url=url))
    for name, more in ("epss-client", {}), ("epss-client, limit=140", {"limit": 140}):
        answer = client.batch(CVES, **more)
        show(name, [row["epss"] for row in answer["data"]], answer["total"])
    EPSSClient.BASE_URL = url
    answer = EPSSClient().get(CVES)
    show("epss-py", [row.epss for row in answer.data], answer.total)
    server.shutdown()
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
