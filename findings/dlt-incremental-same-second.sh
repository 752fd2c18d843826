#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.1 (PyPI)
# Summary: A row that changes again within the second of the last cursor value is not loaded, then or later, if its
#   resource has a primary key.
# Guess: a row that changes again within the second of the last cursor value is loaded in the next run.
# Behavior: the keys of the rows with the highest cursor value are remembered, and a row of such a key and value is left
#   out, whatever else it has. New rows come. With `primary_key=()` for the incremental, nothing is left out.
# Output:
#     by default: 1 open
#     by default: 1 open, 2 open
#     by default: 1 open, 2 open, 3 open
#     primary_key=(): 1 open
#     primary_key=(): 1 fixed, 2 open
#     primary_key=(): 1 fixed, 2 open, 3 open
# Why it matters: times in whole seconds, or dates, are shared by two changes of a row, and a sync between the two keeps
#   the first: open where it is fixed, until the row changes again. Merge, and take the incremental's key away.
set -eu
packages="dlt==1.31.0 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import sys

import dlt

RUNS = (
    [{"id": 1, "seen": "2026-11-10T12:00:00Z", "status": "open"}],
    [
        {"id": 1, "seen": "2026-11-10T12:00:00Z", "status": "fixed"},
        {"id": 2, "seen": "2026-11-10T12:00:00Z", "status": "open"},
    ],
    [
        {"id": 1, "seen": "2026-11-10T12:00:00Z", "status": "fixed"},
        {"id": 3, "seen": "2026-11-10T12:00:01Z", "status": "open"},
    ],
)


def issues(rows, **options):
    @dlt.resource(primary_key="id", write_disposition="merge")
    def issues(seen=dlt.sources.incremental("seen", **options)):
        yield rows

    return issues


for name, options in (("by default", {}), ("primary_key=()", {"primary_key": ()})):
    destination = dlt.destinations.duckdb(f"{sys.argv[1]}/{len(options)}.db")
    pipeline = dlt.pipeline(f"p{len(options)}", pipelines_dir=sys.argv[1], destination=destination)
    for rows in RUNS:
        pipeline.run(issues(rows, **options))
        with pipeline.sql_client() as client:
            found = client.execute_sql("SELECT id, status FROM issues ORDER BY id")
        print(f"{name}: {', '.join(f'{id} {status}' for id, status in found)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
