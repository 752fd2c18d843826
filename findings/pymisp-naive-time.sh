#!/bin/sh
# Library: pymisp 2.5.34.4 (PyPI)
# Summary: A time without a zone is one of the machine that runs it, so two machines store two instants.
# Guess: a time without a zone counts as UTC, as MISP stores it, whatever the machine's zone.
# Behavior: `first_seen` of a datetime, and of a text without a zone, is taken in the zone of the process. So is
#   `publish_timestamp`.
# Output:
#     UTC              2026-11-30T00:00:00+00:00 2026-11-30T00:00:00+00:00 1795996800
#     America/New_York 2026-11-30T00:00:00-05:00 2026-11-30T00:00:00-05:00 1796014800
# Why it matters: what a laptop in New York sends is five hours later than what the function in the cloud does, and
#   a comparison of the two finds a change in each row. Give each time its zone.
set -eu
packages="pymisp==2.5.34.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import os
import time
from datetime import datetime

from pymisp import MISPAttribute, MISPEvent

for zone in "UTC", "America/New_York":
    os.environ["TZ"] = zone
    time.tzset()
    attribute = MISPAttribute()
    attribute.from_dict(type="vulnerability", value="CVE-2026-0001")
    attribute.first_seen = datetime(2026, 11, 30)
    attribute.last_seen = "2026-11-30T00:00:00"
    event = MISPEvent()
    event.from_dict(info="One", date="2026-11-30", publish_timestamp=datetime(2026, 11, 30))
    print(
        f"{zone:16}", attribute.first_seen.isoformat(), attribute.last_seen.isoformat(),
        event.to_dict()["publish_timestamp"],
    )
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
