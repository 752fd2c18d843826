#!/bin/sh
# Library: zenpy 2.0.57, of Zendesk, and pysnow 0.7.17, of ServiceNow (PyPI)
# Summary: A search for tickets since 01:30+02:00 asks Zendesk for those since 01:30Z, two hours later, and ServiceNow,
#   in `between` alone, too.
# Guess: a datetime with the zone +02:00 in a query for what is newer becomes the same instant in UTC.
# Behavior: zenpy writes the clock with a Z behind it, and logs a warning for `_between` alone; only its incremental
#   export converts. pysnow converts for `greater_than` and keeps the clock for `between`.
# Output:
#     since 2026-11-10 01:30:00+02:00, which is 1794267000
#     zenpy updated_after: type:ticket updated>2026-11-10T01:30:00Z
#       logged: search parameter 'updated_between' requires UTC time, results likely incorrect.
#       logged: search parameter 'updated_between' requires UTC time, results likely incorrect.
#     zenpy updated_between: type:ticket updated>2026-11-10T01:30:00Z updated<2026-11-11T01:30:00Z
#     zenpy incremental: 1794267000
#     pysnow greater_than: sys_updated_on>2026-11-09 23:30:00
#     pysnow between: sys_updated_onBETWEENjavascript:gs.dateGenerate("2026-11-10 01:30:00")@javascript:gs.dateGenerate("2026-11-11 01:30:00")
# Why it matters: who opens a ticket for each finding without one does not see those of the last hours and opens them
#   again, or, west of Greenwich, reads some twice. Convert to UTC before the query.
set -eu
packages="zenpy==2.0.57 pysnow==0.7.17"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" 2>&1 <<'END'
import datetime
import io
import logging
import urllib.parse

import pysnow
import requests
import zenpy


class NoTickets(requests.adapters.BaseAdapter):
    def send(self, request, **kwargs):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.url).query)
        asked.append(" ".join(query.get("query") or query["start_time"]))
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response.raw = io.BytesIO(b'{"results": [], "tickets": [], "count": 0, "next_page": null, "end_time": 1}')
        return response

    def close(self):
        pass


logging.basicConfig(format="  logged: %(message)s", level=logging.WARNING)
session = requests.Session()
session.mount("https://", NoTickets())
asked = []
client = zenpy.Zenpy(subdomain="example", email="a@example.com", token="token", session=session)
start = datetime.datetime.fromisoformat("2026-11-10T01:30:00+02:00")
end = datetime.datetime.fromisoformat("2026-11-11T01:30:00+02:00")
print(f"since {start}, which is {int(start.timestamp())}", flush=True)
for name, search in {
    "updated_after": lambda: client.search(type="ticket", updated_after=start),
    "updated_between": lambda: client.search(type="ticket", updated_between=[start, end]),
    "incremental": lambda: client.tickets.incremental(start_time=start),
}.items():
    list(search())
    print(f"zenpy {name}: {asked.pop()}", flush=True)
for name, query in {
    "greater_than": pysnow.QueryBuilder().field("sys_updated_on").greater_than(start),
    "between": pysnow.QueryBuilder().field("sys_updated_on").between(start, end),
}.items():
    print(f"pysnow {name}: {query}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
