#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: A merge without a key appends, so each run adds all rows once more; with the strategy upsert it is an
#   error.
# Guess: a merge without a primary or merge key is an error, because there is nothing to merge by.
# Behavior: by default it appends. Nothing is raised, and the table has each row twice after two runs. With the
#   strategy upsert the run fails and says that the key is missing.
# Output:
#     by_default 4 rows
#     by_upsert In schema `findings`: No primary key defined for table `by_upsert`
# Why it matters: a key that is forgotten, or lost in a rename, shows as a table that grows. This program names a
#   key and `upsert` for each table.
# Used in: docs/decisions.md#one-merge-for-each-table, scanner_sync/warehouse/load_files.py,
#   tests/warehouse/test_load_files.py::test_dlt_imports_the_files
set -eu
packages="dlt[duckdb]==1.31.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import sys

import dlt

ROWS = [{"id": 1, "severity": "high"}, {"id": 2, "severity": "low"}]
folder = sys.argv[1]
pipeline = dlt.pipeline(
    "findings", pipelines_dir=folder, destination=dlt.destinations.duckdb(folder + "/a.db"), dataset_name="data"
)
for table, merge in ("by_default", "merge"), ("by_upsert", {"disposition": "merge", "strategy": "upsert"}):
    try:
        for _ in range(2):
            pipeline.run(ROWS, table_name=table, write_disposition=merge)
        with pipeline.sql_client() as client:
            print(table, client.execute_sql(f"SELECT count(*) FROM {table}")[0][0], "rows")
    except Exception as error:
        print(table, str(error.__cause__ or error).split(". ")[0])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
