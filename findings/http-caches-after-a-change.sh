#!/bin/sh
# Library: hishel 2.0.0 (PyPI; released in November 2026) and requests-cache 1.3.3 beside CacheControl 0.14.4
# Summary: After a PATCH that succeeded, the old answer of the same URL is given for as long as it is cached; hishel's
#   adapter also gives JSON to a reader that asks for CSV, and keeps what must not be stored.
# Guess: Vary is honored, and after a POST, PATCH or DELETE that succeeded the cached GET of that URL is not used any
#   more, as RFC 9111 says, by any of the three.
# Behavior: CacheControl does all of it. requests-cache honors Vary, and the rest not by default; with `cache_control`
#   no-store, too. hishel 2 follows the RFC if it is told `rfc=True`, and otherwise none of it.
# Output:
#     CacheControl: open, accepted, then accepted; for json and csv ['json', 'csv']; no-store not kept
#     requests-cache: open, accepted, then open; for json and csv ['json', 'csv']; no-store kept
#     requests-cache, cache_control: open, accepted, then open; for json and csv ['json', 'csv']; no-store not kept
#     hishel: open, accepted, then open; for json and csv ['json', 'json']; no-store kept
#     hishel, rfc: open, accepted, then accepted; for json and csv ['json', 'csv']; no-store not kept
# Why it matters: who accepts a risk by PATCH and reads the finding again writes the old status over the new one. The
#   next run finds it changed again. Do not cache what the program itself changes.
set -eu
packages="hishel[requests]==2.0.0 requests-cache==1.3.3 CacheControl==0.14.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/caches.py" <<'END'
import http.server
import threading

import cachecontrol
import hishel
import hishel.requests
import requests
import requests_cache

status, calls = ["open"], []


class API(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        calls.append(self.path)
        body, headers = {
            "/findings": (self.headers["Accept"], {"Cache-Control": "max-age=600", "Vary": "Accept"}),
            "/finding": (status[0], {"Cache-Control": "max-age=600"}),
            "/count": (f"{len(calls)}", {"Cache-Control": "no-store"}),
        }[self.path]
        self.answer(body, headers)

    def do_PATCH(self):
        status[0] = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer("", {})

    def answer(self, body, headers):
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def with_hishel(name, **settings):
    session = requests.Session()
    session.mount("http://", hishel.requests.CacheAdapter(storage=hishel.SqliteStorage(database_path=name), **settings))
    return session


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), API)
threading.Thread(target=server.serve_forever, daemon=True).start()
api = f"http://127.0.0.1:{server.server_port}"
for name, session in {
    "CacheControl": cachecontrol.CacheControl(requests.Session()),
    "requests-cache": requests_cache.CachedSession(backend="memory"),
    "requests-cache, cache_control": requests_cache.CachedSession(backend="memory", cache_control=True),
    "hishel": with_hishel("a.db"),
    "hishel, rfc": with_hishel("b.db", rfc=True),
}.items():
    status[0] = "open"
    before = session.get(f"{api}/finding").text
    session.patch(f"{api}/finding", data="accepted")
    kinds = [session.get(f"{api}/findings", headers={"Accept": kind}).text for kind in ("json", "csv")]
    counts = [session.get(f"{api}/count").text for _ in range(2)]
    print(f"{name}: {before}, accepted, then {session.get(f'{api}/finding').text}; for json and csv {kinds}; "
          f"no-store {'kept' if counts[0] == counts[1] else 'not kept'}")
END
(cd "$dir" && bin/python caches.py) >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
