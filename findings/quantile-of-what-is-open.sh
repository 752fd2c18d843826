#!/bin/sh
# Library: numpy 2.4.6, pandas 3.1.1, polars 2.1.0, duckdb 2.0.0 (PyPI)
# Summary: With infinity for what has not ended, the median of 1, 2 and infinity is 2, NaN or 1.5.
# Guess: where infinity stands for what has not ended, the 50th percentile of 1, 2 and infinity is 2 for each, as
#   their medians are.
# Behavior: numpy.percentile and pandas' quantile are NaN, though the place of the median is exactly 2 and their
#   own medians are 2: both add 0 times infinity. duckdb's approx_quantile leaves infinity out. polars and
#   quantile_cont give 2.
# Output:
#     numpy  median 2.0 percentile nan
#     pandas median 2.0 quantile nan
#     polars median 2.0 quantile 2.0
#     duckdb median 2.0 quantile_cont 2.0 approx_quantile 1.5
# Why it matters: days to fix with open findings as infinity is a usual way to keep them in the median.
#   `quantile(.5)` instead of `median()` makes it NaN, and NaN is dropped by the next mean. Here open findings are
#   left out of the median, and the Kaplan-Meier estimate counts them.
set -eu
packages="numpy==2.4.6 pandas==3.1.1 polars==2.1.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import math
import warnings

import duckdb
import numpy
import pandas
import polars

warnings.simplefilter("ignore")
days = [1.0, 2.0, math.inf]
print("numpy  median", float(numpy.median(days)), "percentile", float(numpy.percentile(days, 50)))
print("pandas median", float(pandas.Series(days).median()), "quantile", float(pandas.Series(days).quantile(0.5)))
print("polars median", polars.Series(days).median(), "quantile", polars.Series(days).quantile(0.5, "linear"))
sql = "SELECT median(day), quantile_cont(day, 0.5), approx_quantile(day, 0.5) FROM (SELECT unnest(?::DOUBLE[]) AS day)"
median, exact, approximate = duckdb.connect().execute(sql, [days]).fetchone()
print("duckdb median", median, "quantile_cont", exact, "approx_quantile", approximate)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
