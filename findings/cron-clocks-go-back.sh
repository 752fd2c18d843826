#!/bin/sh
# Library: croniter 7.0.0 beside cronsim 2.8 (PyPI)
# Summary: A daily job runs twice on the day when clocks go back.
# Guess: a daily job at 02:30 runs once a day, and on the day when clocks go back at one of the two times.
# Behavior: croniter gives both, an hour apart. cronsim gives the first one, as cron does.
# Output:
#     croniter 2026-10-25T02:30:00+02:00 2026-10-25T02:30:00+01:00 2026-10-26T02:30:00+01:00
#     cronsim  2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00 2026-10-27T02:30:00+01:00
# Why it matters: the job that runs once a day runs twice on one day of the year. dlt brings croniter. This
#   program's schedules are in UTC unless you choose a time zone.
# Used in: terraform/variables.tf
set -eu
packages="croniter==7.0.0 cronsim==2.8 tzdata==2026.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

start = datetime(2026, 10, 24, 12, tzinfo=ZoneInfo("Europe/Berlin"))
one, two = croniter("30 2 * * *", start), CronSim("30 2 * * *", start)
print("croniter", *(one.get_next(datetime).isoformat() for _ in range(3)))
print("cronsim ", *(next(two).isoformat() for _ in range(3)))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
