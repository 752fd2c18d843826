#!/bin/sh
# Library: pyarrow 26.0.1, polars 2.1.0, duckdb 2.0.1 and fastparquet 2026.9.0 with pandas 3.1.1 (PyPI)
# Summary: Of a folder `version=1.10`, polars and fastparquet have the number 1.1, of `port=0443` all but duckdb have
#   443, and a day is text for pyarrow.
# Guess: pyarrow, polars, duckdb and fastparquet give the columns of Hive partitions the same values.
# Behavior: the type of such a column is nowhere in the files. Each library takes it from the names of the folders, by
#   its own rules: what looks like a number is one for polars and fastparquet, a whole number is for pyarrow, and for
#   duckdb if no zero is lost.
# Output:
#     version, 1.10 and 1.9:
#       pyarrow '1.10', '1.9'
#       polars 1.1, 1.9
#       duckdb '1.10', '1.9'
#       fastparquet 1.1, 1.9
#     port, 0443 and 8080:
#       pyarrow 443, 8080
#       polars 443, 8080
#       duckdb '0443', '8080'
#       fastparquet 443, 8080
#     fixed, true and false:
#       pyarrow 'true', 'false'
#       polars True, False
#       duckdb 'true', 'false'
#       fastparquet 'true', 'false'
#     day, 2026-11-09 and 2026-11-10:
#       pyarrow '2026-11-09', '2026-11-10'
#       polars datetime.date(2026, 11, 9), datetime.date(2026, 11, 10)
#       duckdb datetime.date(2026, 11, 9), datetime.date(2026, 11, 10)
#       fastparquet Timestamp('2026-11-09 00:00:00'), Timestamp('2026-11-10 00:00:00')
# Why it matters: versions 1.1 and 1.10 are one, and a join with the table that was written finds nothing or fails. Give
#   the types: `hive_schema` in polars, `hive_types` in duckdb, `partitioning(schema, flavor="hive")` in pyarrow.
set -eu
packages="pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1 fastparquet==2026.9.0 pandas==3.1.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" -W ignore - "$dir" >"$dir/output" <<'END'
import os
import sys

import duckdb
import fastparquet
import polars
import pyarrow
from pyarrow import dataset, parquet

[_, directory] = sys.argv
for name, values in {
    "version": ["1.10", "1.9"],
    "port": ["0443", "8080"],
    "fixed": ["true", "false"],
    "day": ["2026-11-09", "2026-11-10"],
}.items():
    folder = f"{directory}/{name}"
    for row, value in enumerate(values):
        os.makedirs(f"{folder}/{name}={value}")
        parquet.write_table(pyarrow.table({"row": [row]}), f"{folder}/{name}={value}/rows.parquet")
    files = f"{folder}/*/*.parquet"
    rows = f"read_parquet('{files}', hive_partitioning=true) ORDER BY row"
    print(f"{name}, {' and '.join(values)}:")
    for library, read in {
        "pyarrow": lambda: dataset.dataset(folder, partitioning="hive").to_table().sort_by("row")[name].to_pylist(),
        "polars": lambda: polars.scan_parquet(files, hive_partitioning=True).sort("row").collect()[name].to_list(),
        "duckdb": lambda: [v for [v] in duckdb.execute(f"SELECT {name} FROM {rows}").fetchall()],
        "fastparquet": lambda: fastparquet.ParquetFile(folder).to_pandas().sort_values("row")[name].tolist(),
    }.items():
        print(f"  {library}", ", ".join(map(repr, read())))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
