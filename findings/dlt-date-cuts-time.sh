#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: A time that comes into a column of dates loses its time of day without a warning.
# Guess: a column that held dates and gets a time becomes a variant column, as with any other type that does not
#   fit.
# Behavior: the time is cut off. The row holds the day, no column is added, no warning is logged, and
#   `{"columns": "freeze"}` does not stop it. The other way round a date becomes midnight in UTC.
# Output:
#     ['id', 'due']
#     (1, '2026-11-29') (2, '2026-11-30')
# Why it matters: a source that begins to send times, as most do in a later version, loses them all. Declare the
#   column as a timestamp. This program declares the type of each column.
# Used in: scanner_sync/schema/tables.py, tests/test_sync.py::test_a_sync_loads_all_rows
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
from datetime import date, datetime, timezone

import dlt

folder = sys.argv[1]
database = dlt.destinations.duckdb(folder + "/due.duckdb")
pipeline = dlt.pipeline("due", pipelines_dir=folder, destination=database, dataset_name="a")
pipeline.run([{"id": 1, "due": date(2026, 11, 29)}], table_name="issues")
later = [{"id": 2, "due": datetime(2026, 11, 30, 17, 45, tzinfo=timezone.utc)}]
pipeline.run(later, table_name="issues", schema_contract={"columns": "freeze"})
print([name for name in pipeline.default_schema.tables["issues"]["columns"] if not name.startswith("_")])
with pipeline.sql_client() as sql:
    print(*sql.execute_sql("SELECT id, due::VARCHAR FROM issues ORDER BY id"))
EOF
RUNTIME__DLTHUB_TELEMETRY=false "$dir/bin/python" "$dir/load.py" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
