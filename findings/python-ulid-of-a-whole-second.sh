#!/bin/sh
# Library: python-ulid 4.1.0 beside ulid-transform 2.2.9 (PyPI)
# Summary: From a time in whole seconds it makes a ULID of January 1970, from the same number as a float one of 2026.
# Guess: ULIDs from the timestamps 1796040000 and 1796040000.0 have one time, as the numbers are equal.
# Behavior: a float is taken for seconds, an int for milliseconds. ulid-transform takes both for seconds.
# Output:
#     1796040000: 1970-01-21 18:54:00, ulid-transform 2026-11-30 12:00:00
#     1796040000.0: 2026-11-30 12:00:00, ulid-transform 2026-11-30 12:00:00
#     1796040000.5: 2026-11-30 12:00:00, ulid-transform 2026-11-30 12:00:00
#     1796039999.5: 2026-11-30 11:59:59, ulid-transform 2026-11-30 11:59:59
#     in the order of their ids: 1796040000 1796039999.5 1796040000.0 1796040000.5
#     from_datetime: 2026-11-30
# Why it matters: ids that are made from a file's time, a JSON number or `int(time.time())` sort before all others, so
#   what reads on from the last id never sees them. A backfill of times that are floats where they have a fraction and
#   ints where they have none is split over 57 years. Give `from_datetime` a time with its zone.
set -eu
packages="python-ulid==4.1.0 ulid-transform==2.2.9"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime
import json

import ulid_transform
from ulid import ULID

UTC = datetime.timezone.utc
seen = json.loads("[1796040000, 1796040000.0, 1796040000.5, 1796039999.5]")
ids = [ULID.from_timestamp(time) for time in seen]
for time, id in zip(seen, ids):
    other = ulid_transform.ulid_to_timestamp(ulid_transform.ulid_at_time(time)) / 1000
    print(f"{time}: {id.datetime:%Y-%m-%d %H:%M:%S}, ulid-transform",
          f"{datetime.datetime.fromtimestamp(other, UTC):%Y-%m-%d %H:%M:%S}")
print("in the order of their ids:", *(time for _, time in sorted(zip(ids, seen))))
print("from_datetime:", ULID.from_datetime(datetime.datetime.fromtimestamp(1796040000, UTC)).datetime.date())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
