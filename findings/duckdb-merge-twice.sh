#!/bin/sh
# Library: duckdb 1.5.5, 2.0.0 and 2.0.1 (PyPI)
# Summary: A MERGE whose source has a key twice is an error in 2.0.0, and succeeds in the releases before and after.
# Guess: a MERGE whose source has two rows for one row of the target is an error, as in PostgreSQL and BigQuery.
# Behavior: 1.5.5 counts two updates, keeps one of the two values, and raises nothing. 2.0.0 raises an error, and
#   2.0.1 does as 1.5.5 again.
# Output:
#     1.5.5: 2 updated, 1 row left
#     2.0.0: InvalidInputException
#     2.0.1: 2 updated, 1 row left
# Why it matters: what a test of a MERGE proves depends on the patch release. bqemulator asks for 1.5, so duplicates
#   that BigQuery refuses pass in it. This project's local BigQuery counts the keys of a source itself.
# Used in: docs/decisions.md#every-statement-resolved-by-googles-analyzer, local/emulator.py,
#   tests/test_local_bigquery.py::test_a_merge_takes_no_key_twice
set -eu
versions="==1.5.5 ==2.0.0 ==2.0.1"
[ -z "${LATEST:-}" ] || versions="==1.5.5 ==2.0.0 >=2.0.1"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
for version in $versions; do
    "${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
        --disable-pip-version-check "duckdb$version"
    "$dir/bin/python" - "${version#??}" <<'END'
import sys

import duckdb

connection = duckdb.connect()
connection.execute("CREATE TABLE target AS SELECT 1 AS id, 'old' AS status")
connection.execute("CREATE TABLE source AS FROM (VALUES (1, 'a'), (1, 'b')) AS s(id, status)")
release = sys.argv[1]
try:
    [[updated]] = connection.execute(
        "MERGE INTO target USING source ON target.id = source.id"
        " WHEN MATCHED THEN UPDATE SET status = source.status"
    ).fetchall()
    [[left]] = connection.sql("SELECT count(*) FROM target WHERE status <> 'old'").fetchall()
    print(f"{release}: {updated} updated, {left} row left")
except duckdb.Error as error:
    print(f"{release}: {type(error).__name__}")
END
done >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
