#!/bin/sh
# Library: hishel 2.0.0 (PyPI; released in November 2026) with httpx 0.28.1 beside requests-cache 1.3.3 with requests
#   2.34.2
# Summary: Its client keeps each answer of a GET, also with no-store, with an age of 0, and for all values of the
#   header that it varies by.
# Guess: a library of HTTP caching keeps what the answer allows, for as long as it says, and another answer for each
#   value of a header in Vary.
# Behavior: until 1.4.0 it does; since 2.0 this is `rfc=True`, without which the headers of an answer count for
#   nothing. requests-cache heeds Vary, and the rest with `cache_control=True` only.
# Output:
#     max-age=60
#       hishel: account a, answer 1; account a, answer 1
#       hishel, rfc=True: account a, answer 1; account a, answer 1
#       requests-cache: account a, answer 1; account a, answer 1
#       requests-cache, cache_control=True: account a, answer 1; account a, answer 1
#     max-age=0
#       hishel: account a, answer 1; account a, answer 1
#       hishel, rfc=True: account a, answer 1; account b, answer 2
#       requests-cache: account a, answer 1; account a, answer 1
#       requests-cache, cache_control=True: account a, answer 1; account b, answer 2
#     no-store
#       hishel: account a, answer 1; account a, answer 1
#       hishel, rfc=True: account a, answer 1; account b, answer 2
#       requests-cache: account a, answer 1; account a, answer 1
#       requests-cache, cache_control=True: account a, answer 1; account b, answer 2
#     max-age=60 and Vary
#       hishel: account a, answer 1; account a, answer 1
#       hishel, rfc=True: account a, answer 1; account b, answer 2
#       requests-cache: account a, answer 1; account b, answer 2
#       requests-cache, cache_control=True: account a, answer 1; account b, answer 2
# Why it matters: a daily sync reads the page of its first day for ever, and the rows of one account for another
#   where an API selects it by a header.
set -eu
packages="hishel==2.0.0 httpx==0.28.1 requests-cache==1.3.3 requests==2.34.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests_cache
from hishel import SqliteStorage
from hishel.httpx import CacheClient

ANSWERS = {
    "max-age=60": {"Cache-Control": "max-age=60"}, "max-age=0": {"Cache-Control": "max-age=0"},
    "no-store": {"Cache-Control": "no-store"},
    "max-age=60 and Vary": {"Cache-Control": "max-age=60", "Vary": "X-Account"},
}


class Scanner(BaseHTTPRequestHandler):
    """Answers with the account that was asked for and the number of the request."""

    def do_GET(self):
        headers = list(ANSWERS.values())[int(self.path[1:])]
        requested.append(self.path)
        body = f"account {self.headers['X-Account']}, answer {len(requested)}".encode()
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Scanner)
threading.Thread(target=server.serve_forever, daemon=True).start()
for number, name in enumerate(ANSWERS):
    print(name)
    with tempfile.TemporaryDirectory() as folder:
        for client, (make, options) in {
            "hishel": (CacheClient, {"storage": SqliteStorage(database_path=f"{folder}/1")}),
            "hishel, rfc=True": (CacheClient, {"storage": SqliteStorage(database_path=f"{folder}/2"), "rfc": True}),
            "requests-cache": (requests_cache.CachedSession, {"backend": "memory"}),
            "requests-cache, cache_control=True": (
                requests_cache.CachedSession, {"backend": "memory", "cache_control": True},
            ),
        }.items():
            requested = []
            url = f"http://127.0.0.1:{server.server_port}/{number}"
            with make(**options) as session:
                texts = [session.get(url, headers={"X-Account": account}).text for account in "ab"]
            print(f"  {client}:", "; ".join(texts))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
