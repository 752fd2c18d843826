#!/bin/sh
# Library: great_expectations 1.24.1 with pandas 2.3.3 and SQLite by sqlalchemy 2.0.45 (PyPI)
# Summary: "Fixed after it was seen" and "open and fixed are ten" pass in a database and fail in pandas where one of the
#   two is NULL, and the quantile 0.5 of the same scores is 9.0 in pandas and 4.0 in SQLite.
# Guess: an expectation has one answer for the same rows, whether they are in pandas or in a database.
# Behavior: in SQL a comparison with NULL is unknown, and what is unknown is not counted as unexpected. In pandas it is.
#   Of two in the middle, pandas' quantile is the upper one and SQLite's the lower; the median is between them in both.
# Output:
#     fixed after seen, pandas: fail, 2 unexpected
#     fixed after seen, SQLite: pass, 0 unexpected
#     open + fixed = 10, pandas: fail, 2 unexpected
#     open + fixed = 10, SQLite: pass, 0 unexpected
#     median from 6 to 7, pandas: pass, 6.5
#     median from 6 to 7, SQLite: pass, 6.5
#     quantile 0.5 from 6 to 7, pandas: fail, [9.0]
#     quantile 0.5 from 6 to 7, SQLite: fail, [4.0]
# Why it matters: a suite that is tried on a sample in pandas and runs in the warehouse passes on findings that were
#   never seen, or never fixed. Add `not_be_null` for each of the columns.
set -eu
packages="great_expectations==1.24.1 pandas==2.3.3 sqlalchemy==2.0.45"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import logging
import sqlite3
import tempfile

import great_expectations
import great_expectations.expectations as expect
import pandas

logging.disable(logging.CRITICAL)
rows = pandas.DataFrame({
    "score": [9.0, 2.0, 9.8, 4.0], "seen": [1, None, 3, 4], "fixed": [2, 5, 4, None], "open": [8, 5, None, 7],
})
path = f"{tempfile.mkdtemp()}/found.sqlite"
with sqlite3.connect(path) as connection:
    rows.to_sql("found", connection, index=False)
context = great_expectations.get_context(mode="ephemeral")
frame = context.data_sources.add_pandas("pandas").add_dataframe_asset("found")
database = context.data_sources.add_sqlite("sqlite", connection_string=f"sqlite:///{path}")
table = database.add_table_asset("found", "found")
BATCHES = {
    "pandas": frame.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows}),
    "SQLite": table.add_batch_definition_whole_table("all").get_batch(),
}
HALF = {"quantiles": [0.5], "value_ranges": [[6, 7]]}
for name, expectation in {
    "fixed after seen": expect.ExpectColumnPairValuesAToBeGreaterThanB(column_A="fixed", column_B="seen"),
    "open + fixed = 10": expect.ExpectMulticolumnSumToEqual(column_list=["open", "fixed"], sum_total=10),
    "median from 6 to 7": expect.ExpectColumnMedianToBeBetween(column="score", min_value=6, max_value=7),
    "quantile 0.5 from 6 to 7": expect.ExpectColumnQuantileValuesToBeBetween(column="score", quantile_ranges=HALF),
}.items():
    for where, batch in BATCHES.items():
        answer = batch.validate(expectation)
        value = answer.result.get("observed_value", f"{answer.result.get('unexpected_count')} unexpected")
        value = value["values"] if isinstance(value, dict) else value
        print(f"{name}, {where}: {'pass' if answer.success else 'fail'}, {value}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
