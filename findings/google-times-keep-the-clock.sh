#!/bin/sh
# Library: google-cloud-logging 3.17.0 and google-cloud-storage 3.17.1 with google-cloud-core 2.8.0 (PyPI)
# Summary: Noon in Berlin is sent as noon in UTC, as the time of a log entry, an object's own time and the end of its
#   retention.
# Guess: a datetime with a zone is an instant, so noon in Berlin is sent as 11:00Z.
# Behavior: the zone is dropped, and the time of its clock is called UTC. Nothing is raised, and what is read back is
#   the shifted time.
# Output:
#     noon in Berlin, 11:00Z
#       entry.timestamp: 2026-11-10T12:00:00.000000Z
#       blob.custom_time: 2026-11-10T12:00:00+00:00 False
#       blob.retention.retain_until_time: 2026-11-10T12:00:00+00:00
#     noon in New York, 17:00Z
#       entry.timestamp: 2026-11-10T12:00:00.000000Z
#       blob.custom_time: 2026-11-10T12:00:00+00:00 False
#       blob.retention.retain_until_time: 2026-11-10T12:00:00+00:00
#     noon in UTC, 12:00Z
#       entry.timestamp: 2026-11-10T12:00:00.000000Z
#       blob.custom_time: 2026-11-10T12:00:00+00:00 True
#       blob.retention.retain_until_time: 2026-11-10T12:00:00+00:00
# Why it matters: entries that are written with the scanner's times sort an hour off among all others, and an object
#   is kept for hours more or fewer than was promised, by the zone that its time came in. Call
#   `astimezone(datetime.UTC)` first.
set -eu
packages="google-cloud-logging==3.17.0 google-cloud-storage==3.17.1 google-cloud-core==2.8.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime
import zoneinfo

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.logging_v2.entries import StructEntry

CLOCKS = {"Berlin": "Europe/Berlin", "New York": "America/New_York", "UTC": "UTC"}
client = storage.Client(project="example", credentials=AnonymousCredentials())
for city, zone in CLOCKS.items():
    noon = datetime.datetime(2026, 11, 10, 12, tzinfo=zoneinfo.ZoneInfo(zone))
    entry = StructEntry(log_name="projects/example/logs/sync", payload={"rows": 7}, timestamp=noon)
    blob = client.bucket("example").blob("findings.jsonl")
    blob.custom_time = noon
    blob.retention.retain_until_time = noon
    print(f"noon in {city}, {noon.astimezone(datetime.timezone.utc):%H:%MZ}")
    print("  entry.timestamp:", entry.to_api_repr()["timestamp"])
    print("  blob.custom_time:", blob.custom_time.isoformat(), blob.custom_time == noon)
    print("  blob.retention.retain_until_time:", blob.retention.retain_until_time.isoformat())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
