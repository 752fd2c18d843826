#!/bin/sh
# Library: DuckDB 1.5.5 (PyPI)
# Summary: Each window over another window doubles the time to plan a query, also of an empty table.
# Guess: eighteen windows, each over the result of the one before, take half longer to plan than twelve.
# Behavior: they take more than eight times as long, which 2.0.1 has mended. Without the optimizer filter_pushdown it is
#   less than twice as long, so it is that one which looks at what is below a window twice.
# Output:
#     with all optimizers: 18 windows take more than 8 times as long to plan as 12
#     without filter_pushdown: 18 windows take less than twice as long to plan as 12
# Why it matters: a chain of common table expressions, each with a window, may take as long to plan as to run: ours took
#   0.22 of 0.48 seconds with nine in a row. An expression that is used once is written into the query, so more of them do
#   not help; fewer windows do.
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
connection.execute("CREATE TABLE events (id INTEGER, account INTEGER)")


def seconds(windows):
    sql = "SELECT account, id, id AS x0 FROM events"
    for n in range(windows):
        window = f"SUM(x{n}) OVER (PARTITION BY account ORDER BY id) AS x{n + 1}"
        sql = f"SELECT *, {window} FROM ({sql})"
    spent = []
    for _ in range(5):
        before = time.process_time()
        connection.execute(f"EXPLAIN {sql}")
        spent.append(time.process_time() - before)
    return min(spent)


def say(said, ratio):
    if ratio > 8:
        length = "more than 8 times as long"
    else:
        length = "less than twice as long" if ratio < 2 else f"{ratio:.1f} times as long"
    print(f"{said}: 18 windows take {length} to plan as 12")


say("with all optimizers", seconds(18) / seconds(12))
connection.execute("SET disabled_optimizers = 'filter_pushdown'")
say("without filter_pushdown", seconds(18) / seconds(12))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
