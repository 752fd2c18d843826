#!/bin/sh
# Library: dataframely 3.1.2 and pandera 0.35.0 with polars 2.1.0 and pandas 2.3.3 (PyPI)
# Summary: Of a key that comes twice, dropping what is invalid leaves no row, one row or both, by the library, by the
#   engine and by where the key is declared.
# Guess: dataframely's `filter` keeps one row of a primary key that comes twice, and pandera's drop_invalid_rows the
#   first.
# Behavior: dataframely drops both rows. So does pandera on polars, whatever `report_duplicates` says, and on pandas
#   it keeps the one that is told. If the schema and not the column is unique, polars keeps both and pandas none.
# Output:
#     dataframely: ['other']
#     pandera, polars, column, exclude_first: ['other']
#     pandera, polars, column, exclude_last: ['other']
#     pandera, polars, column, all: ['other']
#     pandera, polars, schema: ['first', 'second', 'other']
#     pandera, pandas, column, exclude_first: ['first', 'other']
#     pandera, pandas, column, exclude_last: ['second', 'other']
#     pandera, pandas, column, all: ['other']
#     pandera, pandas, schema: ['other']
# Why it matters: overlapping pages deliver a row twice, and with such a filter the row is gone, although its key was
#   read. The number of rows that were dropped looks like one of duplicates. Remove duplicates before validating.
set -eu
packages="dataframely==3.1.2 pandera[polars]==0.35.0 polars==2.1.0 pandas==2.3.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - 2>"$dir/warnings" >"$dir/output" <<'END'
import dataframely
import pandas
import pandera.pandas
import pandera.polars
import polars


class Findings(dataframely.Schema):
    id = dataframely.Int64(primary_key=True)
    title = dataframely.String()


rows = {"id": [1, 1, 2], "title": ["first", "second", "other"]}
print("dataframely:", Findings.filter(polars.DataFrame(rows)).result["title"].to_list())
for engine, module, frame in (
    ("polars", pandera.polars, polars.DataFrame(rows)), ("pandas", pandera.pandas, pandas.DataFrame(rows))
):
    for reported in "exclude_first", "exclude_last", "all":
        column = module.Column(int, unique=True, report_duplicates=reported)
        schema = module.DataFrameSchema({"id": column}, drop_invalid_rows=True)
        print(f"pandera, {engine}, column, {reported}:", list(schema.validate(frame, lazy=True)["title"]))
    schema = module.DataFrameSchema({"id": module.Column(int)}, unique=["id"], drop_invalid_rows=True)
    print(f"pandera, {engine}, schema:", list(schema.validate(frame, lazy=True)["title"]))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
