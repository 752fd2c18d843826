#!/bin/sh
# Library: google-cloud-bigquery 3.47.0 (PyPI)
# Summary: A column of INT64 is not equal to one of INTEGER, and that is how BigQuery's API returns it.
# Guess: fields whose types are two names of one type are equal, as INT64 and INTEGER are in SQL.
# Behavior: types are compared as text, in capitals. BOOL and BOOLEAN, FLOAT64 and FLOAT, STRUCT and RECORD are
#   different, too. A table's schema as the API returns it has the older names, so it is never equal to one that was
#   declared with SQL's.
# Output:
#     INT64 INTEGER not equal
#     FLOAT64 FLOAT not equal
#     BOOL BOOLEAN not equal
#     string STRING equal
#     STRUCT RECORD not equal
# Why it matters: a comparison that is to find changed columns finds all of them. This program compares names that
#   it has translated.
# Used in: scanner_sync/warehouse/combined.py, tests/warehouse/test_combined.py::test_each_row_has_its_account
set -eu
packages="google-cloud-bigquery==3.47.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from google.cloud.bigquery import SchemaField, Table

for declared, returned in ("INT64", "INTEGER"), ("FLOAT64", "FLOAT"), ("BOOL", "BOOLEAN"), ("string", "STRING"):
    equal = SchemaField("a", declared) == SchemaField("a", returned)
    print(f"{declared} {returned} {'equal' if equal else 'not equal'}")
declared = SchemaField("a", "STRUCT", fields=[SchemaField("b", "INT64")])
returned = SchemaField("a", "RECORD", fields=[SchemaField("b", "INT64")])
print("STRUCT RECORD", "equal" if declared == returned else "not equal")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
