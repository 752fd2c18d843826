#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: `{"columns": "freeze"}` adds a column for a value of another type.
# Guess: with `schema_contract={"columns": "freeze"}` no column is added.
# Behavior: a value of another type adds one, `port__v_text`, and leaves `port` NULL. The contract holds for new
#   names only. `schema_contract="freeze"`, in one word, refuses the row.
# Output:
#     columns (1, 443, None) (2, None, 'any')
#     all refused
# Why it matters: a contract that was meant to protect a table lets its values move to a column that no query
#   reads.
# Used in: docs/decisions.md#types-are-checked-not-cast, scanner_sync/warehouse/load_files.py,
#   tests/warehouse/test_load_files.py::test_a_field_that_changes_type_is_an_error
set -eu
packages="dlt[duckdb]==1.31.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/load.py" <<'EOF'
import sys

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

for contract in ({"columns": "freeze"}, "freeze"):
    name = "all" if contract == "freeze" else "columns"
    folder = f"{sys.argv[1]}/{name}"
    database = dlt.destinations.duckdb(f"{sys.argv[1]}/{name}.duckdb")
    pipeline = dlt.pipeline(name, pipelines_dir=folder, destination=database, dataset_name="a")
    pipeline.run([{"id": 1, "port": 443}], table_name="occurrences")
    try:
        pipeline.run([{"id": 2, "port": "any"}], table_name="occurrences", schema_contract=contract)
    except PipelineStepFailed:
        print(name, "refused")
        continue
    with pipeline.sql_client() as sql:
        print(name, *sql.execute_sql("SELECT id, port, port__v_text FROM occurrences ORDER BY id"))
EOF
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" "$dir/load.py" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
