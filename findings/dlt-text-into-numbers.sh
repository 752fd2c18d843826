#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: Text that comes into a column of numbers is read as Python does, so "0443" is 443 and "7_5" is 75; into a
#   column of times "1.10" is 1.1 seconds after the beginning of 1970.
# Guess: text in a column of another type goes to a column of its own, such as `port__v_text`, or is refused.
# Behavior: what Python's int and float take, with spaces, underscores and zeros in front, is a number of the column.
#   A number, also as text, is seconds since 1970 in a column of times, and four digits are a year. Only what cannot
#   be read has a column of its own, such as "4.0" for an int.
# Output:
#     port, '0443': port 443
#     port, '44_3': port 443
#     port, ' 443 ': port 443
#     port, '443.0': port__v_text 443.0
#     score, '7_5': score 75.0
#     score, '1e1': score 10.0
#     score, '7,5': score__v_text 7,5
#     seen, '1.10': seen 1970-01-01 00:00:01.1+00
#     seen, '2026': seen 2026-01-01 00:00:00+00
#     seen, 1700000000: seen 2023-11-14 22:13:20+00
#     seen, '10:00': seen__v_text 10:00
# Why it matters: whether a code keeps its zeros depends on whether the first row had some, two ids become one, and a
#   version in a wrong field is a time. This program checks types and casts none.
# Used in: docs/decisions.md#types-are-checked-not-cast, scanner_sync/warehouse/load_files.py,
#   tests/warehouse/test_load_files.py::test_a_field_that_changes_type_is_an_error
set -eu
packages="dlt[duckdb]==1.31.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL TZ=UTC "$dir/bin/python" - >"$dir/output" <<'END'
import datetime
import os
import tempfile

import dlt

FIRST = {"port": 443, "score": 7.5, "seen": datetime.datetime(2026, 11, 10, tzinfo=datetime.timezone.utc)}
LATER = {
    "port": ("0443", "44_3", " 443 ", "443.0"), "score": ("7_5", "1e1", "7,5"),
    "seen": ("1.10", "2026", 1_700_000_000, "10:00"),
}
values = [(column, value) for column in LATER for value in LATER[column]]
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    pipeline = dlt.pipeline(
        "example", pipelines_dir=folder, dataset_name="scanner",
        destination=dlt.destinations.duckdb(os.path.join(folder, "example.duckdb")),
    )
    pipeline.run([FIRST], table_name="found")
    for number, (column, value) in enumerate(values):
        pipeline.run([{"number": number, column: value}], table_name="found")
    names = [name for name in pipeline.default_schema.get_table_columns("found") if name.startswith(tuple(LATER))]
    with pipeline.sql_client() as client:
        for number, (column, value) in enumerate(values):
            texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
            [row] = client.execute_sql(f"SELECT {texts} FROM found WHERE number = {number}")
            stored = [f"{name} {text}" for name, text in zip(names, row) if text is not None]
            print(f"{column}, {value!r}:", *stored)
    os.chdir(tempfile.gettempdir())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
