#!/bin/sh
# Library: pytz 2026.6 and polars 2.1.0, beside duckdb 2.0.1 and tzdata 2026.6, which zoneinfo reads (PyPI)
# Summary: Noon in UTC of a day in July 2038 is 7 o'clock in New York for pytz and 8 for the others; from 2100 on it is
#   7 for polars, too.
# Guess: for a certificate's end in July 2045 pytz, polars, duckdb and zoneinfo have the same offset.
# Behavior: pytz has each change of a zone's clock until 2037 and none later, so it stays at winter time. polars, whose
#   rules are of chrono-tz, has them until 2099. The others have the rule of the zone, which goes on.
# Output:
#     2037-07-01T12:00Z: pytz 08:00-0400, polars 08:00-0400, duckdb 08:00-04, zoneinfo 08:00-0400
#     2038-07-01T12:00Z: pytz 07:00-0500, polars 08:00-0400, duckdb 08:00-04, zoneinfo 08:00-0400
#     2045-07-01T12:00Z: pytz 07:00-0500, polars 08:00-0400, duckdb 08:00-04, zoneinfo 08:00-0400
#     2099-07-01T12:00Z: pytz 07:00-0500, polars 08:00-0400, duckdb 08:00-04, zoneinfo 08:00-0400
#     2100-07-01T12:00Z: pytz 07:00-0500, polars 07:00-0500, duckdb 08:00-04, zoneinfo 08:00-0400
# Why it matters: certificates of authorities end in the 2040s, and "never" is written as 2099-12-31 or 2100-01-01. By
#   one library they are an hour earlier, and where midnight is meant, on the day before. Keep such times in UTC.
set -eu
packages="pytz==2026.6 polars==2.1.0 duckdb==2.0.1 tzdata==2026.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
PYTHONTZPATH="" "$dir/bin/python" - >"$dir/output" <<'END'
import datetime
import zoneinfo

import duckdb
import polars
import pytz

zone = "America/New_York"
duckdb.execute(f"SET TimeZone = '{zone}'")
for year in (2037, 2038, 2045, 2099, 2100):
    time = datetime.datetime(year, 7, 1, 12, tzinfo=datetime.timezone.utc)
    [[by_duckdb]] = duckdb.execute(f"SELECT strftime(TIMESTAMPTZ '{time}', '%H:%M%z')").fetchall()
    hours = {
        "pytz": time.astimezone(pytz.timezone(zone)).strftime("%H:%M%z"),
        "polars": polars.Series([time]).dt.convert_time_zone(zone).dt.strftime("%H:%M%z")[0],
        "duckdb": by_duckdb,
        "zoneinfo": time.astimezone(zoneinfo.ZoneInfo(zone)).strftime("%H:%M%z"),
    }
    print(f"{time:%Y-%m-%dT%H:%M}Z:", ", ".join(f"{name} {hour}" for name, hour in hours.items()))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
