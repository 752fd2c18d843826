#!/bin/sh
# Library: google-cloud-logging 3.17.0 (PyPI), its StructuredLogHandler
# Summary: A record with a time or a Decimal among its fields is not logged at all; a field `severity` or `time` is
#   dropped.
# Guess: a field that is no JSON is written as text, and a field `severity` or `time` is the entry's, as in what a
#   program prints.
# Behavior: the record is lost, because its fields are written by Python's json without a fallback; a traceback of
#   logging goes to the error stream in its place. A field `severity` or `time` is left out.
# Output:
#     as it is
#       number: {'severity': 'WARNING', 'rows': 7}
#       time: no entry
#       Decimal: no entry
#       severity and time: {'severity': 'WARNING', 'rows': 7}
#     with an encoder
#       number: {'severity': 'WARNING', 'rows': 7}
#       time: {'severity': 'WARNING', 'last': '2026-11-10 00:00:00'}
#       Decimal: {'severity': 'WARNING', 'mean': '8.3'}
#       severity and time: {'severity': 'WARNING', 'rows': 7}
# Why it matters: what a sync reports at its end, the time of the last row or a sum of NUMERIC, is missing in the log
#   just when there is one. Give the handler `json_encoder_cls`.
set -eu
packages="google-cloud-logging==3.17.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" 2>/dev/null <<'END'
import datetime
import decimal
import io
import json
import logging

from google.cloud.logging_v2.handlers import StructuredLogHandler


class AsText(json.JSONEncoder):
    def default(self, value):
        return str(value)


FIELDS = {
    "number": {"rows": 7},
    "time": {"last": datetime.datetime(2026, 11, 10)},
    "Decimal": {"mean": decimal.Decimal("8.3")},
    "severity and time": {"severity": "ERROR", "time": "2026-11-10T00:00:00Z", "rows": 7},
}
logger = logging.getLogger("sync")
for name, options in (("as it is", {}), ("with an encoder", {"json_encoder_cls": AsText})):
    print(name)
    for kind, fields in FIELDS.items():
        stream = io.StringIO()
        logger.handlers = [StructuredLogHandler(stream=stream, **options)]
        logger.warning("synced", extra={"json_fields": fields})
        entries = [json.loads(line) for line in stream.getvalue().splitlines()]
        written = [
            {key: entry[key] for key in ("severity", *fields) if key in entry}
            for entry in entries if entry.get("message") == "synced"
        ]
        print(f"  {kind}:", *written or ["no entry"])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
