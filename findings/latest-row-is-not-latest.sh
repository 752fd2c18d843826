#!/bin/sh
# Library: duckdb 2.0.1, pandas 3.1.1, pyarrow 26.0.1, polars 2.1.0 (PyPI)
# Summary: The last value of a group is the last one that is not null, so the latest state is put together from two
#   rows.
# Guess: `max_by(fixed_on, seen)` and `groupby.last()` give what the newest row has, null if it is null.
# Behavior: DuckDB's `max_by` and `arg_max` leave rows out whose value is null; so do pandas' `groupby.last()` and
#   `first()`, for each column by itself, and pyarrow's `last`. DuckDB's `last` with an order and `arg_max_null`,
#   pandas' `tail(1)` and `last(skipna=False)`, and polars give the newest row.
# Output:
#     duckdb max_by(..., seen): open 2026-11-01
#     duckdb arg_max(..., seen): open 2026-11-01
#     duckdb arg_max_null(..., seen): open None
#     duckdb last(... ORDER BY seen): open None
#     pandas last(): open 2026-11-01
#     pandas last(skipna=False): open None
#     pandas tail(1): open None
#     pyarrow last: open 2026-11-01
#     polars last(): open None
# Why it matters: a finding that was fixed and came back has no date of a fix in its newest row. It gets the old one,
#   beside the new status, and counts as fixed: a row that no scan has ever reported.
set -eu
packages="duckdb==2.0.1 pandas==3.1.1 pyarrow==26.0.1 polars==2.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import duckdb
import pandas
import polars
import pyarrow

rows = {"id": [7, 7], "seen": [1, 2], "status": ["closed", "open"], "fixed_on": ["2026-11-01", None]}
arrow = pyarrow.table(rows)
for name in ("max_by({}, seen)", "arg_max({}, seen)", "arg_max_null({}, seen)", "last({} ORDER BY seen)"):
    columns = ", ".join(name.format(column) for column in ("status", "fixed_on"))
    print(f"duckdb {name.format('...')}:", *duckdb.sql(f"SELECT {columns} FROM arrow").fetchall()[0])
groups = pandas.DataFrame({key: pandas.Series(rows[key], dtype=object) for key in rows}).groupby("id")
for name, latest in (
    ("last()", groups.last()), ("last(skipna=False)", groups.last(skipna=False)), ("tail(1)", groups.tail(1))
):
    print(f"pandas {name}:", *latest.astype(object).where(latest.notna(), None)[["status", "fixed_on"]].iloc[0])
found = arrow.group_by("id", use_threads=False).aggregate([("status", "last"), ("fixed_on", "last")]).to_pylist()
print("pyarrow last:", found[0]["status_last"], found[0]["fixed_on_last"])
print("polars last():", *polars.DataFrame(rows).group_by("id").last().select("status", "fixed_on").row(0))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
