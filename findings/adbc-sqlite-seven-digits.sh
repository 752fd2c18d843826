#!/bin/sh
# Library: adbc-driver-sqlite 1.13.0 with pyarrow 26.0.1 (PyPI), of Apache Arrow
# Summary: A number in a column that also has text comes as text with seven digits: EPSS 0.123456789 as "1.234568e-01",
#   a time in seconds as "1.763000e+09".
# Guess: a column whose later rows have fractions or text gives all values, or an error.
# Behavior: the type of a column is that of its first 1,024 rows, and text if there is one text among them. Floats
#   become text by C's %e, which is seven digits; integers keep their digits. Text after row 1,024 is an error.
# Output:
#     SELECT value FROM findings: double, 9.8, 0.123456789, 1763000000.25, None
#     SELECT coalesce(value, 'none') FROM findings: string, 9.800000e+00, 1.234568e-01, 1.763000e+09, none
#     SELECT coalesce(CAST(value AS TEXT), 'none') FROM findings: string, 9.8, 0.123456789, 1763000000.25, none
#     SELECT DISTINCT CASE id WHEN 4 THEN 'none' ELSE 9007199254740993 END FROM findings: string, 9007199254740993, none
#     text from row 1024 on: string
#     text from row 1025 on: [SQLite] Type mismatch in column 0: expected INT64 but got STRING/BINARY
# Why it matters: `coalesce(score, 'none')` is such a column, and so is one without a declared type. 9.8 and
#   9.800000e+00 are no longer equal, and times and probabilities have lost digits for good. Cast in the query.
set -eu
packages="adbc-driver-sqlite==1.13.0 adbc-driver-manager==1.13.0 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import adbc_driver_sqlite.dbapi

SETUP = "WITH findings (id, value) AS (VALUES (1, 9.8), (2, 0.123456789), (3, 1763000000.25), (4, NULL)) "
with adbc_driver_sqlite.dbapi.connect() as connection, connection.cursor() as cursor:
    for query in (
        "SELECT value FROM findings",
        "SELECT coalesce(value, 'none') FROM findings",
        "SELECT coalesce(CAST(value AS TEXT), 'none') FROM findings",
        "SELECT DISTINCT CASE id WHEN 4 THEN 'none' ELSE 9007199254740993 END FROM findings",
    ):
        cursor.execute(SETUP + query)
        values = cursor.fetch_arrow_table()[0]
        print(f"{query}: {values.type}, {', '.join(map(str, values.to_pylist()))}")
    for rows in 1024, 1025:
        cursor.execute(
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
            f"SELECT CASE WHEN i < {rows} THEN i ELSE 'none' END FROM n"
        )
        try:
            print(f"text from row {rows} on: {cursor.fetch_arrow_table()[0].type}")
        except OSError as error:
            print(f"text from row {rows} on: {error}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
