#!/bin/sh
# Library: duckdb 1.3.2 and 2.0.0 (PyPI; 2.0.0 was released in October 2026)
# Summary: Text with an offset that is cast to TIMESTAMP was moved to UTC in 1.3; newer releases drop the offset.
# Guess: half past eleven in New York is 04:30 of the next day as a TIMESTAMP, which DuckDB keeps in UTC.
# Behavior: it is in 1.3.2. In 2.0.0, as in 1.5.5, it is 23:30 of the same day: the offset is read and ignored,
#   without a warning. As a TIMESTAMPTZ it is the same instant in both.
# Output:
#     1.3.2 TIMESTAMP 2026-01-02 04:30:00
#     1.3.2 TIMESTAMPTZ 2026-01-02 04:30:00 in UTC
#     2.0.0 TIMESTAMP 2026-01-01 23:30:00
#     2.0.0 TIMESTAMPTZ 2026-01-02 04:30:00 in UTC
# Why it matters: after an upgrade, new rows are hours away from old ones with the same text, and on another day.
#   Cast to TIMESTAMPTZ. This program converts each time to UTC itself, before anything else reads it.
# Used in: scanner_sync/source/rows.py, tests/source/test_values.py::test_dates_and_times_are_in_utc
set -eu
versions="==1.3.2 ==2.0.0"
[ -z "${LATEST:-}" ] || versions="==1.3.2 >=2"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
for version in $versions; do
    "${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
        --disable-pip-version-check "duckdb$version"
    "$dir/bin/python" - <<'END'
import duckdb

release = "1.3.2" if duckdb.__version__.startswith("1.") else "2.0.0"
text = "'2026-01-01T23:30:00-05:00'"
for kind, of in (("TIMESTAMP", "value"), ("TIMESTAMPTZ", "value AT TIME ZONE 'UTC'")):
    sql = f"SELECT CAST({of} AS VARCHAR) FROM (SELECT CAST({text} AS {kind}) AS value)"
    [[value]] = duckdb.sql(sql).fetchall()
    print(release, kind, value + (" in UTC" if kind == "TIMESTAMPTZ" else ""))
END
done >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
