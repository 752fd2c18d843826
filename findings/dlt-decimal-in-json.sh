#!/bin/sh
# Library: dlt 1.31.0 into duckdb 2.0.0 (PyPI)
# Summary: A Decimal in a JSON column becomes a string; in a column of its own it is a number.
# Guess: a Decimal within an object that goes into a JSON column is a number there, as it is in a column of its
#   own.
# Behavior: it is a string. A float stays a number, so one field has two types, depending on how the source parsed
#   it.
# Output:
#     Decimal {"epss":"0.00043"} VARCHAR
#     float {"epss":0.00043} DOUBLE
#     a column of its own Decimal('0.000430000')
# Why it matters: who reads JSON with parse_float=Decimal, in order to keep scores exact, gets text: comparisons
#   and sums of the field fail or are by the alphabet. This program parses with orjson, which gives floats, and
#   keeps integers beyond 64 bits as strings on purpose.
# Used in: scanner_sync/source/pagination.py,
#   tests/source/test_values.py::test_integers_past_64_bits_are_kept_in_json
set -eu
packages="dlt==1.31.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
RUNTIME__DLTHUB_TELEMETRY=false RUNTIME__LOG_LEVEL=CRITICAL "$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import json
import sys

import dlt
from decimal import Decimal

TEXT = '{"epss": 0.00043}'

destination = dlt.destinations.duckdb(f"{sys.argv[1]}/a.db")
pipeline = dlt.pipeline("a", pipelines_dir=sys.argv[1], destination=destination)
columns = {"extra": {"data_type": "json"}}
rows = [
    {"name": parse.__name__, "extra": json.loads(TEXT, parse_float=parse), "epss": Decimal("0.00043")}
    for parse in (Decimal, float)
]
pipeline.run(rows, table_name="t", columns=columns)
with pipeline.sql_client() as client:
    for name, extra, kind in client.execute_sql(
        "SELECT name, extra, json_type(extra, '$.epss') FROM t ORDER BY name"
    ):
        print(name, extra, kind)
    [[epss]] = client.execute_sql("SELECT DISTINCT epss FROM t")
print("a column of its own", repr(epss))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
