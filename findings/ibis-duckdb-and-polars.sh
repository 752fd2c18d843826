#!/bin/sh
# Library: ibis-framework 12.0.0 with duckdb 2.0.1 and polars 2.1.0 (PyPI)
# Summary: One expression has other values on polars than on duckdb: distinct values count NULL, lengths are bytes, a
#   cast to int cuts off, and a remainder is never negative.
# Guess: an expression of Ibis means one thing, and each backend is asked for that.
# Behavior: it means what the backend's own function does. `nunique` counts NULL as a value on polars, `length` counts
#   bytes there and characters in duckdb, and the rest differs by how halves and negative numbers are rounded. Nothing is
#   raised.
# Output:
#     host.nunique(): duckdb 2, polars 3
#     host.length().max(): duckdb 4, polars 5
#     score.cast('int64').sum(): duckdb 20, polars 18
#     score.round(0).sum(): duckdb 21, polars 20
#     (days_left % 7).min(): duckdb -1, polars 1
# Why it matters: what was tried on a file with one backend has another number of hosts on the other. Say in the
#   expression what is meant: `drop_null` before counting, `floor` in place of a cast, and no remainder of a negative
#   number.
set -eu
packages="ibis-framework[duckdb,polars]==12.0.0 duckdb==2.0.1 polars==2.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import os
import tempfile

import ibis
import pyarrow
from pyarrow import parquet

found = pyarrow.table({
    "host": ["über", "über", "db", None], "score": [7.5, 2.5, 9.8, None], "days_left": [-8, 8, 5, None],
})
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "found.parquet")
    parquet.write_table(found, path)
    tables = {name: getattr(ibis, name).connect().read_parquet(path, table_name="found") for name in ("duckdb", "polars")}
    for name, expression in {
        "host.nunique()": lambda table: table.host.nunique(),
        "host.length().max()": lambda table: table.host.length().max(),
        "score.cast('int64').sum()": lambda table: table.score.cast("int64").sum(),
        "score.round(0).sum()": lambda table: table.score.round(0).sum(),
        "(days_left % 7).min()": lambda table: (table.days_left % 7).min(),
    }.items():
        print(f"{name}:", ", ".join(f"{backend} {expression(table).to_pyarrow()}" for backend, table in tables.items()))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
