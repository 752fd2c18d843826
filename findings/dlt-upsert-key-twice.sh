#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: The first upsert of a key that comes twice adds both rows, with one `_dlt_id`; the next one that has it
#   updates both.
# Guess: with the strategy upsert, a key is in the table once, whatever a load brings, or the load is refused.
# Behavior: both rows of a key that is new are inserted, and stay. Their `_dlt_id`, which the schema declares as
#   unique, is the same. With the default strategy one of the two is loaded, and which one is left to the database.
# Output:
#     delete-insert
#       after a load with a key twice: rows 1, _dlt_id 1, statuses 1
#       after a load with it once: rows 1, _dlt_id 1, statuses 1
#     upsert
#       after a load with a key twice: rows 2, _dlt_id 1, statuses 2
#       after a load with it once: rows 2, _dlt_id 1, statuses 1
# Why it matters: pages that overlap while rows are added name a row twice, and each sum counts it twice, for as long
#   as the table exists. This program's paginator hands on each key once.
# Used in: scanner_sync/source/pagination.py,
#   tests/source/test_properties.py::test_rows_that_stay_are_read_exactly_once
set -eu
packages="dlt[duckdb]==1.31.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" - >"$dir/output" <<'END'
import os
import tempfile

import dlt

PAGES = [{"id": 1, "status": "open"}, {"id": 1, "status": "fixed"}]
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for strategy in ("delete-insert", "upsert"):
        print(strategy)
        pipeline = dlt.pipeline(
            strategy.replace("-", "_"), pipelines_dir=folder, dataset_name="scanner",
            destination=dlt.destinations.duckdb(os.path.join(folder, f"{strategy}.duckdb")),
        )
        for name, rows in (("with a key twice", PAGES), ("with it once", [{"id": 1, "status": "closed"}])):
            pipeline.run(
                rows, table_name="found", primary_key="id",
                write_disposition={"disposition": "merge", "strategy": strategy},
            )
            with pipeline.sql_client() as client:
                count = "SELECT COUNT(*), COUNT(DISTINCT _dlt_id), COUNT(DISTINCT status) FROM found WHERE id = 1"
                [[found, ids, statuses]] = client.execute_sql(count)
            print(f"  after a load {name}: rows {found}, _dlt_id {ids}, statuses {statuses}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
