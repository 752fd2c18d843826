#!/bin/sh
# Library: aiohttp-retry 2.9.1 with aiohttp 3.14.5 beside httpx-retries 0.6.0 with httpx 0.28.1 (PyPI)
# Summary: It repeats a POST that was answered with 500 or 503, and does not repeat a GET that was answered with 429.
# Guess: only methods that may be repeated are, as with urllib3, and 429 is one of the first answers to be tried
#   again.
# Behavior: each 5xx is tried again, whatever the method, three attempts in all; 429 is handed on as the answer.
#   httpx-retries tries a GET again on 429 and 503, neither of them on 500, and no POST.
# Output:
#     aiohttp-retry, GET is sent after 429 1x, 500 3x, 503 3x
#     aiohttp-retry, POST is sent after 429 1x, 500 3x, 503 3x
#     httpx-retries, GET is sent after 429 3x, 500 1x, 503 3x
#     httpx-retries, POST is sent after 429 1x, 500 1x, 503 1x
# Why it matters: a POST that did its work before it failed does it three times: three scans, or rows that are there
#   three times. And what a limit refuses is missing, unless the status is looked at. Give it `methods`, and
#   `statuses={429}`.
set -eu
packages="aiohttp-retry==2.9.1 aiohttp==3.14.5 httpx-retries==0.6.0 httpx==0.28.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import asyncio
import collections
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from aiohttp_retry import ExponentialRetry, RetryClient
from httpx_retries import Retry, RetryTransport

requests = collections.Counter()


class Refusing(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        requests[self.command, self.path] += 1
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


async def by_aiohttp(method, url):
    async with RetryClient(retry_options=ExponentialRetry(attempts=3, start_timeout=0.01)) as client:
        async with client.request(method, url):
            pass


def by_httpx(method, url):
    with httpx.Client(transport=RetryTransport(retry=Retry(total=2, backoff_factor=0.01))) as client:
        client.request(method, url)


server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
threading.Thread(target=server.serve_forever, daemon=True).start()
for name, send in {"aiohttp-retry": lambda *call: asyncio.run(by_aiohttp(*call)), "httpx-retries": by_httpx}.items():
    requests.clear()
    for method in ("GET", "POST"):
        for status in (429, 500, 503):
            send(method, f"http://127.0.0.1:{server.server_port}/{status}")
    for method in ("GET", "POST"):
        sent = [f"{path[1:]} {count}x" for (of, path), count in requests.items() if of == method]
        print(f"{name}, {method} is sent after", ", ".join(sent))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
