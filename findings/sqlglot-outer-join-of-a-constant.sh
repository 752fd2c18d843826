#!/bin/sh
# Library: sqlglot 30.30.0 and duckdb 2.0.1 (PyPI)
# Summary: Its optimizer gives the constant of an outer join's subquery to rows without a match: each finding is known
#   to be exploited.
# Guess: an optimized statement has the result of the statement that was written.
# Behavior: the subquery is merged into the join, and its constant, or its COALESCE, is calculated after the join in
#   place of before it. Rows without a match, whose column was NULL, get its value.
# Output:
#     TRUE
#       written: [(1, True), (2, None)]
#       optimized: [(1, True), (2, True)]
#     COALESCE(ransomware, 'unknown')
#       written: [(1, 'unknown'), (2, None)]
#       optimized: [(1, 'unknown'), (2, 'unknown')]
#     cve IS NOT NULL
#       written: [(1, True), (2, None)]
#       optimized: [(1, True), (2, False)]
# Why it matters: a view of what is known to be exploited marks each finding, and an anti-join by such a column, `WHERE
#   listed.value IS NULL`, has no rows. Run what was written, and use the optimizer to read statements.
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
from sqlglot.optimizer import optimize

connection = duckdb.connect()
connection.execute("CREATE TABLE found AS FROM (VALUES (1, 'CVE-2026-1001'), (2, 'CVE-2026-1002')) AS f(id, cve)")
connection.execute("CREATE TABLE kev AS FROM (VALUES ('CVE-2026-1001', NULL)) AS k(cve, ransomware)")
schema = {"found": {"id": "int", "cve": "varchar"}, "kev": {"cve": "varchar", "ransomware": "varchar"}}
for column in ("TRUE", "COALESCE(ransomware, 'unknown')", "cve IS NOT NULL"):
    written = (
        f"SELECT found.id, listed.value FROM found LEFT JOIN (SELECT cve, {column} AS value FROM kev) AS listed"
        " ON found.cve = listed.cve ORDER BY found.id"
    )
    optimized = optimize(sqlglot.parse_one(written, read="duckdb"), schema=schema, dialect="duckdb").sql("duckdb")
    print(column)
    for name, statement in (("written", written), ("optimized", optimized)):
        print(f"  {name}:", connection.sql(statement).fetchall())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
