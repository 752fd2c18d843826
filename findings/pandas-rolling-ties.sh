#!/bin/sh
# Library: pandas 3.1.1 beside polars 2.1.0 and duckdb 2.0.0 (PyPI)
# Summary: In a rolling window of days, rows of one day have different sums, by the order in which they stand; only the
#   last one has that of the day.
# Guess: rows of one time have one window, so one value, as RANGE has it in SQL.
# Behavior: the window ends at the row, not at its time: of three rows of one day, the first one's window has itself
#   only, the third one's all three. polars and duckdb have the whole day in each.
# Output:
#     risks of 1, 1, 1, 5 and 9 November: 1 2 4 8 16
#       pandas: sum 1 3 7 15 24 - highest 1 2 4 8 16
#       polars: sum 7 7 7 15 24 - highest 4 4 4 8 16
#       duckdb: sum 7 7 7 15 24 - highest 4 4 4 8 16
#     risks of 1, 1, 1, 5 and 9 November: 4 2 1 8 16
#       pandas: sum 4 6 7 15 24 - highest 4 4 4 8 16
#       polars: sum 7 7 7 15 24 - highest 4 4 4 8 16
#       duckdb: sum 7 7 7 15 24 - highest 4 4 4 8 16
# Why it matters: findings have the day of their scan, so most times are ties. A sum, a mean or a maximum of the last
#   seven days depends on how the rows happen to be sorted, and all rows of a day but the last have too little in it.
#   Aggregate by day first, and roll then.
set -eu
packages="pandas==3.1.1 polars==2.1.0 duckdb==2.0.0 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime

import duckdb
import pandas
import polars

DAYS = [datetime.datetime(2026, 11, day) for day in (1, 1, 1, 5, 9)]
RANGE = "OVER (ORDER BY day RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW)"
for risks in ([1, 2, 4, 8, 16], [4, 2, 1, 8, 16]):
    print("risks of 1, 1, 1, 5 and 9 November:", *risks)
    a = pandas.DataFrame({"day": DAYS, "risk": risks})
    b = polars.DataFrame({"day": DAYS, "risk": risks})
    rolling = a.rolling("7D", on="day")["risk"]
    sums, highest = b.select(
        polars.col("risk").rolling_sum_by("day", "7d").alias("sum"),
        polars.col("risk").rolling_max_by("day", "7d").alias("max"),
    )
    found = {"pandas": (map(int, rolling.sum()), map(int, rolling.max())), "polars": (sums, highest), "duckdb": zip(
        *duckdb.execute(f"SELECT sum(risk) {RANGE}, max(risk) {RANGE} FROM b ORDER BY day").fetchall())}
    for name, (sums, highest) in found.items():
        print(f"  {name}: sum", *sums, "- highest", *highest)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
