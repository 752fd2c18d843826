#!/bin/sh
# Library: aiohttp 3.14.5 with yarl 1.25.1 beside requests 2.34.2, httpx 0.28.1 (PyPI)
# Summary: It sends another query than the link has: `%2C` as a comma, so a value with a comma becomes two, and `%2F`
#   and `%3A` as what they stand for.
# Guess: the link to the next page, which an API has built, is requested as it is spelled.
# Behavior: aiohttp decodes what may stand in a query without encoding, also where that separates values. requests
#   decodes letters, digits and `-._~`, which means the same. httpx sends what it was given. `URL(link,
#   encoded=True)` of yarl keeps the link.
# Output:
#     tags=web%2Cdmz,prod
#       aiohttp: tags=web,dmz,prod
#         tags: ['web', 'dmz', 'prod']
#       requests: as it is spelled
#         tags: ['web,dmz', 'prod']
#       httpx: as it is spelled
#         tags: ['web,dmz', 'prod']
#       aiohttp, encoded: as it is spelled
#         tags: ['web,dmz', 'prod']
#     cursor=2026-11-10T12%3A00%3A00%2B00%3A00%2F7
#       aiohttp: cursor=2026-11-10T12:00:00%2B00:00/7
#       requests: as it is spelled
#       httpx: as it is spelled
#       aiohttp, encoded: as it is spelled
#     name=%2Daudit%5F1
#       aiohttp: name=-audit_1
#       requests: name=-audit_1
#       httpx: as it is spelled
#       aiohttp, encoded: as it is spelled
# Why it matters: `tags=web%2Cdmz,prod` names two tags, and the answer has the rows of three; a cursor or a signature
#   that is compared as text is refused by one client only.
set -eu
packages="aiohttp==3.14.5 yarl==1.25.1 requests==2.34.2 httpx==0.28.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import aiohttp
import httpx
import requests
import yarl


class Scanner(BaseHTTPRequestHandler):
    """Keeps what it is asked for."""

    def do_GET(self):
        asked.append(self.path.partition("?")[2])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


async def by_aiohttp(link):
    async with aiohttp.ClientSession() as session, session.get(link):
        pass


asked = []
server = ThreadingHTTPServer(("127.0.0.1", 0), Scanner)
threading.Thread(target=server.serve_forever, daemon=True).start()
for query in ("tags=web%2Cdmz,prod", "cursor=2026-11-10T12%3A00%3A00%2B00%3A00%2F7", "name=%2Daudit%5F1"):
    print(query)
    link = f"http://127.0.0.1:{server.server_port}/issues/?{query}"
    for name, send in {
        "aiohttp": lambda: asyncio.run(by_aiohttp(link)),
        "requests": lambda: requests.get(link),
        "httpx": lambda: httpx.get(link),
        "aiohttp, encoded": lambda: asyncio.run(by_aiohttp(yarl.URL(link, encoded=True))),
    }.items():
        send()
        sent = asked.pop()
        print(f"  {name}:", "as it is spelled" if sent == query else sent)
        if query.startswith("tags"):
            print("    tags:", [unquote(tag) for tag in sent.removeprefix("tags=").split(",")])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
