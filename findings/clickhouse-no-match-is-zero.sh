#!/bin/sh
# Library: chdb 4.4.0 (PyPI; ClickHouse in the process) beside duckdb 2.0.1 (PyPI)
# Summary: A LEFT JOIN without a match has a score of 0, so the mean of 9.8 and two unknown is 3.27; the newest status
#   by argMax is the newest that is not NULL, and max of no rows is 0.
# Guess: a LEFT JOIN without a match gives NULL, so avg leaves it out; argMax(status, updated) of a NULL status is NULL;
#   toDate beyond its range is an error.
# Behavior: columns are not nullable unless declared, and a missing row has each type's default: 0, '' and 1970-01-01.
#   SETTINGS join_use_nulls = 1 gives NULL. Aggregates leave NULL out, argMax, too. Conversions wrap or stop at the end
#   of their type: toUInt8(300) is 44.
# Output:
#     LEFT JOIN, avg(score), count(score), min(seen): ClickHouse 3.27,3,1970-01-01; DuckDB 9.8,1,2026-11-10
#     with join_use_nulls = 1: ClickHouse 9.8,1,2026-11-10; DuckDB 9.8,1,2026-11-10
#     newest status: ClickHouse open; DuckDB NULL
#     max(score), avg(score) of no rows: ClickHouse 0,nan; DuckDB NULL,NULL
#     300 as one byte: ClickHouse 44; DuckDB NULL
#     2200-01-01 as a date: ClickHouse 2149-06-06; DuckDB 2200-01-01
# Why it matters: a report of scores, ages and owners by LEFT JOIN counts the hosts without findings as hosts with 0,
#   and their last scan is in 1970. Set join_use_nulls, and the OrNull functions (maxOrNull, toUInt8OrNull).
set -eu
packages="chdb==4.4.0 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import chdb
import duckdb

hosts = "(SELECT 1 AS host UNION ALL SELECT 2 UNION ALL SELECT 3) AS hosts"
scores = "(SELECT 1 AS host, 9.8 AS score, CAST('2026-11-10' AS DATE) AS seen) AS scores"
joined = f"FROM {hosts} LEFT JOIN {scores} ON hosts.host = scores.host"
states = "(SELECT 'open' AS status, 1 AS updated UNION ALL SELECT NULL, 2) AS states"
empty = "(SELECT 1 AS score WHERE 1 = 0) AS empty"


def show(title, query, other):
    of_clickhouse = str(chdb.query(query, "CSV")).strip().replace('"', "").replace("\\N", "NULL")
    of_duckdb = duckdb.execute(other).fetchone()
    shown = ",".join("NULL" if value is None else str(value) for value in of_duckdb)
    print(f"{title}: ClickHouse {of_clickhouse}; DuckDB {shown}")


means = f"SELECT round(avg(score), 2), count(score), min(seen) {joined}"
show("LEFT JOIN, avg(score), count(score), min(seen)", means, means.replace("avg(score)", "avg(score)::DOUBLE"))
nulls = f"{means} SETTINGS join_use_nulls = 1"
show("with join_use_nulls = 1", nulls, means.replace("avg(score)", "avg(score)::DOUBLE"))
newest = f"FROM {states}"
show("newest status", f"SELECT argMax(status, updated) {newest}", f"SELECT arg_max_null(status, updated) {newest}")
show("max(score), avg(score) of no rows", *[f"SELECT max(score), avg(score) FROM {empty}"] * 2)
show("300 as one byte", "SELECT toUInt8(300)", "SELECT TRY_CAST(300 AS UTINYINT)")
show("2200-01-01 as a date", "SELECT toDate('2200-01-01')", "SELECT DATE '2200-01-01'")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
