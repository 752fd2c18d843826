#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: An incremental cursor on times compares their text: rows are skipped where fractions or offsets are
#   spelled otherwise.
# Guess: an incremental cursor on a field of ISO 8601 times compares instants: dlt stores the column as a
#   timestamp.
# Behavior: it compares the text that came. After 00:00:00Z, a row of 00:00:00.500Z is skipped, because a point
#   sorts before a Z, and one of 00:00:01+02:00, which is two hours earlier, is loaded.
# Output:
#     run 1 ['00:00:00Z']
#     run 2 ['00:00:01+02:00']
#     the column is a TIMESTAMP WITH TIME ZONE
# Why it matters: Python's isoformat, and with it Django REST framework, leaves the fraction out when it is zero,
#   so one API sends both forms. The rows that are skipped are never asked for again. Parse the field first, or
#   let the cursor overlap. This program reads its listings whole, and asks for what was fixed from a week back.
# Used in: scanner_sync/sync.py, tests/test_fixes.py::test_an_api_that_is_late_or_deaf_gives_the_same_rows
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

DAY = "2026-01-01T"


@dlt.resource(name="scans", primary_key="id", write_disposition="append")
def scans(rows, seen=dlt.sources.incremental("seen")):
    yield rows


destination = dlt.destinations.duckdb(f"{sys.argv[1]}/a.db")
pipeline = dlt.pipeline("a", pipelines_dir=sys.argv[1], destination=destination)
loaded = set()
for number, times in enumerate((["00:00:00Z"], ["00:00:00.500Z", "00:00:01+02:00"]), 1):
    rows = [{"id": time, "seen": DAY + time} for time in times]
    pipeline.run(scans(rows))
    with pipeline.sql_client() as client:
        found = {id for [id] in client.execute_sql("SELECT id FROM scans")}
        [[kind]] = client.execute_sql("SELECT DISTINCT typeof(seen) FROM scans")
    print("run", number, sorted(found - loaded))
    loaded = found
print("the column is a", kind)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
