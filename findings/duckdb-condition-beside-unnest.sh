#!/bin/sh
# Library: DuckDB 1.5.5 (PyPI)
# Summary: A condition beside UNNEST makes a join of it: the tags of half of the rows take more than ten times as long
#   as those of all.
# Guess: a condition on the element, or LEFT JOIN UNNEST ... ON TRUE, unnests rows as the plan without a condition does.
#   (That a condition on another column of the table makes a join was seen before.)
# Behavior: each is a "delim join": the distinct arrays are unnested by themselves, and joined with the table by what is
#   in them. In a subquery of the table, or with UNNEST in the select list, the same condition makes none. 2.0.1 has mended
#   it for a condition on another column; the other two take as long as before.
# Output:
#     no condition: unnested, of 50000
#     on another column: joined by its arrays, of 25000; more than 10 times as long
#     on another column, in a subquery: unnested, of 25000; less than twice as long
#     on another column, in the select list: unnested, of 25000; less than twice as long
#     on the element: joined by its arrays, of 2500; more than 10 times as long
#     LEFT JOIN: joined by its arrays, of 25000; more than 10 times as long
# Why it matters: "what is open, by tag" is CROSS JOIN UNNEST(tags) WHERE closed_at IS NULL in most examples, and in most
#   SQL that is translated from BigQuery's. The rows are right, so nobody looks: ours took 39 ms instead of 1. Write the
#   condition into a subquery of the table.
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
connection.execute(
    "CREATE TABLE findings AS SELECT ['tag' || range % 20] AS tags,"
    " IF(range % 2 = 0, NULL, range) AS closed_at FROM range(50000)"
)


def seconds(sql):
    spent = []
    for _ in range(5):
        before = time.process_time()
        connection.execute(sql).fetchall()
        spent.append(time.process_time() - before)
    return min(spent)


def say(said, rows):
    sql = f"SELECT COUNT(*), MIN(tag) FROM {rows}"
    plan = connection.execute(f"EXPLAIN {sql}").fetchall()[0][1]
    [[count, _]] = connection.execute(sql).fetchall()
    how = "joined by its arrays" if "DELIM_JOIN" in plan else "unnested"
    ratio = seconds(sql) / seconds(f"SELECT COUNT(*), MIN(tag) FROM {ALL}")
    longer = "more than 10 times as long" if ratio > 10 else f"{ratio:.1f} times as long"
    longer = "less than twice as long" if ratio < 2 else longer
    print(f"{said}: {how}, of {count}" + ("" if rows == ALL else f"; {longer}"))


ALL = "findings CROSS JOIN UNNEST(tags) AS t(tag)"
is_open = "WHERE closed_at IS NULL"
say("no condition", ALL)
say("on another column", f"{ALL} {is_open}")
say(
    "on another column, in a subquery",
    f"(FROM findings {is_open}) CROSS JOIN UNNEST(tags) AS t(tag)",
)
say(
    "on another column, in the select list",
    f"(SELECT UNNEST(tags) AS tag FROM findings {is_open})",
)
say("on the element", f"{ALL} WHERE tag = 'tag1'")
say("LEFT JOIN", f"findings LEFT JOIN UNNEST(tags) AS t(tag) ON TRUE {is_open}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
