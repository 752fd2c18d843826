#!/bin/sh
# Library: duckdb 1.5.5 (PyPI)
# Summary: One more condition beside the equality of an outer join, on the side that is kept, and each row is compared
#   with each.
# Guess: a join that has an equality is a hash join, and a further condition in ON only filters its matches.
# Behavior: so it is with a condition on the optional side of a left join. With one on the kept side, or in a full
#   join, the plan is a nested loop over all pairs of rows. The same condition as a part of the key, `IF(condition,
#   key, NULL)`, has the same rows and a hash join. DuckDB 2.0.1 has a hash join for all of them.
# Output:
#     left join, condition on the right: 4000 rows, HASH_JOIN
#     left join, condition on the left: 4000 rows, BLOCKWISE_NL_JOIN
#     full join: 6000 rows, BLOCKWISE_NL_JOIN
#     full join, condition in the key: 6000 rows, HASH_JOIN
# Why it matters: a MERGE that also handles rows without a match is an outer join, so `ON past.key = present.key AND
#   past.valid_to IS NULL` grows with the square of a history: at 64,000 rows the statement took 5.8 s of processor
#   time, and 0.25 s with the condition in the key.
# Used in: scanner_sync/warehouse/history.py, scanner_sync/warehouse/findings.sql
set -eu
packages="duckdb==1.5.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import re

import duckdb

connection = duckdb.connect()
connection.execute(
    "CREATE TABLE present AS SELECT i AS key, IF(i % 2 = 0, NULL, i) AS valid_to FROM range(4000) AS rows(i)"
)
connection.execute("CREATE TABLE past AS SELECT * FROM present")
for name, join in (
    ("left join, condition on the right", "LEFT JOIN past ON past.key = present.key AND past.valid_to IS NULL"),
    ("left join, condition on the left", "LEFT JOIN past ON past.key = present.key AND present.valid_to IS NULL"),
    ("full join", "FULL JOIN past ON past.key = present.key AND past.valid_to IS NULL"),
    ("full join, condition in the key", "FULL JOIN past ON IF(past.valid_to IS NULL, past.key, NULL) = present.key"),
):
    sql = f"SELECT COUNT(*) FROM present {join}"
    [[_, plan]] = connection.execute(f"EXPLAIN {sql}").fetchall()
    [[count]] = connection.execute(sql).fetchall()
    print(f"{name}: {count} rows, {', '.join(sorted(set(re.findall('[A-Z_]+_JOIN|[A-Z][a-z]+ Join', plan))))}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
