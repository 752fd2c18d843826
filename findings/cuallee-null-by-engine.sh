#!/bin/sh
# Library: cuallee 0.15.4 with pandas 2.3.3, polars 1.44.2 and duckdb 2.0.1 (PyPI)
# Summary: One check of one table passes or fails by the engine: whether NULL is a value, and in pandas and DuckDB four
#   rows that are all different are not unique.
# Guess: the same check has the same result on pandas, polars and duckdb, with NULLs too.
# Behavior: that a value is not in a list fails for NULL in polars and DuckDB, and passes in pandas. NULL is a distinct
#   value in polars alone. Rows of two columns that have a NULL in them are never unique, but in polars.
# Output:
#     severity is complete: pandas FAIL (1), polars FAIL (1), duckdb FAIL (1)
#     score is below 9: pandas FAIL (1), polars FAIL (1), duckdb FAIL (1)
#     severity is not unknown: pandas PASS (0), polars FAIL (1), duckdb FAIL (1)
#     severity has 2 values: pandas PASS (0), polars FAIL (4), duckdb PASS (0)
#     host and severity are unique: pandas FAIL (2), polars PASS (0), duckdb FAIL (2)
# Why it matters: checks that passed on a sample in pandas fail on the warehouse, or the other way round: a severity
#   that is NULL is "not one of the unknown ones". Check for NULL by a check of its own.
set -eu
packages="cuallee==0.15.4 pandas==2.3.3 polars==1.44.2 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import cuallee
import duckdb
import pandas
import polars

rows = {"host": ["a", "b", "b", None], "severity": ["low", "high", None, "high"], "score": [3.1, 7.5, None, 8.8]}
database = duckdb.connect()
database.execute("CREATE TABLE findings (host TEXT, severity TEXT, score DOUBLE)")
database.executemany("INSERT INTO findings VALUES (?, ?, ?)", list(zip(*rows.values())))
for name, check in {
    "severity is complete": lambda checks: checks.is_complete("severity"),
    "score is below 9": lambda checks: checks.is_less_than("score", 9),
    "severity is not unknown": lambda checks: checks.not_contained_in("severity", ("unknown",)),
    "severity has 2 values": lambda checks: checks.has_cardinality("severity", 2),
    "host and severity are unique": lambda checks: checks.are_unique(("host", "severity")),
}.items():
    found = []
    for engine, data in ("pandas", pandas.DataFrame(rows)), ("polars", polars.DataFrame(rows)), ("duckdb", database):
        checks = cuallee.Check(cuallee.CheckLevel.WARNING, "findings", table_name="findings")
        report = check(checks).validate(data)
        report = report.to_dicts()[0] if engine == "polars" else report.to_dict("records")[0]
        found.append(f"{engine} {report['status']} ({int(report['violations'])})")
    print(f"{name}: {', '.join(found)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
