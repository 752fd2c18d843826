#!/bin/sh
# Library: duckdb 2.0.1 (PyPI)
# Summary: From row 20,481 of JSON lines on, a score of 7.5 is read as 8, an EPSS of 0.97 as 1, and the first value of
#   a field as NULL.
# Guess: a value that does not fit the type that was found in the first lines is an error, or widens the column.
# Behavior: types come from the first 20,480 rows. A later fraction in a column of integers is rounded, and "yes" in a
#   column of booleans is true. A value in a column that was null until then is dropped; DuckDB 1.5 kept it as JSON.
#   None of it is an error, although a new key or a time in a column of dates is one.
# Output:
#     score, 7 and then 7.5: 7.5 (double) as row 20,480, 8 (bigint) as the next
#     EPSS, 0 and then 0.97: 0.97 (double) as row 20,480, 1 (bigint) as the next
#     score of a few, null and then 7.5: 7.5 (double) as row 20,480, None (null) as the next
#     internet-facing, false and then "yes": "yes" (json) as row 20,480, True (boolean) as the next
# Why it matters: rows that are sorted by score, or whose new field is filled in for late ones only, are right in each
#   test and wrong in a large account. Give `columns`, or `sample_size=-1`.
set -eu
packages="duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import os
import tempfile

import duckdb


def last_of(early, late, count):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.jsonl")
        with open(path, "w") as file:
            for number in range(count + 1):
                print(json.dumps({"id": number, "value": late if number == count else early}), file=file)
        sql = f"SELECT typeof(value), value FROM read_json('{path}') WHERE id = {count}"
        [[of_type, value]] = duckdb.connect().execute(sql).fetchall()
    return f"{value} ({of_type.lower().strip(chr(34))})"


for name, early, late in (
    ("score", 7, 7.5), ("EPSS", 0, 0.97), ("score of a few", None, 7.5), ("internet-facing", False, "yes")
):
    print(
        f"{name}, {json.dumps(early)} and then {json.dumps(late)}: {last_of(early, late, 20_479)} as row 20,480, "
        f"{last_of(early, late, 20_480)} as the next"
    )
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
