#!/bin/sh
# Library: sqlglot 30.30.0 and duckdb 2.0.1 (PyPI)
# Summary: Its optimizer filters before DISTINCT ON in place of after it, so findings that are fixed by now are open.
# Guess: a condition on the result of DISTINCT ON stays outside, as it does for QUALIFY, a window function or LIMIT.
# Behavior: it is moved into the subquery, before the rows are chosen: the latest row of those that meet the condition
#   takes the place of the latest row. With QUALIFY the same question has its answer.
# Output:
#     DISTINCT ON
#       written: [(2, 10)]
#       optimized: [(1, 10), (2, 10)]
#     QUALIFY
#       written: [(2, 10)]
#       optimized: [(2, 10)]
# Why it matters: the usual way of PostgreSQL and DuckDB to ask for the latest status of each finding counts what was
#   open once. Write QUALIFY, or run the statement as it was written.
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
connection.execute(
    "CREATE TABLE history AS FROM (VALUES (1, 10, 'open'), (1, 20, 'fixed'), (2, 10, 'open'))"
    " AS h(finding, day, status)"
)
schema = {"history": {"finding": "int", "day": "int", "status": "varchar"}}
LATEST = {
    "DISTINCT ON": "SELECT DISTINCT ON (finding) * FROM history ORDER BY finding, day DESC",
    "QUALIFY": "SELECT * FROM history QUALIFY ROW_NUMBER() OVER (PARTITION BY finding ORDER BY day DESC) = 1",
}
for name, latest in LATEST.items():
    written = f"SELECT finding, day FROM ({latest}) AS latest WHERE status = 'open' ORDER BY finding"
    optimized = optimize(sqlglot.parse_one(written, read="duckdb"), schema=schema, dialect="duckdb").sql("duckdb")
    print(name)
    for kind, statement in (("written", written), ("optimized", optimized)):
        print(f"  {kind}:", connection.sql(statement).fetchall())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
