#!/bin/sh
# Library: isoduration 20.11.0 beside isodate 0.7.2 and aniso8601 10.0.1 (PyPI)
# Summary: Added to a date, it rounds each part of a duration: half a year is a year, an hour and a half two hours, and
#   a quarter of a second nothing.
# Guess: PT1.5H is 90 minutes and PT0.25S a quarter of a second. (That it makes a year of P0.5Y was seen before.)
# Behavior: the parts are read as exact decimals, and rounded to whole numbers, halves up, when they are added. Half a
#   month is refused; half a year is not.
# Output:
#     31 January and P1M:
#       isoduration 2026-02-28 00:00, isodate 2026-02-28 00:00, aniso8601 2026-03-02 00:00
#     31 January and P0.5Y:
#       isoduration 2027-01-31 00:00, isodate refuses it, aniso8601 2026-08-01 12:00
#     31 January and P0.5M:
#       isoduration refuses it, isodate refuses it, aniso8601 2026-02-15 00:00
#     31 January and P1.5D:
#       isoduration 2026-02-02 00:00, isodate 2026-02-01 12:00, aniso8601 2026-02-01 12:00
#     31 January and PT1.5H:
#       isoduration 2026-01-31 02:00, isodate 2026-01-31 01:30, aniso8601 2026-01-31 01:30
#     31 January and PT0.25S:
#       isoduration 2026-01-31 00:00, isodate 2026-01-31 00:00:00.250, aniso8601 2026-01-31 00:00:00.250
# Why it matters: a due date is up to half a year late, and a time moved by a fraction of a second stands still. It
#   is what jsonschema checks the format "duration" with, so it is there already. Write days and hours as integers.
set -eu
packages="isoduration==20.11.0 isodate==0.7.2 aniso8601==10.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime

import aniso8601
import isodate
import isoduration

START = datetime.datetime(2026, 1, 31)
READERS = {
    "isoduration": isoduration.parse_duration,
    "isodate": isodate.parse_duration,
    "aniso8601": aniso8601.parse_duration,
}
for text in ("P1M", "P0.5Y", "P0.5M", "P1.5D", "PT1.5H", "PT0.25S"):
    found = []
    for name, read in READERS.items():
        try:
            moved = (START + read(text)).isoformat(" ", "milliseconds")
            found.append(f"{name} {moved.removesuffix('.000').removesuffix(':00')}")
        except ValueError:
            found.append(f"{name} refuses it")
    print(f"31 January and {text}:\n  {', '.join(found)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
