#!/bin/sh
# Library: dlt 1.31.0 with sqlglot 30.30.0 (PyPI)
# Summary: `pipeline.dataset()` is a TypeError; loads and `sql_client()` work.
# Guess: `pipeline.dataset()` reads what `pipeline.run()` has just loaded.
# Behavior: it is a TypeError with sqlglot 30.22 and newer, which dlt's requirements allow. Loads and
#   `sql_client()` work, so nothing fails before somebody reads.
# Output:
#     sql_client: (1,)
#     dataset: TypeError: qualify() got an unexpected keyword argument 'infer_schema'
# Why it matters: an upgrade of a package that you do not import breaks the reading of what dlt wrote. This
#   program reads with BigQuery's client.
# Used in: scanner_sync/warehouse/connection.py,
#   tests/test_requirements.py::test_the_tests_run_with_what_is_deployed
set -eu
packages="dlt[duckdb]==1.31.0 duckdb==2.0.0 sqlglot==30.30.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/load.py" <<'EOF'
import sys

import dlt

database = dlt.destinations.duckdb(sys.argv[1] + "/read.duckdb")
pipeline = dlt.pipeline("read", pipelines_dir=sys.argv[1], destination=database, dataset_name="a")
pipeline.run([{"id": 1}], table_name="issues")
with pipeline.sql_client() as sql:
    print("sql_client:", *sql.execute_sql("SELECT id FROM issues"))
try:
    print("dataset:", pipeline.dataset()["issues"].select("id").fetchall())
except TypeError as error:
    print("dataset: TypeError:", error)
EOF
RUNTIME__DLTHUB_TELEMETRY=false "$dir/bin/python" "$dir/load.py" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
