#!/bin/sh
# Library: lifelines 0.30.3 (PyPI), its datetimes_to_durations
# Summary: It cuts durations off to whole units: what was fixed after 23 hours took 0 days, and from 1 January to 1
#   March is 1 month, to the next 1 January 0 years.
# Guess: durations are floats because they have fractions, so 36 hours are 1.5 days; months and years are those of
#   the calendar, or have fractions.
# Behavior: the difference is cut off to whole units of a mean length, 365.2425 days for a year, and then made a
#   float. Nothing is said of it.
# Output:
#     in D: 0.0 0.0 0.0 0.0 1.0
#       in days: median 0.000, mean 0.200
#     in h: 6.0 12.0 23.0 23.0 36.0
#       in days: median 0.958, mean 0.833
#     in s: 21600.0 43200.0 82800.0 82800.0 129600.0
#       in days: median 0.958, mean 0.833
#     2026-01-01 to 2026-02-01 in M: 1.0
#     2026-01-01 to 2026-03-01 in M: 1.0
#     2026-01-01 to 2027-01-01 in Y: 0.0
#     2026-01-01 to 2027-01-02 in Y: 1.0
# Why it matters: the median time to fix of what is fixed within a day is 0 in place of some hours, a mean is half a
#   day too short, and a year is 0. Take `freq="s"` and divide.
set -eu
packages="lifelines==0.30.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from lifelines import KaplanMeierFitter
from lifelines.utils import datetimes_to_durations

FOUND = ["2026-11-01 00:00", "2026-11-01 12:00", "2026-11-01 12:00", "2026-11-02 18:00", "2026-11-03 00:00"]
FIXED = ["2026-11-01 06:00", "2026-11-02 00:00", "2026-11-02 11:00", "2026-11-03 17:00", "2026-11-04 12:00"]
for unit, a_day in {"D": 1, "h": 24, "s": 86_400}.items():
    durations, ended = datetimes_to_durations(FOUND, FIXED, freq=unit)
    median = KaplanMeierFitter().fit(durations / a_day, ended).median_survival_time_
    print(f"in {unit}:", *durations)
    print(f"  in days: median {median:.3f}, mean {durations.mean() / a_day:.3f}")
for unit, end in (("M", "2026-02-01"), ("M", "2026-03-01"), ("Y", "2027-01-01"), ("Y", "2027-01-02")):
    durations, ended = datetimes_to_durations(["2026-01-01"], [end], freq=unit, fill_date="2028-01-01")
    print(f"2026-01-01 to {end} in {unit}:", *durations)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
