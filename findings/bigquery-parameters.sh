#!/bin/sh
# Library: google-cloud-bigquery 3.47.0 (PyPI)
# Summary: JSON text as a JSON parameter is encoded twice, and noon in Berlin as a DATETIME is 11:00.
# Guess: a JSON parameter takes JSON text as it takes a dict, and a DATETIME, which has no time zone, keeps the
#   clock time of its value or refuses one with a zone.
# Behavior: JSON text is encoded once more, so BigQuery gets one string in place of an object. A time with a
#   zone is moved to UTC before the zone is dropped: noon in Berlin is 11:00.
# Output:
#     JSON {'a': 1} is sent as {"a": 1}
#     JSON {"a": 1} is sent as "{\"a\": 1}"
#     DATETIME 2026-01-01 12:00:00 is sent as 2026-01-01T12:00:00.000000
#     DATETIME 2026-01-01 12:00:00+01:00 is sent as 2026-01-01T11:00:00.000000
# Why it matters: both are valid, so nothing fails: `JSON_VALUE(x, '$.a')` is NULL, and an hour is off in half
#   of the year or all of it. This program passes one JSON text as a STRING parameter and parses it in SQL.
# Used in: scanner_sync/warehouse/completion.py,
#   tests/warehouse/test_reads.py::test_more_issues_than_fit_into_a_statement
set -eu
packages="google-cloud-bigquery==3.47.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from datetime import datetime
from zoneinfo import ZoneInfo

from google.cloud.bigquery import ScalarQueryParameter

noon = datetime(2026, 1, 1, 12)
for kind, value in (
    ("JSON", {"a": 1}),
    ("JSON", '{"a": 1}'),
    ("DATETIME", noon),
    ("DATETIME", noon.replace(tzinfo=ZoneInfo("Europe/Berlin"))),
):
    print(kind, value, "is sent as", ScalarQueryParameter(None, kind, value).to_api_repr()["parameterValue"]["value"])
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
