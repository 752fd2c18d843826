#!/bin/sh
# Library: httpx 0.28.1 beside requests 2.34.2, aiohttp 3.14.5 (PyPI)
# Summary: Of a body of two gzip members httpx gives the first, without an error; requests and aiohttp give both.
# Guess: a body of two gzip members, one after the other, is decoded whole by each client, as gunzip does with
#   such a file.
# Behavior: httpx returns the first member and drops the rest, without an error, although Content-Length was
#   right. The others return both.
# Output:
#     requests b'1\n2\n'
#     aiohttp b'1\n2\n'
#     httpx b'1\n'
# Why it matters: RFC 1952 lets gzip files be concatenated, and servers that append to a compressed log or feed
#   send such bodies. The rows after the first member are lost. This program's load files are compressed as one
#   member, because which readers stop after the first is not known of all of them.
# Used in: docs/decisions.md#read-first-then-load, scanner_sync/warehouse/load_files.py,
#   tests/warehouse/test_load_files.py::test_the_file_is_one_member_of_gzip
set -eu
packages="httpx==0.28.1 requests==2.34.2 aiohttp==3.14.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import asyncio
import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import aiohttp
import httpx
import requests

BODY = gzip.compress(b"1\n") + gzip.compress(b"2\n")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


async def by_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.read()


server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
print("requests", requests.get(url).content)
print("aiohttp", asyncio.run(by_aiohttp(url)))
print("httpx", httpx.get(url, trust_env=False).content)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
