#!/bin/sh
# Library: pandas 3.1.1, polars 2.1.0, duckdb 2.0.1 (PyPI)
# Summary: pandas reads a file of EPSS with the CVEs as its index, the heading as a row and the scores as text, without an error.
# Guess: the file's first line, a comment of two values before a heading of three, is skipped or is an error.
# Behavior: pandas takes the comment for the heading. As the lines that follow have one value more, the first of each
#   becomes the index. polars raises an error, csv.DictReader has the percentile under None, and DuckDB skips the comment.
# Output:
#     pandas index: cve CVE-1999-0001
#     pandas columns: #model_version:v2026.06.15 score_date:2026-11-24T00:00:00+0000
#     pandas rows: epss 0.0142
#     pandas type: str
#     DictReader: score_date:2026-11-24T00:00:00+0000=0.0142 None=['0.8063']
#     polars: ComputeError
#     duckdb: ('CVE-1999-0001', 0.0142, 0.8063)
# Why it matters: a join by CVE finds nothing, and a comparison of scores is one of text. What reads the file has to know
#   of its first line, and should hold the names of the columns to what it expects, as this project does.
# Used in: scanner_sync/source/intelligence.py, tests/source/test_intelligence.py::test_what_the_feeds_say
set -eu
packages="pandas==3.1.1 polars==2.1.0 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/epss.csv" <<'END'
#model_version:v2026.06.15,score_date:2026-11-24T00:00:00+0000
cve,epss,percentile
CVE-1999-0001,0.0142,0.8063
END
"$dir/bin/python" - "$dir/epss.csv" >"$dir/output" <<'END'
import csv
import sys

import duckdb
import pandas
import polars

[path] = sys.argv[1:]
table = pandas.read_csv(path)
print("pandas index:", *table.index)
print("pandas columns:", *table.columns)
print("pandas rows:", *table.iloc[:, 0])
print("pandas type:", table.dtypes.iloc[0])
last = list(csv.DictReader(open(path)))[-1]
print("DictReader:", *(f"{name}={value}" for name, value in list(last.items())[1:]))
try:
    print("polars:", polars.read_csv(path))
except polars.exceptions.PolarsError as error:
    print("polars:", type(error).__name__)
print("duckdb:", *duckdb.sql(f"FROM '{path}'").fetchall())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
