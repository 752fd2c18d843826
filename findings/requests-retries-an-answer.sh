#!/bin/sh
# Library: requests 2.34.2 with urllib3 2.8.0 (PyPI)
# Summary: `max_retries=3` repeats a GET, a PUT or a DELETE that was answered with 503 if the answer has Retry-After,
#   and waits as long as that says.
# Guess: `HTTPAdapter(max_retries=3)` is for connections that fail, as its documentation says, so an answer is an
#   answer, whatever its status.
# Behavior: an answer of 413, 429 or 503 with a Retry-After is repeated three times, for every method but POST and
#   PATCH. The wait before each is the server's, and no timeout limits it. Without the header, the answer is returned at
#   once.
# Output:
#     GET, 503 without: sent 1
#     GET, 503 with Retry-After: sent 4
#     GET, 429 with Retry-After: sent 4
#     GET, 502 with Retry-After: sent 1
#     PUT, 413 with Retry-After: sent 4
#     DELETE, 503 with Retry-After: sent 4
#     POST, 503 with Retry-After: sent 1
# Why it matters: a function with ten minutes waits in a GET for an hour if a proxy says so, and a DELETE is sent four
#   times. `Retry(3, read=False, respect_retry_after_header=False)` retries connections only.
set -eu
packages="requests==2.34.2 urllib3==2.8.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from requests.adapters import HTTPAdapter


class Api(BaseHTTPRequestHandler):
    """Answers with the status of the path, and with a Retry-After if its query says so."""

    def answer(self):
        requested.append(self.path)
        path, _, after = self.path.partition("?")
        self.send_response(int(path[1:]))
        if after:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_DELETE = do_POST = answer

    def log_message(self, *arguments):
        pass


requested = []
server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
session = requests.Session()
session.mount("http://", HTTPAdapter(max_retries=3))
for method, status, after in (
    ("GET", 503, ""), ("GET", 503, "?after"), ("GET", 429, "?after"), ("GET", 502, "?after"),
    ("PUT", 413, "?after"), ("DELETE", 503, "?after"), ("POST", 503, "?after"),
):
    requested.clear()
    answer = session.request(method, f"http://127.0.0.1:{server.server_port}/{status}{after}", timeout=0.9)
    header = "with Retry-After" if after else "without"
    print(f"{method}, {answer.status_code} {header}: sent {len(requested)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
