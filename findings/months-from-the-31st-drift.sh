#!/bin/sh
# Library: pandas 3.1.1 and duckdb 2.0.1 beside polars 2.1.0, arrow 1.4.0, pendulum 3.3.0, python-dateutil 4.0.0
#   and apscheduler 3.11.3 (PyPI)
# Summary: A day of each month from 31 January is 28 February and then the 28th for ever in pandas and DuckDB, the last
#   of each month in polars, arrow and pendulum, and every other month in dateutil and APScheduler.
# Guess: each counts from the start, so 28 February and 31 March, or leaves out what does not exist (rrule).
# Behavior: pandas with DateOffset(months=1) and DuckDB's generate_series add a month to the date before, so that a
#   short month shortens the later ones; the others add months to the start. In pandas, periods= and end= are alike.
# Output:
#     pandas, DateOffset(months=1): 01-31 02-28 03-28 04-28 05-28
#     pandas, ME: 01-31 02-28 03-31 04-30 05-31
#     duckdb, generate_series: 01-31 02-28 03-28 04-28 05-28
#     duckdb, start + n months: 01-31 02-28 03-31 04-30 05-31
#     polars, date_range: 01-31 02-28 03-31 04-30 05-31
#     arrow, range: 01-31 02-28 03-31 04-30 05-31
#     pendulum, interval.range: 01-31 02-28 03-31 04-30 05-31
#     dateutil, rrule: 01-31 03-31 05-31
#     apscheduler, CalendarIntervalTrigger: 01-31 03-31 05-31
# Why it matters: month ends of a report, or reviews due monthly, lose their last three days in two libraries without
#   an error, and half of their dates in two others. Number the months and add each to the start, or ask for month ends.
set -eu
packages="pandas==3.1.1 duckdb==2.0.1 polars==2.1.0 arrow==1.4.0 pendulum==3.3.0"
packages="$packages python-dateutil==4.0.0 apscheduler==3.11.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime

import arrow
import duckdb
import pandas
import pendulum
import polars
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from dateutil import rrule

start, end = datetime.date(2026, 1, 31), datetime.date(2026, 5, 31)
first, last = (datetime.datetime(2026, month, 31, tzinfo=datetime.UTC) for month in (1, 5))


def dates_of_duckdb(expression):
    return [date for (date,) in duckdb.sql(f"SELECT unnest({expression})").fetchall()]


def dates_of_apscheduler():
    trigger = CalendarIntervalTrigger(months=1, start_date=start, end_date=end, timezone="UTC")
    date = trigger.get_next_fire_time(None, first)
    while date is not None:
        yield date
        date = trigger.get_next_fire_time(date, date)


series = "generate_series(DATE '2026-01-31', DATE '2026-05-31', INTERVAL 1 MONTH)"
added = "[DATE '2026-01-31' + to_months(n) FOR n IN range(5)]"
for name, dates in {
    "pandas, DateOffset(months=1)": pandas.date_range(start, end, freq=pandas.DateOffset(months=1)),
    "pandas, ME": pandas.date_range(start, end, freq="ME"),
    "duckdb, generate_series": dates_of_duckdb(series),
    "duckdb, start + n months": dates_of_duckdb(added),
    "polars, date_range": polars.date_range(start, end, "1mo", eager=True),
    "arrow, range": arrow.Arrow.range("month", first, last),
    "pendulum, interval.range": pendulum.interval(pendulum.instance(first), pendulum.instance(last)).range("months"),
    "dateutil, rrule": rrule.rrule(rrule.MONTHLY, dtstart=first, until=last),
    "apscheduler, CalendarIntervalTrigger": dates_of_apscheduler(),
}.items():
    print(f"{name}: {' '.join(date.strftime('%m-%d') for date in dates)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
