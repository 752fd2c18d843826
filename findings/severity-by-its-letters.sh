#!/bin/sh
# Library: pandas 3.1.1, polars 2.1.0, duckdb 2.0.0, pyarrow 26.0.1 (PyPI)
# Summary: The highest of low, medium, high and critical is "medium" once a table that has their order has gone from
#   pandas to polars, or from polars to duckdb.
# Guess: an ordered Categorical and an Enum keep their order where a table is handed on by Arrow or Parquet.
# Behavior: pandas to polars makes a Categorical, which is sorted by letters, and polars to duckdb makes VARCHAR, though
#   Arrow says `ordered`. pandas to duckdb makes an ENUM, and polars to pandas an ordered category.
# Output:
#     pandas: highest critical, category
#     pandas > Parquet > pandas: highest critical, category
#     pandas > polars: highest medium, Categorical
#     pandas > Parquet > polars: highest medium, Categorical
#     pandas > duckdb: highest critical, ENUM
#     pandas > duckdb > polars: highest medium, Categorical
#     polars: highest critical, Enum
#     polars > Parquet > polars: highest critical, Enum
#     polars > pandas: highest critical, category
#     polars > duckdb: highest medium, VARCHAR
# Why it matters: the worst severity of a host is "medium" where one of its findings is critical, and no step warns.
#   Cast to an Enum again after each step, or keep a number beside the word.
set -eu
packages="pandas==3.1.1 polars==2.1.0 duckdb==2.0.0 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import io

import duckdb
import pandas
import polars

ORDER = ["low", "medium", "high", "critical"]
WORDS = ["high", "critical", "low", "medium"]
a = pandas.DataFrame({"severity": pandas.Categorical(WORDS, categories=ORDER, ordered=True)})
b = polars.DataFrame({"severity": WORDS}, schema={"severity": polars.Enum(ORDER)})
by_polars = io.BytesIO()
b.write_parquet(by_polars)
HIGHEST = "SELECT max(severity), any_value(typeof(severity)) FROM"
for name, found in {
    "pandas": a["severity"],
    "pandas > Parquet > pandas": pandas.read_parquet(io.BytesIO(a.to_parquet()))["severity"],
    "pandas > polars": polars.from_pandas(a)["severity"],
    "pandas > Parquet > polars": polars.read_parquet(io.BytesIO(a.to_parquet()))["severity"],
    "pandas > duckdb": duckdb.sql(f"{HIGHEST} a").fetchall()[0],
    "pandas > duckdb > polars": duckdb.sql("SELECT severity FROM a").pl()["severity"],
    "polars": b["severity"],
    "polars > Parquet > polars": polars.read_parquet(io.BytesIO(by_polars.getvalue()))["severity"],
    "polars > pandas": b.to_pandas()["severity"],
    "polars > duckdb": duckdb.sql(f"{HIGHEST} b").fetchall()[0],
}.items():
    highest, kind = found if isinstance(found, tuple) else (found.max(), found.dtype)
    print(f"{name}: highest {highest}, {str(kind).partition('(')[0]}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
