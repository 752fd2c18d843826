#!/bin/sh
# Library: apscheduler 3.11.3 beside croniter 7.0.0, cronsim 2.8 (PyPI)
# Summary: From a crontab's `0 6 * * 1-5` it makes Tuesday to Saturday, from `0 6 * * 0` each Monday, and a day of
#   the month and a weekday must both hold.
# Guess: `from_crontab` reads an expression as cron does: 0 is Sunday, 1 is Monday, and of two days either will do.
# Behavior: 0 is Monday, as in its own triggers, and the seventh day, 7, is an error. The 1st and each Monday becomes
#   the 1st that is a Tuesday. Names of weekdays mean the same everywhere.
# Output:
#     0 6 * * 1-5
#       apscheduler: Tue 01 Dec, Wed 02 Dec, Thu 03 Dec, Fri 04 Dec, Sat 05 Dec, Tue 08 Dec
#       croniter: Mon 30 Nov, Tue 01 Dec, Wed 02 Dec, Thu 03 Dec, Fri 04 Dec, Mon 07 Dec
#       cronsim: Mon 30 Nov, Tue 01 Dec, Wed 02 Dec, Thu 03 Dec, Fri 04 Dec, Mon 07 Dec
#     0 6 * * mon-fri
#       apscheduler: Mon 30 Nov, Tue 01 Dec, Wed 02 Dec, Thu 03 Dec, Fri 04 Dec, Mon 07 Dec
#       croniter: Mon 30 Nov, Tue 01 Dec, Wed 02 Dec, Thu 03 Dec, Fri 04 Dec, Mon 07 Dec
#       cronsim: Mon 30 Nov, Tue 01 Dec, Wed 02 Dec, Thu 03 Dec, Fri 04 Dec, Mon 07 Dec
#     0 6 * * 0
#       apscheduler: Mon 30 Nov, Mon 07 Dec, Mon 14 Dec, Mon 21 Dec, Mon 28 Dec, Mon 04 Jan
#       croniter: Sun 29 Nov, Sun 06 Dec, Sun 13 Dec, Sun 20 Dec, Sun 27 Dec, Sun 03 Jan
#       cronsim: Sun 29 Nov, Sun 06 Dec, Sun 13 Dec, Sun 20 Dec, Sun 27 Dec, Sun 03 Jan
#     0 6 1 * 1
#       apscheduler: Tue 01 Dec, Tue 01 Jun, Tue 01 Feb, Tue 01 Aug, Tue 01 May, Tue 01 Jan
#       croniter: Mon 30 Nov, Tue 01 Dec, Mon 07 Dec, Mon 14 Dec, Mon 21 Dec, Mon 28 Dec
#       cronsim: Mon 30 Nov, Tue 01 Dec, Mon 07 Dec, Mon 14 Dec, Mon 21 Dec, Mon 28 Dec
# Why it matters: the sync of working days runs on Saturday and not on Monday, and a limit on the age of the data
#   alarms once a week. Write `mon-fri`, and two jobs for two kinds of day.
set -eu
packages="apscheduler==3.11.3 croniter==7.0.0 cronsim==2.8"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

START = datetime.datetime(2026, 11, 29, tzinfo=datetime.timezone.utc)


def apscheduler(expression):
    trigger, after = CronTrigger.from_crontab(expression, timezone="UTC"), START
    while True:
        yield (after := trigger.get_next_fire_time(None, after))
        after += datetime.timedelta(minutes=1)


for expression in ("0 6 * * 1-5", "0 6 * * mon-fri", "0 6 * * 0", "0 6 1 * 1"):
    print(expression)
    for name, times in {
        "apscheduler": apscheduler(expression),
        "croniter": croniter(expression, START, ret_type=datetime.datetime),
        "cronsim": CronSim(expression, START),
    }.items():
        print(f"  {name}:", *(f"{next(times):%a %d %b}," for _ in range(5)), f"{next(times):%a %d %b}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
