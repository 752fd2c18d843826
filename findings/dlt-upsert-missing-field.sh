#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: An upsert of a row that lacks a field sets the column to NULL.
# Guess: an upsert of a row that lacks a field leaves the value that the table has, as a PATCH would.
# Behavior: the value becomes NULL. A field that is missing and one that is null are the same.
# Output:
#     before {'id': 1, 'status': 'open', 'note': 'ours'}
#     after {'id': 1, 'status': 'closed', 'note': None}
# Why it matters: a partial answer, such as a rejected CVE record without its scores, wipes what was known, and a
#   column that another job fills in is emptied by the next load. This program mirrors what the API says now, so
#   it wants this; what has to last is in its histories.
# Used in: scanner_sync/source/__init__.py, tests/test_sync.py::test_a_second_sync_updates_in_place
set -eu
packages="dlt==1.31.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import sys

import dlt

destination = dlt.destinations.duckdb(f"{sys.argv[1]}/a.db")
pipeline = dlt.pipeline("a", pipelines_dir=sys.argv[1], destination=destination)
for when, row in (
    ("before", {"id": 1, "status": "open", "note": "ours"}),
    ("after", {"id": 1, "status": "closed"}),
):
    pipeline.run(
        [row],
        table_name="t",
        primary_key="id",
        write_disposition={"disposition": "merge", "strategy": "upsert"},
    )
    with pipeline.sql_client() as client:
        [found] = client.execute_sql("SELECT id, status, note FROM t")
    print(when, dict(zip(("id", "status", "note"), found)))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
