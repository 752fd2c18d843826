#!/bin/sh
# Library: polars 2.1.0 beside tzdata 2026.6, pytz 2026.6 and duckdb 2.0.1 (PyPI)
# Summary: Three zones whose rules were changed in 2026 are an hour off in polars, which brings rules of its own.
# Guess: the newest releases of the packages agree on the time in Vancouver in December 2026, or take the rules from
#   one place, such as tzdata.
# Behavior: British Columbia and Alberta no longer go back to standard time in autumn, and Morocco has stayed at UTC
#   since September: tzdata, pytz and DuckDB know that. polars compiles the rules into itself, whatever tzdata is
#   installed, and its newest release has rules from before.
# Output:
#     America/Vancouver: tzdata 05:00, pytz 05:00, duckdb 05:00, polars 04:00
#     America/Edmonton: tzdata 06:00, pytz 06:00, duckdb 06:00, polars 05:00
#     Africa/Casablanca: tzdata 12:00, pytz 12:00, duckdb 12:00, polars 13:00
#     Europe/Berlin: tzdata 13:00, pytz 13:00, duckdb 13:00, polars 13:00
# Why it matters: findings that are counted by the day, or by the hour of a deadline, in the zone of a company in
#   Vancouver, Calgary or Casablanca come to another number in polars than in the database. An upgrade of tzdata does
#   not help. Convert to the zone in one place, and test it with an instant after the last change.
set -eu
packages="tzdata==2026.6 pytz==2026.6 duckdb==2.0.1 polars==2.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime
import zoneinfo

import duckdb
import polars
import pytz

zoneinfo.reset_tzpath([])
noon = datetime.datetime(2026, 12, 15, 12, tzinfo=datetime.UTC)
connection = duckdb.connect()
for zone in ("America/Vancouver", "America/Edmonton", "Africa/Casablanca", "Europe/Berlin"):
    [[in_duckdb]] = connection.execute("SELECT timezone(?, ?::TIMESTAMPTZ)", [zone, noon.isoformat()]).fetchall()
    in_polars = polars.Series([noon]).dt.convert_time_zone(zone).dt.strftime("%H:%M")[0]
    in_tzdata, in_pytz = (noon.astimezone(of(zone)) for of in (zoneinfo.ZoneInfo, pytz.timezone))
    print(
        f"{zone}: tzdata {in_tzdata:%H:%M}, pytz {in_pytz:%H:%M}, duckdb {in_duckdb:%H:%M}, polars {in_polars}"
    )
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
