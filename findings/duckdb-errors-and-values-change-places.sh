#!/bin/sh
# Library: duckdb 1.5.5 and 2.0.1 (PyPI; 2.0.0 was released in October 2026)
# Summary: The logarithm of 0 was an error and is -Infinity, the root of -1 NaN; a remainder by 0 was NULL and is an
#   error.
# Guess: a statement that runs in 1.5 runs in 2.0 with the same rows, and one that is refused is refused in both.
# Behavior: since 2.0 functions of floats have the values of IEEE 754, which stopped the query before, and `//` and `%`
#   by 0 stop the query, which were NULL before. `/` by 0 is infinite in both.
# Output:
#     1.5.5: geometric mean of EPSS: OutOfRangeException
#     1.5.5: highest root of a variance: OutOfRangeException
#     1.5.5: mean of fixed // open: 4.0
#     1.5.5: rows that have fixed % open: 1
#     1.5.5: highest fixed / open: inf
#     2.0.1: geometric mean of EPSS: 0.0
#     2.0.1: highest root of a variance: nan
#     2.0.1: mean of fixed // open: InvalidInputException
#     2.0.1: rows that have fixed % open: InvalidInputException
#     2.0.1: highest fixed / open: inf
# Why it matters: one EPSS of 0 makes the geometric mean of an account 0, where the query was refused before, and still
#   is by BigQuery. A week without open findings, which was left out of a mean, stops the report. Say what is meant:
#   `ln(nullif(epss, 0))`, `fixed // nullif(open, 0)`.
set -eu
versions="==1.5.5 ==2.0.1"
[ -z "${LATEST:-}" ] || versions="==1.5.5 >=2"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
for version in $versions; do
    "${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
        --disable-pip-version-check "duckdb$version"
    "$dir/bin/python" - <<'END'
import duckdb

release = "1.5.5" if duckdb.__version__.startswith("1.") else "2.0.1"
WEEKS = "(VALUES (8, 2, 0.9, 0.5), (3, 0, 0.0, -0.5)) AS weeks (fixed, open, epss, variance)"
for name, expression in {
    "geometric mean of EPSS": "exp(avg(ln(epss)))",
    "highest root of a variance": "max(sqrt(variance))",
    "mean of fixed // open": "avg(fixed // open)",
    "rows that have fixed % open": "count(fixed % open)",
    "highest fixed / open": "max(fixed / open)",
}.items():
    try:
        print(f"{release}: {name}:", *duckdb.execute(f"SELECT {expression} FROM {WEEKS}").fetchall()[0])
    except duckdb.Error as error:
        print(f"{release}: {name}:", type(error).__name__)
END
done >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
