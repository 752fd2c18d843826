#!/bin/sh
# Library: pandas 3.1.1 beside isodate 0.7.2 (PyPI)
# Summary: Its Timedelta reads the duration P1.5D as five days and a second, PT0.5H as five hours, and P1M, a
#   month, as a minute.
# Guess: of fractions in hours, minutes and seconds (PT1.5H, PT0.5M, PT1.5S) it has the value that ISO 8601 gives, and
#   to_timedelta too. (That P1M is a minute and P1.5D is five days and a second was seen before.)
# Behavior: a point ends a number, which counts as seconds, and the digits after it are the number of the unit that
#   follows. Fractions of a second are read right. A year is refused, a month is not: its M is that of minutes.
# Output:
#     P1.5D: pandas 5 days 00:00:01; isodate 1.5 days from 10 November
#     P10.5D: pandas 5 days 00:00:10; isodate 10.5 days from 10 November
#     P1.5W: pandas 35 days 00:00:01; isodate 10.5 days from 10 November
#     PT0.5H: pandas 0 days 05:00:00; isodate 0.02083333 days from 10 November
#     PT1.5S: pandas 0 days 00:00:01.500000; isodate 1.736111e-05 days from 10 November
#     P1M: pandas 0 days 00:01:00; isodate 30 days from 10 November
#     P1Y: pandas refused; isodate 365 days from 10 November
#     PT36H: pandas 1 days 12:00:00; isodate 1.5 days from 10 November
# Why it matters: half days and half hours are how goals are written, and "P1M" is a month in each. A due date is off by
#   days or is today, and nothing is refused. Read durations by a library that is for them.
set -eu
packages="pandas==3.1.1 isodate==0.7.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime

import isodate
import pandas

NOW = datetime.datetime(2026, 11, 10)
for text in ("P1.5D", "P10.5D", "P1.5W", "PT0.5H", "PT1.5S", "P1M", "P1Y", "PT36H"):
    try:
        by_pandas = f"{pandas.Timedelta(text)}"
        assert [pandas.Timedelta(text)] == list(pandas.to_timedelta(pandas.Series([text])))
    except ValueError:
        by_pandas = "refused"
    days = (NOW + isodate.parse_duration(text) - NOW) / datetime.timedelta(days=1)
    print(f"{text}: pandas {by_pandas}; isodate {days:.7g} days from 10 November")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
