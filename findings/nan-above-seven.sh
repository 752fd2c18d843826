#!/bin/sh
# Library: pyarrow 26.0.1, polars 2.1.0 and duckdb 2.0.1, of one Parquet file (PyPI)
# Summary: A score of NaN is above 7 for polars, not for pyarrow, and for duckdb if its row group has another score that
#   is; in files of pyarrow and polars, `isnan` does not find it in duckdb.
# Guess: a filter `score > 7` gives the same rows in each library, whatever the size of the file's row groups is and
#   whoever wrote it, and so does max.
# Behavior: NaN is the greatest number for polars and duckdb, and compares with nothing for pyarrow. DuckDB leaves out
#   row groups by their highest and lowest score, in which pyarrow and polars have no NaN, as Parquet asks; its own
#   files have neither then.
# Output:
#     by pyarrow, one row group: above 7 pyarrow 1, polars 2, duckdb 2; in duckdb isnan 0, max 9.8
#     by pyarrow, two row groups: above 7 pyarrow 1, polars 2, duckdb 1; in duckdb isnan 0, max 9.8
#     by polars, one row group: above 7 pyarrow 1, polars 2, duckdb 2; in duckdb isnan 0, max nan
#     by polars, two row groups: above 7 pyarrow 1, polars 2, duckdb 1; in duckdb isnan 0, max nan
#     by duckdb, one row group: above 7 pyarrow 1, polars 2, duckdb 2; in duckdb isnan 1, max nan
# Why it matters: pandas and polars compute NaN, of 0/0, and write it. How many findings are critical then depends on
#   who counts, and on how many rows a file has. BigQuery's comparisons with NaN are false, as pyarrow's. Write NULL.
set -eu
packages="pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import sys

import duckdb
import polars
import pyarrow
from pyarrow import dataset, parquet

[_, directory] = sys.argv
scores = pyarrow.table({"score": [5.3, float("nan"), 9.8, 1.0]})
parquet.write_table(scores, f"{directory}/pyarrow, one row group.parquet")
parquet.write_table(scores, f"{directory}/pyarrow, two row groups.parquet", row_group_size=2)
polars.from_arrow(scores).write_parquet(f"{directory}/polars, one row group.parquet")
polars.from_arrow(scores).write_parquet(f"{directory}/polars, two row groups.parquet", row_group_size=2)
duckdb.from_arrow(scores).write_parquet(f"{directory}/duckdb, one row group.parquet")
for name in (
    "pyarrow, one row group",
    "pyarrow, two row groups",
    "polars, one row group",
    "polars, two row groups",
    "duckdb, one row group",
):
    path = f"{directory}/{name}.parquet"
    by_pyarrow = dataset.dataset(path).to_table(filter=dataset.field("score") > 7).num_rows
    by_polars = polars.scan_parquet(path).filter(polars.col("score") > 7).collect().height
    [[by_duckdb]] = duckdb.execute(f"SELECT COUNT(*) FROM '{path}' WHERE score > 7").fetchall()
    [[nan]] = duckdb.execute(f"SELECT COUNT(*) FROM '{path}' WHERE isnan(score)").fetchall()
    [[highest]] = duckdb.execute(f"SELECT MAX(score) FROM '{path}'").fetchall()
    print(f"by {name}: above 7 pyarrow {by_pyarrow}, polars {by_polars}, duckdb {by_duckdb};", end=" ")
    print(f"in duckdb isnan {nan}, max {highest}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
