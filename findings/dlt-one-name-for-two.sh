#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: Of two fields whose normalized names are equal, the later in the object wins.
# Guess: two fields whose normalized names are equal are an error, or one of them gets a number.
# Behavior: the later one in the object wins, so the value depends on the order of the keys in the JSON. The
#   other is gone without a warning.
# Output:
#     (1, 5.0) (2, 9.8)
# Why it matters: an API that renames `cvssScore` to `cvss_score` sends both for a while. This program maps each
#   field to a declared column before dlt sees it.
# Used in: docs/decisions.md#types-are-checked-not-cast, scanner_sync/warehouse/load_files.py,
#   tests/source/test_values.py::test_a_column_has_one_field_in_all_syncs
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

database = dlt.destinations.duckdb(sys.argv[1] + "/names.duckdb")
pipeline = dlt.pipeline("names", pipelines_dir=sys.argv[1], destination=database, dataset_name="a")
rows = [{"id": 1, "cvssScore": 9.8, "cvss_score": 5.0}, {"id": 2, "cvss_score": 5.0, "cvssScore": 9.8}]
pipeline.run(rows, table_name="issues")
with pipeline.sql_client() as sql:
    print(*sql.execute_sql("SELECT id, cvss_score FROM issues ORDER BY id"))
EOF
RUNTIME__DLTHUB_TELEMETRY=false "$dir/bin/python" "$dir/load.py" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
