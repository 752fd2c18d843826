#!/bin/sh
# Library: numpy 2.4.6, pandas 3.1.1, workalendar 17.0.0, holidays 0.109 (PyPI)
# Summary: Five working days after a Saturday, none after it, and the number from Monday to Friday depend on the
#   package.
# Guess: all agree: the deadline of five working days that begins on a Saturday is the next Friday.
# Behavior: numpy, told to roll forward, begins to count on the Monday: it is a week later than for the others. Zero
#   working days after a Saturday are the Saturday for workalendar, the Monday for pandas and holidays. From Monday
#   to Friday are four days for those that leave out an end, and five for the others.
# Output:
#     numpy       5 days 2026-12-07, 0 days 2026-11-30, Monday to Friday 4
#     pandas      5 days 2026-12-04, 0 days 2026-11-30, Monday to Friday 5
#     workalendar 5 days 2026-12-04, 0 days 2026-11-28, Monday to Friday 4
#     holidays    5 days 2026-12-04, 0 days 2026-11-30, Monday to Friday 5
# Why it matters: scanners find things on weekends. A policy in working days has another deadline, and another share
#   met in time, in each tool. This project counts days of 24 hours, as the vendor's goals do.
# Used in: scanner_sync/warehouse/goals.sql
set -eu
packages="numpy==2.4.6 pandas==3.1.1 workalendar==17.0.0 holidays==0.109"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from datetime import date

import holidays
import numpy as np
import pandas as pd
from workalendar.europe import Netherlands

SATURDAY, MONDAY, FRIDAY = date(2026, 11, 28), date(2026, 11, 30), date(2026, 12, 4)
calendar, country = Netherlands(), holidays.country_holidays("NL")


def show(name, after, count):
    print(f"{name:11} 5 days {after(5)}, 0 days {after(0)}, Monday to Friday {count}")


show("numpy", lambda days: np.busday_offset(SATURDAY, days, roll="forward"), np.busday_count(MONDAY, FRIDAY))
show(
    "pandas", lambda days: (pd.Timestamp(SATURDAY) + pd.offsets.BDay(days)).date(),
    len(pd.bdate_range(MONDAY, FRIDAY)),
)
show(
    "workalendar", lambda days: calendar.add_working_days(SATURDAY, days),
    calendar.get_working_days_delta(MONDAY, FRIDAY),
)
show(
    "holidays", lambda days: country.get_nth_working_day(SATURDAY, days),
    country.get_working_days_count(MONDAY, FRIDAY),
)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
