#!/bin/sh
# Library: pyiceberg 0.12.0 with pyarrow 26.0.1 (PyPI)
# Summary: A scan by `status not in ('fixed', 'gone')` takes rows without a status, one by `status not in ('fixed')`
#   or `!=` does not, and neither does a delete by any of them.
# Guess: a longer list leaves out more rows, never fewer; NULL is in none of them, as in SQL; and a delete removes
#   the rows that a scan by its condition shows.
# Behavior: in a scan a list of one becomes `!=`, which is false for NULL, and a list of two is true for it. A delete
#   by the same condition leaves rows without a status where they are. Nothing is raised.
# Output:
#     status != 'fixed': scan [3], left by delete [1, 2]
#     status not in ('fixed'): scan [3], left by delete [1, 2]
#     status not in ('fixed', 'gone'): scan [2, 3], left by delete [1, 2]
#     not status in ('fixed', 'gone'): scan [2, 3], left by delete [1, 2]
#     status != 'fixed' and status != 'gone': scan [3], left by delete [1, 2]
#     status is not null and status not in ('fixed', 'gone'): scan [3], left by delete [1, 2]
# Why it matters: what is open is counted with other rows as soon as a second status is left out, and a delete whose
#   rows were looked at by a scan keeps some of them. Say `status is not null and` first.
set -eu
packages="pyiceberg[sql-sqlite]==0.12.0 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import tempfile
import warnings

import pyarrow
from pyiceberg.catalog.memory import InMemoryCatalog

warnings.simplefilter("ignore")
FILTERS = (
    "status != 'fixed'", "status not in ('fixed')", "status not in ('fixed', 'gone')", "not status in ('fixed', 'gone')",
    "status != 'fixed' and status != 'gone'", "status is not null and status not in ('fixed', 'gone')",
)
found = pyarrow.table({"issue_id": [1, 2, 3], "status": ["fixed", None, "open"]})
with tempfile.TemporaryDirectory() as folder:
    catalog = InMemoryCatalog("example", warehouse=f"file://{folder}")
    catalog.create_namespace("scanner")
    for number, condition in enumerate(FILTERS):
        table = catalog.create_table(f"scanner.found_{number}", schema=found.schema)
        table.append(found)
        taken = table.scan(row_filter=condition).to_arrow()["issue_id"].to_pylist()
        table.delete(condition)
        print(f"{condition}: scan {taken}, left by delete {table.scan().to_arrow()['issue_id'].to_pylist()}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
