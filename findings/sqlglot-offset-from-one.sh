#!/bin/sh
# Library: sqlglot 30.30.0 and duckdb 2.0.1 (PyPI)
# Summary: Translated from BigQuery to DuckDB, WITH OFFSET counts from 1 in place of 0, `FORMAT('%05d', 42)` is the text
#   `%05d`, and SUBSTR from 0 has a letter less.
# Guess: GREATEST, CONCAT, REGEXP_EXTRACT, SPLIT, SUBSTR, DATE_DIFF and others, written for BigQuery, have in DuckDB the
#   values that BigQuery documents.
# Behavior: most do, among them GREATEST, CONCAT and REGEXP_EXTRACT with NULL. WITH OFFSET becomes WITH ORDINALITY,
#   which counts from 1; FORMAT stays, which in DuckDB knows `{}` only; SUBSTR stays, too. No warning is given, also not
#   if what is unsupported is to raise.
# Output:
#     SELECT cve FROM UNNEST(['a', 'b']) WITH ORDINALITY AS _t0(cve, place) WHERE place = 0
#       no row, BigQuery a
#     SELECT MAX(place) FROM UNNEST(['a', 'b']) WITH ORDINALITY AS _t0(cve, place)
#       2, BigQuery 1
#     SELECT FORMAT('%05d', 42)
#       %05d, BigQuery 00042
#     SELECT SUBSTRING('abcdef', 0, 2)
#       a, BigQuery ab
# Why it matters: local stand-ins for BigQuery translate with sqlglot. `place = 0` finds no row there, and `place = 1`
#   the first element, which is BigQuery's second: "the first CVE of a finding" is tried with another one and passes.
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

for query, by_bigquery in (
    ("SELECT cve FROM UNNEST(['a', 'b']) AS cve WITH OFFSET AS place WHERE place = 0", "a"),
    ("SELECT MAX(place) FROM UNNEST(['a', 'b']) AS cve WITH OFFSET AS place", "1"),
    ("SELECT FORMAT('%05d', 42)", "00042"),
    ("SELECT SUBSTR('abcdef', 0, 2)", "ab"),
):
    [translated] = sqlglot.transpile(query, "bigquery", "duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)
    rows = duckdb.sql(translated).fetchall()
    print(translated)
    print(f"  {rows[0][0] if rows else 'no row'}, BigQuery {by_bigquery}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
