#!/bin/sh
# Library: narwhals 2.29.0 with polars 2.1.0, pandas 3.1.1, pyarrow 26.0.1, duckdb 2.0.0 (PyPI)
# Summary: `unpivot` leaves out the rows whose value is NULL on duckdb, and on no other; `round` and a cast to integers
#   differ between them, too.
# Guess: one expression has the same rows and values on each of them, as that is what narwhals is for.
# Behavior: it writes UNPIVOT, which excludes NULL by default. polars and pandas round 2.5 to 2, the others to 3; a cast
#   of 2.6 is 3 on duckdb, 2 on polars and pandas, and an error on pyarrow.
# Output:
#     polars: 6 rows, of id 1 1 2 2 3 3
#       2.5 and 2.6 rounded: [2.0, 3.0] as integers: [2, 2]
#     pandas: 6 rows, of id 1 1 2 2 3 3
#       2.5 and 2.6 rounded: [2.0, 3.0] as integers: [2, 2]
#     pyarrow: 6 rows, of id 1 1 2 2 3 3
#       2.5 and 2.6 rounded: [3.0, 3.0] as integers: ArrowInvalid
#     duckdb: 4 rows, of id 1 1 2 3
#       2.5 and 2.6 rounded: [3.0, 3.0] as integers: [2, 3]
# Why it matters: findings without a score are gone from a table made long on duckdb, and from its count, while a test
#   with polars has them. Fill NULL first, or write the union of the columns.
set -eu
packages="narwhals==2.29.0 polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import duckdb
import narwhals
import polars

found = polars.DataFrame({"id": [1, 2, 3], "cvss": [2.5, None, 2.6], "epss": [0.5, 0.97, None]})
arrow = found.to_arrow()
TABLES = {"polars": found, "pandas": found.to_pandas(), "pyarrow": arrow, "duckdb": duckdb.sql("FROM arrow")}
for name, table in TABLES.items():
    rows = narwhals.from_native(table).lazy()
    long = rows.unpivot(["cvss", "epss"], index="id").collect("polars")
    print(f"{name}: {len(long)} rows, of id", *long["id"].sort().to_list())
    scores = rows.filter(narwhals.col("id") != 2)
    answers = []
    for expression in (narwhals.col("cvss").round(0), narwhals.col("cvss").cast(narwhals.Int64)):
        try:
            answers.append(scores.select(expression).collect("polars")["cvss"].to_list())
        except Exception as error:
            answers.append(type(error).__name__)
    print("  2.5 and 2.6 rounded:", answers[0], "as integers:", answers[1])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
