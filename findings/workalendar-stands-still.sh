#!/bin/sh
# Library: workalendar 17.0.0 beside holidays 0.109 (PyPI)
# Summary: For 2026 and 2027 Juneteenth is a working day in the United States, Matariki in New Zealand and Christmas Eve
#   in Poland, and Denmark's Store Bededag, which was abolished, is a holiday.
# Guess: two packages have the same holidays on weekdays of 2026 and 2027, as they follow from laws.
# Behavior: its last release is of January 2023. It computes any later year by what it knew then, without a warning. The
#   federal holiday of 2021 is not in it either.
# Output:
#     US only by holidays: 2026-06-19
#     US only by holidays: 2027-06-18
#     NZ only by holidays: 2026-07-10
#     NZ only by holidays: 2027-06-25
#     PL only by holidays: 2026-12-24
#     PL only by holidays: 2027-12-24
#     DK only by workalendar: 2026-05-01 2026-12-24
#     DK only by workalendar: 2027-04-23 2027-12-24
# Why it matters: "five working days to fix" ends a day early or late, by country and package, and nothing says how old
#   the calendar is. Ask a calendar for a holiday of this year that you know.
set -eu
packages="workalendar==17.0.0 holidays==0.109"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import warnings

import holidays

warnings.simplefilter("ignore")
from workalendar.registry import registry

for country in ("US", "NZ", "PL", "DK"):
    for year in (2026, 2027):
        calendar = registry.get(country)()
        a = {day for day in holidays.country_holidays(country, years=year) if day.weekday() < 5 and day.year == year}
        b = {day for day, _ in calendar.holidays(year) if day.weekday() < 5 and day.year == year}
        for name, days in (("holidays", a - b), ("workalendar", b - a)):
            if days:
                print(country, "only by", name + ":", *sorted(map(str, days)))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
