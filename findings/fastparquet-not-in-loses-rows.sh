#!/bin/sh
# Library: fastparquet 2026.9.0 with pandas 2.3.3 beside pyarrow 26.0.1 (PyPI), of one Parquet file
# Summary: A filter by `not in` leaves out all rows of a row group whose lowest or highest value is in the list: of six
#   findings that are not critical none are read.
# Guess: read with filters, it gives only the rows that match, as pyarrow does.
# Behavior: a row group is left out if its lowest or highest value is one of the list, as if it had no other. By default
#   whole row groups are read, so `in` and `==` give rows that do not match; `row_filter` takes those away, and cannot
#   bring back what `not in` has lost.
# Output:
#     == high: pyarrow 3, fastparquet 8, with row_filter 3
#     != high: pyarrow 5, fastparquet 8, with row_filter 5
#     in ['high']: pyarrow 3, fastparquet 8, with row_filter 3
#     not in ['high']: pyarrow 5, fastparquet 8, with row_filter 5
#     not in ['critical']: pyarrow 6, fastparquet 0, with row_filter 0
#     not in ['medium']: pyarrow 7, fastparquet 0, with row_filter 0
# Why it matters: "critical" is the first severity by its letters, so it is the lowest value of nearly each row group,
#   and everything is lost. A report without rows looks like good news. Filter after reading, or read by pyarrow.
set -eu
packages="fastparquet==2026.9.0 pandas==2.3.3 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/findings.parquet" >"$dir/output" <<'END'
import sys

import fastparquet
import pyarrow
import pyarrow.parquet

severities = ["critical", "high", "high", "low", "medium", "low", "high", "critical"]
pyarrow.parquet.write_table(pyarrow.table({"id": range(8), "severity": severities}), sys.argv[1])
for operation, value in (
    ("==", "high"), ("!=", "high"), ("in", ["high"]), ("not in", ["high"]), ("not in", ["critical"]),
    ("not in", ["medium"]),
):
    filters = [("severity", operation, value)]
    file = fastparquet.ParquetFile(sys.argv[1])
    found = pyarrow.parquet.read_table(sys.argv[1], filters=filters)
    print(f"{operation} {value}: pyarrow {len(found)}, fastparquet {len(file.to_pandas(filters=filters))}, "
          f"with row_filter {len(file.to_pandas(filters=filters, row_filter=True))}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
