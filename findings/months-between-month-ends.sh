#!/bin/sh
# Library: pendulum 3.3.0 beside whenever 0.11.0, python-dateutil 4.0.0 (PyPI)
# Summary: From 30 November to 28 February are two months for pendulum and three for the others, which is also the
#   day that each of them gives for three months later.
# Guess: they agree on months and days between 31 January and 1 March, and between 30 November and 28 February.
# Behavior: pendulum counts a month when the day's number is reached, so a month that has no such day is none, but from
#   31 January to 28 February it is one. Adding months ends on the last day, by all.
# Output:
#     2026-01-31 to 2026-03-01: dateutil P1M1D, whenever P1M1D, pendulum 1; 1 later is 2026-02-28, 2026-02-28
#     2026-01-31 to 2026-02-28: dateutil P1M0D, whenever P1M0D, pendulum 1; 1 later is 2026-02-28, 2026-02-28
#     2026-11-30 to 2027-02-28: dateutil P3M0D, whenever P3M0D, pendulum 2; 3 later is 2027-02-28, 2027-02-28
#     2026-08-31 to 2026-11-30: dateutil P3M0D, whenever P3M0D, pendulum 3; 3 later is 2026-11-30, 2026-11-30
#     2024-02-29 to 2027-02-28: dateutil P36M0D, whenever P36M0D, pendulum 35; 36 later is 2027-02-28, 2027-02-28
# Why it matters: "open for three months", reckoned from the last days of a month, is true a day later or earlier, and
#   a due date that was made by adding is not the one that comparing gives. Compare dates, not numbers of months.
set -eu
packages="pendulum==3.3.0 whenever==0.11.0 python-dateutil==4.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime

import pendulum
import whenever
from dateutil.relativedelta import relativedelta

for start, end in (
    ("2026-01-31", "2026-03-01"), ("2026-01-31", "2026-02-28"), ("2026-11-30", "2027-02-28"),
    ("2026-08-31", "2026-11-30"), ("2024-02-29", "2027-02-28"),
):
    first, last = (datetime.date.fromisoformat(day) for day in (start, end))
    by_dateutil = relativedelta(last, first)
    months = by_dateutil.years * 12 + by_dateutil.months
    by_whenever = whenever.Date(last).since(whenever.Date(first), in_units=["months", "days"])
    by_pendulum = pendulum.interval(pendulum.parse(start, exact=True), pendulum.parse(end, exact=True)).in_months()
    later = first + relativedelta(months=months), pendulum.parse(start, exact=True).add(months=months)
    print(f"{start} to {end}: dateutil P{months}M{by_dateutil.days}D, whenever {by_whenever}, "
          f"pendulum {by_pendulum}; {months} later is {later[0]}, {later[1]}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
