#!/bin/sh
# Library: dlt 1.31.0 (PyPI)
# Summary: The run after a failed load drops the rows that it was given, and succeeds.
# Guess: after a run whose load failed, the next run loads what it was given, perhaps with what was left.
# Behavior: it loads what was left, drops what it was given, and returns without an error. The run after that
#   loads its own rows again.
# Output:
#     run 1 failed
#     arrived: [1]
#     run 2 succeeded
#     arrived: [3]
#     run 3 succeeded
# Why it matters: a retry reports success and the rows of one run are nowhere. This program starts each sync in
#   an empty working directory.
# Used in: docs/decisions.md#a-process-and-an-empty-directory-for-each-sync, scanner_sync/warehouse/pipeline.py,
#   tests/warehouse/test_recovery.py::test_the_next_sync_recovers_from_a_kill_while_loading
set -eu
packages="dlt==1.31.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/load.py" <<'EOF'
import sys

import dlt
from dlt.destinations.exceptions import DestinationTerminalException
from dlt.pipeline.exceptions import PipelineStepFailed

down = True


@dlt.destination(batch_size=10, name="warehouse")
def warehouse(rows, table):
    if down:
        raise DestinationTerminalException("down")
    print("arrived:", [row["id"] for row in rows])


pipeline = dlt.pipeline("a", pipelines_dir=sys.argv[1], destination=warehouse)
for number in (1, 2, 3):
    try:
        pipeline.run([{"id": number}], table_name="issues")
        print(f"run {number} succeeded")
    except PipelineStepFailed:
        print(f"run {number} failed")
    down = False
EOF
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" "$dir/load.py" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
