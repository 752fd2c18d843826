#!/bin/sh
# Library: daft 0.7.26 beside duckdb 2.0.1, polars 2.1.0 (PyPI)
# Summary: The time between two dates, 333 days, is 333 seconds, in its SQL and in its expressions.
# Guess: a date minus a date is 333, or an interval of 333 days, as for two times.
# Behavior: the number of days is given the type Duration[s], so it is 5 minutes and 33 seconds. Of times, also of
#   dates that were cast to times, it is 333 days. Nothing is raised.
# Output:
#     from 2026-01-01 to 2026-11-30
#       duckdb: 333
#       polars: datetime.timedelta(days=333)
#       daft, SQL: datetime.timedelta(seconds=333)
#       daft, expressions: datetime.timedelta(seconds=333)
#       daft, dates cast to times: datetime.timedelta(days=333)
# Why it matters: how long a finding was open, its age in hours, or a limit of 30 days, is 86,400 times too small,
#   and all findings are fixed in time. Cast both dates to times before they are subtracted.
set -eu
packages="daft==0.7.26 duckdb==2.0.1 polars==2.1.0 pyarrow==25.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime

import daft
import duckdb
import polars
import pyarrow

found = pyarrow.table({"first": [datetime.date(2026, 1, 1)], "fixed": [datetime.date(2026, 11, 30)]})
frame = daft.from_arrow(found)
seconds = daft.DataType.timestamp("s")
fixed, first = daft.col("fixed"), daft.col("first")
print("from", found["first"][0], "to", found["fixed"][0])
for name, days in {
    "duckdb": duckdb.execute("SELECT fixed - first FROM found").fetchall()[0][0],
    "polars": polars.from_arrow(found).select(polars.col("fixed") - polars.col("first")).item(),
    "daft, SQL": daft.sql("SELECT fixed - first AS days FROM frame").to_pydict()["days"][0],
    "daft, expressions": frame.select(days=fixed - first).to_pydict()["days"][0],
    "daft, dates cast to times": frame.select(days=fixed.cast(seconds) - first.cast(seconds)).to_pydict()["days"][0],
}.items():
    print(f"  {name}: {days!r}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
