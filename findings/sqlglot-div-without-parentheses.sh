#!/bin/sh
# Library: sqlglot 30.30.0 and duckdb 2.0.1 (PyPI)
# Summary: DIV of a sum becomes an operator without parentheses, so the middle of seven values is the seventh.
# Guess: DIV(ARRAY_LENGTH(a) - 1, 2), translated to DuckDB, is the half of one less, as in BigQuery.
# Behavior: `//` binds tighter than a minus and as tight as a product, and gets no parentheses: DIV(7 - 1, 2) becomes
#   7 - 1 // 2, and 2 * DIV(7, 2) becomes 2 * 7 // 2. MOD gets them.
# Output:
#     DIV(7 - 1, 2): 3 in BigQuery, 7 - 1 // 2 is 7
#     2 * DIV(7, 2): 6 in BigQuery, 2 * 7 // 2 is 7
#     DIV(7, 1 + 1): 3 in BigQuery, 7 // 1 + 1 is 8
#     MOD(7 - 1, 4): 2 in BigQuery, (7 - 1) % 4 is 2
# Why it matters: DIV is how a median is taken from a sorted array, and a number of whole weeks from days. It is off
#   without an error, or NULL beyond the end of the array. Write the parentheses into DIV: DIV((a - 1), 2).
set -eu
packages="sqlglot==30.30.0 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import duckdb
import sqlglot

# The values that follow from BigQuery's reference: DIV "returns the result of integer division".
for expression, value in {
    "DIV(7 - 1, 2)": 3, "2 * DIV(7, 2)": 6, "DIV(7, 1 + 1)": 3, "MOD(7 - 1, 4)": 2
}.items():
    [sql] = sqlglot.transpile(f"SELECT {expression}", read="bigquery", write="duckdb")
    [[found]] = duckdb.sql(sql).fetchall()
    print(f"{expression}: {value} in BigQuery, {sql.removeprefix('SELECT ')} is {found}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
