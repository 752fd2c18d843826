#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.1 (PyPI)
# Summary: With `hard_delete` on a column that is no boolean, a row with `deleted: 0` or "false" is deleted; and upsert
#   inserts a row that is deleted, if it is new.
# Guess: a row with deleted 0 stays, one with 1 goes; text "false" stays.
# Behavior: of a boolean column only true deletes, of any other each value that is not NULL, also 0, "false" and "". The
#   strategy upsert deletes what it finds: a new row that says that it is deleted stays until it comes again.
# Output:
#     delete-insert, False and True: there, null; again there, null
#     delete-insert, 0 and 1: null; again null
#     delete-insert, 'false' and 'true': null; again null
#     delete-insert, '' and 'x': null; again null
#     upsert, False and True: there, null, gone; again there, null
#     upsert, 0 and 1: there, null, gone; again null
#     upsert, 'false' and 'true': there, null, gone; again null
#     upsert, '' and 'x': there, null, gone; again null
# Why it matters: SQLite and MySQL send booleans as 0 and 1, and CSV as text, so the first load has none of the rows
#   that are there, and succeeds. With upsert it has all, also those that are gone, and the second takes all away.
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

for strategy in ("delete-insert", "upsert"):
    for number, (no, yes) in enumerate(((False, True), (0, 1), ("false", "true"), ("", "x"))):
        name = f"{strategy[:6]}_{number}"
        destination = dlt.destinations.duckdb(f"{sys.argv[1]}/{name}.db")
        pipeline = dlt.pipeline(name, pipelines_dir=sys.argv[1], destination=destination)
        loads = []
        for load in range(2):
            pipeline.run(
                [{"id": "there", "deleted": no}, {"id": "gone", "deleted": yes}, {"id": "null", "deleted": None}],
                table_name="t",
                primary_key="id",
                columns={"deleted": {"hard_delete": True}},
                write_disposition={"disposition": "merge", "strategy": strategy},
            )
            with pipeline.sql_client() as client:
                loads.append(", ".join(id for [id] in client.execute_sql("SELECT id FROM t ORDER BY id DESC")))
        print(f"{strategy}, {no!r} and {yes!r}: {loads[0]}; again {loads[1]}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
