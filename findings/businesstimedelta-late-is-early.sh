#!/bin/sh
# Library: businesstimedelta 1.0.1 (PyPI)
# Summary: From the due time to a fix two hours before it are two working hours, as to one two hours after it.
# Guess: the difference is negative where the second time is before the first, as of two datetimes in Python.
# Behavior: the two times are put in order, and nothing tells which was first. Subtracting a difference from a time
#   goes back, as it should.
# Output:
#     two hours early: 2 working hours, datetime -2 h
#     two hours late: 2 working hours, datetime 2 h
#     a weekend early: 12 working hours, datetime -92 h
#     mean lateness: 5.3 working hours
#     due less two working hours: 2026-11-10 10:00:00
# Why it matters: of a goal, by `difference(due, fixed).hours <= 0`, nothing is fixed in time, and in a mean lateness
#   what was early is late. Compare the times before they are subtracted.
set -eu
packages="businesstimedelta==1.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from datetime import datetime, time

import businesstimedelta

hours = businesstimedelta.Rules([
    businesstimedelta.WorkDayRule(start_time=time(9), end_time=time(17), working_days=[0, 1, 2, 3, 4])
])
DUE = datetime(2026, 11, 10, 12)
FIXED = {
    "two hours early": datetime(2026, 11, 10, 10), "two hours late": datetime(2026, 11, 10, 14),
    "a weekend early": datetime(2026, 11, 6, 16),
}
for name, fixed in FIXED.items():
    working = hours.difference(DUE, fixed)
    print(f"{name}: {working.hours} working hours, datetime {(fixed - DUE).total_seconds() / 3600:g} h")
mean = sum(hours.difference(DUE, fixed).hours for fixed in FIXED.values()) / len(FIXED)
print(f"mean lateness: {mean:.1f} working hours")
back = DUE - businesstimedelta.BusinessTimeDelta(hours, hours=2)
print("due less two working hours:", back.replace(tzinfo=None))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
