#!/bin/sh
# Library: pyarrow 26.0.1, datafusion 55.0.0, duckdb 2.0.1, polars 2.1.0, pandas 3.1.1 (PyPI)
# Summary: The mean of decimals has as many places as they have in pyarrow, so 9.8, 7.5 and 7.5 are 8.3, and four more
#   in datafusion.
# Guess: the mean of a column of NUMERIC(3, 1) has places to spare, as in PostgreSQL and BigQuery, or is a float.
# Behavior: pyarrow, and pandas with pyarrow's types, keep the type of the column and round to one place. datafusion
#   adds four places and cuts the rest off. duckdb and polars give a float.
# Output:
#     mean of 9.8 7.5 7.5
#       pyarrow: 8.3
#       pandas: 8.3
#       datafusion: 8.26666
#       duckdb: 8.266666666666667
#       polars: 8.266666666666667
#     mean of 0.1 0.0 0.0
#       pyarrow: 0.0
#       pandas: 0.0
#       datafusion: 0.03333
#       duckdb: 0.03333333333333333
#       polars: 0.03333333333333333
# Why it matters: the mean score of an account is 8.3 in one report, 8.26666 in another and 8.266666666666667 in a
#   third, and what is a decimal is taken for exact. Cast to a wider decimal before the mean.
set -eu
packages="pyarrow==26.0.1 datafusion==55.0.0 duckdb==2.0.1 polars==2.1.0 pandas==3.1.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from decimal import Decimal

import datafusion
import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute

for values in (["9.8", "7.5", "7.5"], ["0.1", "0.0", "0.0"]):
    scores = pyarrow.table({"score": pyarrow.array(map(Decimal, values), pyarrow.decimal128(3, 1))})
    context = datafusion.SessionContext()
    context.from_arrow(scores, name="scores")
    print("mean of", *values)
    print("  pyarrow:", pyarrow.compute.mean(scores["score"]))
    print("  pandas:", scores.to_pandas(types_mapper=pandas.ArrowDtype)["score"].mean())
    print("  datafusion:", *context.sql("SELECT avg(score) AS mean FROM scores").to_pydict()["mean"])
    print("  duckdb:", *duckdb.execute("SELECT avg(score) FROM scores").fetchone())
    print("  polars:", polars.from_arrow(scores)["score"].mean())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
