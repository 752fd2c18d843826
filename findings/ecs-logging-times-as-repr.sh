#!/bin/sh
# Library: ecs-logging 2.3.0 (PyPI), Elastic's own
# Summary: A time among the fields of a record is written as `datetime.datetime(2026, 11, 10, 12, 0)`, a Decimal as
#   `Decimal('9.8')`, and a label's name with dots becomes objects.
# Guess: a time is ISO 8601 as `@timestamp` is, a Decimal a number or "9.8", an address its text.
# Behavior: what json does not know is written as Python's repr of it. A dot in any name, also of a label or a host,
#   is a level of objects.
# Output:
#     vulnerability.found: "datetime.datetime(2026, 11, 10, 12, 0, tzinfo=datetime.timezone.utc)"
#     vulnerability.due: "datetime.date(2026, 11, 10)"
#     vulnerability.score.base: "Decimal('9.8')"
#     vulnerability.tags: "{'web'}"
#     host.ip: "IPv4Address('10.0.0.1')"
#     event.id: "UUID('00000000-0000-0000-0000-000000000007')"
#     labels: {"example.com": "open"} is read back as {"example": {"com": "open"}}
# Why it matters: in an index whose fields have types the record is refused, and in one that takes them from the first
#   record the field is text for good, which no range finds. Give isoformat, float and str.
set -eu
packages="ecs-logging==2.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime
import decimal
import ipaddress
import json
import logging
import uuid

import ecs_logging

FIELDS = {
    "vulnerability.found": datetime.datetime(2026, 11, 10, 12, tzinfo=datetime.timezone.utc),
    "vulnerability.due": datetime.date(2026, 11, 10),
    "vulnerability.score.base": decimal.Decimal("9.8"),
    "vulnerability.tags": {"web"},
    "host.ip": ipaddress.ip_address("10.0.0.1"),
    "event.id": uuid.UUID(int=7),
    "labels": {"example.com": "open"},
}
formatter = ecs_logging.StdlibFormatter()
for name, value in FIELDS.items():
    record = logging.makeLogRecord({"msg": "found", name: value})
    written = json.loads(formatter.format(record))
    for part in name.split("."):
        written = written[part]
    given = f"{json.dumps(value)} is read back as " if name == "labels" else ""
    print(f"{name}: {given}{json.dumps(written)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
