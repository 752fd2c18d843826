#!/bin/sh
# Library: polars 2.1.0 beside duckdb 2.0.1, pandas 3.1.1, pyarrow 26.0.1, datafusion 55.0.0 (PyPI)
# Summary: A sum of 32-bit integers wraps to a negative number, also in a group and in its SQL; of 8 and 16 bits it
#   does not.
# Guess: a sum has a wider type than its column, at least 64 bits, as in the others and as in polars for smaller
#   integers.
# Behavior: Int8 and Int16 are summed as Int64, Int32 as Int32 and UInt32 as UInt32. Beyond that it begins again,
#   without an error. The others give 3 billion.
# Output:
#     duckdb: 3000000000
#     pandas: 3000000000
#     pandas, grouped: 3000000000
#     pandas, Arrow: 3000000000
#     pyarrow: 3000000000
#     datafusion: 3000000000
#     polars: -1294967296
#     polars, grouped: -1294967296
#     polars, SQL: -1294967296
#     polars, lazy: -1294967296
#     polars, sum of Int8: Int64
#     polars, sum of Int16: Int64
#     polars, sum of Int32: Int32
#     polars, sum of UInt8: Int64
#     polars, sum of UInt16: Int64
#     polars, sum of UInt32: UInt32
#     polars, sum of len(): UInt32
# Why it matters: sizes of answers, counts and ids are INT32 in many Parquet files, and `len()` is UInt32, so a sum
#   over many days is wrong exactly when it is large. Cast to Int64 first.
set -eu
packages="polars==2.1.0 duckdb==2.0.1 pandas==3.1.1 pyarrow==26.0.1 datafusion==55.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datafusion
import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute

read = pyarrow.table({"day": ["10", "10", "10"], "bytes": pyarrow.array([1_000_000_000] * 3, pyarrow.int32())})
frame = polars.from_arrow(read)
context = datafusion.SessionContext()
context.from_arrow(read, name="read")
for name, total in {
    "duckdb": duckdb.execute("SELECT sum(bytes) FROM read").fetchall()[0][0],
    "pandas": read.to_pandas()["bytes"].sum(),
    "pandas, grouped": read.to_pandas().groupby("day")["bytes"].sum()["10"],
    "pandas, Arrow": read.to_pandas(types_mapper=pandas.ArrowDtype)["bytes"].sum(),
    "pyarrow": pyarrow.compute.sum(read["bytes"]),
    "datafusion": context.sql("SELECT sum(bytes) AS total FROM read").to_pydict()["total"][0],
    "polars": frame["bytes"].sum(),
    "polars, grouped": frame.group_by("day").agg(polars.sum("bytes"))["bytes"].item(),
    "polars, SQL": frame.sql("SELECT sum(bytes) FROM self").item(),
    "polars, lazy": frame.lazy().select(polars.sum("bytes")).collect(engine="streaming").item(),
}.items():
    print(f"{name}: {total}")
for small in (polars.Int8, polars.Int16, polars.Int32, polars.UInt8, polars.UInt16, polars.UInt32):
    print(f"polars, sum of {small}:", polars.Series([1], dtype=small).to_frame("x").select(polars.sum("x")).schema["x"])
print("polars, sum of len():", frame.group_by("day").len().select(polars.sum("len")).schema["len"])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
