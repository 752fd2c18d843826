#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: With the strategy scd2, a load without rows ends no row's validity.
# Guess: with the strategy scd2, a load without rows ends the validity of every row, as a load without one of them
#   ends that one's.
# Behavior: a load without rows does nothing, and all stay valid. With one row left, the other ends.
# Output:
#     two rows [(1, 'valid'), (2, 'valid')]
#     no row [(1, 'valid'), (2, 'valid')]
#     one row [(1, 'valid'), (2, 'ended')]
# Why it matters: the day on which the last finding is fixed is the one on which the history says that all are
#   open. This program keeps its histories itself, and an empty listing closes them.
# Used in: docs/decisions.md#one-transaction-at-the-end, scanner_sync/warehouse/history.py,
#   tests/warehouse/test_history.py::test_a_month_of_an_account
set -eu
packages="dlt==1.31.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import sys

import dlt


@dlt.resource(
    name="issues", primary_key="id", write_disposition={"disposition": "merge", "strategy": "scd2"}
)
def issues(rows):
    yield from rows


destination = dlt.destinations.duckdb(f"{sys.argv[1]}/a.db")
pipeline = dlt.pipeline("a", pipelines_dir=sys.argv[1], destination=destination)
for name, rows in (
    ("two rows", [{"id": 1}, {"id": 2}]),
    ("no row", []),
    ("one row", [{"id": 1}]),
):
    pipeline.run(issues(rows))
    with pipeline.sql_client() as client:
        found = client.execute_sql(
            "SELECT id, if(_dlt_valid_to IS NULL, 'valid', 'ended') FROM issues ORDER BY id"
        )
    print(name, [tuple(row) for row in found])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
