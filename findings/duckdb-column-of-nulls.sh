#!/bin/sh
# Library: duckdb 2.0.0 (PyPI; released in October 2026)
# Summary: A JSON field that is null in all rows makes a column that takes nothing but null.
# Guess: a field that is null in every line becomes a column of text (1.5 made it JSON), into which text goes
#   later.
# Behavior: the column has the type "NULL", and nothing but null ever goes into it. The table is made without a
#   warning; the insert of the first value fails.
# Output:
#     [('id', 'BIGINT'), ('snooze_reason', '"NULL"')]
#     Conversion Error: Unimplemented type for cast (VARCHAR -> "NULL")
# Why it matters: `snooze_reason` is null in a new account, until somebody snoozes something weeks later.
#   Declare the columns of what you read. This program declares all of its columns.
# Used in: scanner_sync/schema/tables.py, tests/test_sync.py::test_an_empty_account_has_its_tables
set -eu
packages="duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import os
import tempfile

import duckdb

path = os.path.join(tempfile.mkdtemp(), "issues.jsonl")
with open(path, "w") as file:
    file.write('{"id": 1, "snooze_reason": null}\n{"id": 2, "snooze_reason": null}\n')
sql = duckdb.connect()
sql.execute("CREATE TABLE issues AS SELECT * FROM read_json(?)", [path])
print([row[:2] for row in sql.execute("DESCRIBE issues").fetchall()])
os.remove(path)
os.rmdir(os.path.dirname(path))
try:
    sql.execute("INSERT INTO issues VALUES (3, 'ACCEPT_RISK')")
except duckdb.ConversionException as error:
    print(str(error).splitlines()[0])
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
