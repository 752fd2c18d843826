#!/bin/sh
# Library: sqlglot 30.30.0 and duckdb 2.0.0 (PyPI)
# Summary: NUMERIC keeps three decimals, and SAFE_CAST takes "yes", '1.5' and '1_000'.
# Guess: sqlglot knows BigQuery's types: a NUMERIC keeps nine decimals, and SAFE_CAST gives NULL for what
#   BigQuery does not read.
# Behavior: NUMERIC becomes DECIMAL, which keeps three decimals in DuckDB: 0.00043, a usual EPSS score, is 0.
#   SAFE_CAST becomes TRY_CAST, which takes "yes" for true, rounds '1.5', and reads '1_000'.
# Output:
#     SELECT CAST('0.00043' AS DECIMAL), CAST(2 / 3 AS DECIMAL)
#        0.000 0.667
#     SELECT TRY_CAST('yes' AS BOOLEAN), TRY_CAST('1.5' AS BIGINT), TRY_CAST('1_000' AS BIGINT)
#        True 2 1000
# Why it matters: local stand-ins for BigQuery translate with sqlglot, and a test of such a query passes or
#   fails for the wrong reason. This program casts neither to NUMERIC nor from text to BOOL.
# Used in: local/emulator.py, tests/test_local_bigquery.py::test_values_are_those_that_bigquery_documents
set -eu
packages="sqlglot==30.30.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import duckdb
import sqlglot

for text in (
    "SELECT CAST('0.00043' AS NUMERIC), CAST(2 / 3 AS NUMERIC)",
    "SELECT SAFE_CAST('yes' AS BOOL), SAFE_CAST('1.5' AS INT64), SAFE_CAST('1_000' AS INT64)",
):
    translated = sqlglot.transpile(text, read="bigquery", write="duckdb")[0]
    print(translated)
    print("  ", *duckdb.connect().execute(translated).fetchone())
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
