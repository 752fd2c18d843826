#!/bin/sh
# Library: DuckDB 1.5.5 (PyPI)
# Summary: A FROM of eleven subqueries that have one row each takes more than ten times as long as one of twelve.
# Guess: there is nothing to choose where each side has one row, so one more subquery takes a little more time to plan.
#   (That a page of ten such parts took 24 ms to plan was seen before.)
# Behavior: up to eleven, the optimizer weighs every order of their cross joins, and each subquery more triples its time;
#   from twelve on it takes them greedily, in a twentieth of it. Scalar subqueries in the select list are the same joins.
#   The same eleven, five in one FROM and six in another, are planned at once. 2.0.1 does all this, too.
# Output:
#     11 subqueries: 1 row, more than 10 times as long as 12
#     11 scalar subqueries: 1 row, more than 10 times as long as 12
#     11 subqueries in two parts: 1 row, less than 3 times as long as 12
# Why it matters: a dashboard that asks for all of its tiles in one query looks like this, and whoever leaves out one of
#   its twelve tiles makes it slower. No row is wrong, and EXPLAIN shows the same joins.
set -eu
packages="duckdb==1.5.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import time

import duckdb

connection = duckdb.connect(config={"threads": 1})
connection.execute("CREATE TABLE findings AS SELECT range AS id FROM range(100)")


def tiles(first, last):
    return ", ".join(
        f"(SELECT COUNT(*) AS n{i} FROM findings) AS t{i}" for i in range(first, last)
    )


def measure(sql):
    spent = []
    for _ in range(7):
        before = time.process_time()
        rows = connection.execute(sql).fetchall()
        spent.append(time.process_time() - before)
    return min(spent), len(rows)


twelve, _ = measure(f"SELECT * FROM {tiles(0, 12)}")


def say(said, sql):
    seconds, rows = measure(sql)
    ratio = seconds / twelve
    longer = "more than 10" if ratio > 10 else "less than 3" if ratio < 3 else f"{ratio:.1f}"
    print(f"{said}: {rows} row, {longer} times as long as 12")


say("11 subqueries", f"SELECT * FROM {tiles(0, 11)}")
say(
    "11 scalar subqueries",
    "SELECT " + ", ".join(f"(SELECT COUNT(*) FROM findings) AS n{i}" for i in range(11)),
)
say(
    "11 subqueries in two parts",
    f"SELECT * FROM (SELECT * FROM {tiles(0, 5)}), (SELECT * FROM {tiles(5, 11)})",
)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
