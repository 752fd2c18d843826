#!/bin/sh
# Library: duckdb 2.0.1 (PyPI)
# Summary: Of all parts, date_diff counts boundaries, but of weeks whole weeks: from Sunday to Monday it is 0, from
#   Monday to Sunday too.
# Guess: the weeks between Sunday and Monday are 1, as the days are, and as the function's description says: "The
#   number of partition boundaries between the timestamps".
# Behavior: date_diff of weeks is the days by 7 without the rest, which is what date_sub gives, the function of whole
#   parts. All others that were tried count boundaries.
# Output:
#     day, 2026-11-08 23:00:00 to 2026-11-09 01:00:00: date_diff 1, date_sub 0
#     week, 2026-11-08 12:00:00 to 2026-11-09 12:00:00: date_diff 0, date_sub 0
#     month, 2026-10-31 12:00:00 to 2026-11-01 12:00:00: date_diff 1, date_sub 0
#     quarter, 2026-09-30 12:00:00 to 2026-10-01 12:00:00: date_diff 1, date_sub 0
#     year, 2025-12-31 12:00:00 to 2026-01-01 12:00:00: date_diff 1, date_sub 0
#     decade, 2029-12-31 12:00:00 to 2030-01-01 12:00:00: date_diff 1, date_sub 0
#     week, truncated first: 1
# Why it matters: findings by weeks since the first scan, or a series of weeks that is joined by its number, have
#   rows a week early, unless they fall on the same weekday. Truncate both to the week first.
set -eu
packages="duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import duckdb

CASES = {
    "day": ("2026-11-08 23:00:00", "2026-11-09 01:00:00"), "week": ("2026-11-08 12:00:00", "2026-11-09 12:00:00"),
    "month": ("2026-10-31 12:00:00", "2026-11-01 12:00:00"), "quarter": ("2026-09-30 12:00:00", "2026-10-01 12:00:00"),
    "year": ("2025-12-31 12:00:00", "2026-01-01 12:00:00"), "decade": ("2029-12-31 12:00:00", "2030-01-01 12:00:00"),
}
for part, (start, end) in CASES.items():
    rows = duckdb.execute(f"""
        SELECT date_diff('{part}', a, b), date_sub('{part}', a, b)
        FROM (SELECT TIMESTAMP '{start}' AS a, TIMESTAMP '{end}' AS b)
    """).fetchall()
    print(f"{part}, {start} to {end}:", "date_diff {}, date_sub {}".format(*rows[0]))
truncated = "date_trunc('week', DATE '2026-11-08'), date_trunc('week', DATE '2026-11-09')"
print("week, truncated first:", duckdb.execute(f"SELECT date_diff('week', {truncated})").fetchall()[0][0])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
