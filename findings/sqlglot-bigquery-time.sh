#!/bin/sh
# Library: sqlglot 30.30.0 and duckdb 1.5.5 (PyPI)
# Summary: TIMESTAMP_DIFF, EXTRACT of weeks and weekdays, UNIX_SECONDS and halves have other values in DuckDB,
#   without a warning.
# Guess: BigQuery's functions of time, and its rounding, keep their values when sqlglot translates them to DuckDB,
#   or sqlglot warns.
# Behavior: TIMESTAMP_DIFF counts the boundaries between two times for BigQuery's whole units, weeks are ISO's and
#   weekdays begin at 0, UNIX_SECONDS rounds, and a half becomes the even INT64 for BigQuery's next one away from
#   zero. No warning is given. Older releases, such as 30.11, also truncate to other weeks.
# Output:
#     TIMESTAMP_DIFF(TIMESTAMP '2026-01-02 01:00:00+00', TIMESTAMP '2026-01-01 23:00:00+00', DAY) 1, BigQuery 0
#     EXTRACT(WEEK FROM DATE '2026-01-01') 1, BigQuery 0
#     EXTRACT(DAYOFWEEK FROM DATE '2026-11-29') 0, BigQuery 1
#     UNIX_SECONDS(TIMESTAMP '1970-01-01 00:00:01.8+00') 2, BigQuery 1
#     CAST(2.5 AS INT64) 2, BigQuery 3
# Why it matters: local stand-ins for BigQuery translate with sqlglot, so a test of an age or of a weekly figure
#   passes with the wrong number, or the right one fails. BigQuery's values are those of its reference. This
#   project's local BigQuery changes those of them that bqemulator does not, before sqlglot translates them.
# Used in: docs/decisions.md#every-statement-resolved-by-googles-analyzer, local/emulator.py,
#   tests/test_local_bigquery.py::test_values_are_those_that_bigquery_documents
set -eu
packages="sqlglot==30.30.0 duckdb==1.5.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import logging

import duckdb
import sqlglot

connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
logging.basicConfig(format="warning: %(message)s")
for expression, documented in (
    (
        "TIMESTAMP_DIFF(TIMESTAMP '2026-01-02 01:00:00+00', TIMESTAMP '2026-01-01 23:00:00+00', DAY)",
        0,
    ),
    ("EXTRACT(WEEK FROM DATE '2026-01-01')", 0),
    ("EXTRACT(DAYOFWEEK FROM DATE '2026-11-29')", 1),
    ("UNIX_SECONDS(TIMESTAMP '1970-01-01 00:00:01.8+00')", 1),
    ("CAST(2.5 AS INT64)", 3),
):
    [sql] = sqlglot.transpile(f"SELECT {expression}", read="bigquery", write="duckdb")
    [[value]] = connection.sql(sql.replace("2.5", "2.5e0")).fetchall()
    print(f"{expression} {value}, BigQuery {documented}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
