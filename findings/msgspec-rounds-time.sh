#!/bin/sh
# Library: msgspec 0.23.0 beside ciso8601 2.4.1, pendulum 3.3.0, duckdb 2.0.0 (PyPI)
# Summary: It rounds what is finer than a microsecond, into the next day if need be; others cut it off.
# Guess: what is finer than a microsecond is cut off, as everywhere.
# Behavior: msgspec rounds. The last 500 ns of a day become the next day, and those of the year 9999, which some
#   write for "never", are refused.
# Output:
#     ciso8601 2026-11-29T23:59:59.999999+00:00
#     pendulum 2026-11-29T23:59:59.999999+00:00
#     duckdb   2026-11-29 23:59:59.999999
#     msgspec  2026-11-30T00:00:00+00:00
#     ciso8601 9999-12-31T23:59:59.999999+00:00
#     pendulum 9999-12-31T23:59:59.999999+00:00
#     duckdb   9999-12-31 23:59:59.999999
#     msgspec  Invalid RFC3339 encoded datetime
# Why it matters: the same text, read by two programs of a pipeline, is two instants on two days: a row is
#   neither in yesterday's nor twice in today's partition, and merges by time find no match.
set -eu
packages="msgspec==0.23.0 ciso8601==2.4.1 pendulum==3.3.0 duckdb==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from datetime import datetime

import ciso8601
import duckdb
import msgspec
import pendulum

sql = duckdb.connect()
for text in ("2026-11-29T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"):
    print("ciso8601", ciso8601.parse_datetime(text).isoformat())
    print("pendulum", pendulum.parse(text).isoformat())
    print("duckdb  ", sql.execute("SELECT ?::TIMESTAMPTZ::VARCHAR", [text.replace("Z", "+00")]).fetchone()[0][:26])
    try:
        print("msgspec ", msgspec.convert(text, datetime).isoformat())
    except msgspec.ValidationError as error:
        print("msgspec ", error)
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
