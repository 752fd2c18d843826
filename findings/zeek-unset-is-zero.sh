#!/bin/sh
# Library: zat 0.4.9 (PyPI), of Zeek's logs
# Summary: A count that Zeek left unset is 0 and a bool False in its rows, and a time is the machine's local one;
#   in its DataFrame they are null and UTC, but two of three times have lost a microsecond.
# Guess: `ts` keeps its microseconds, an interval too; an unset field (-) is null and an empty one (empty) is empty.
# Behavior: the reader of rows makes zero of what is unset, except text, which is "-", and a set is text. The
#   DataFrame reads a time as a float, and what the float is short of is cut off in microseconds.
# Output:
#     row: orig_bytes 0, local_orig False, duration 0:00:00, service -, tunnel_parents (empty)
#     row, TZ=UTC: 2026-11-10T12:00:01.000001, TZ=America/New_York: 2026-11-10T07:00:01.000001
#     DataFrame: orig_bytes null, local_orig null, duration null, service null, tunnel_parents (empty)
#     DataFrame, ts 12:00:00.123456: .123456, as text .123456001
#     DataFrame, ts 12:00:01.000001: .000000, as text .000000954
#     DataFrame, ts 12:00:01.999999: .999999, as text .999999046
# Why it matters: a connection that Zeek could not measure counts as one without bytes, and rows that are joined by time
#   with another table of the same log have no partner. Read Zeek's JSON, and times as decimals.
set -eu
packages="zat==0.4.9"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/conn.log" <<'END'
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2026-11-10-12-00-00
#fields	ts	uid	service	duration	orig_bytes	local_orig	tunnel_parents
#types	time	string	string	interval	count	bool	set[string]
1794312000.123456	C1	ssl	0.5	100	T	(empty)
1794312001.000001	C2	-	-	-	-	(empty)
1794312001.999999	C3	ssl	0.5	100	T	(empty)
#close	2026-11-10-13-00-00
END
cat >"$dir/read.py" <<'END'
import contextlib
import io
import os
import time

from zat.log_to_dataframe import LogToDataFrame
from zat.zeek_log_reader import ZeekLogReader

FIELDS = "orig_bytes", "local_orig", "duration", "service", "tunnel_parents"


def second_row(zone):
    os.environ["TZ"] = zone
    time.tzset()
    with contextlib.redirect_stdout(io.StringIO()):
        return list(ZeekLogReader("conn.log").readrows())[1]


row = second_row("UTC")
print("row:", ", ".join(f"{name} {row[name]}" for name in FIELDS))
print("row,", ", ".join(f"TZ={zone}: {second_row(zone)['ts'].isoformat()}" for zone in ("UTC", "America/New_York")))
frame = LogToDataFrame().create_dataframe("conn.log")
null = frame.isna().iloc[1]
print("DataFrame:", ", ".join(f"{name} {'null' if null[name] else frame[name].iloc[1]}" for name in FIELDS))
for real, read in zip(("12:00:00.123456", "12:00:01.000001", "12:00:01.999999"), frame.index):
    print(f"DataFrame, ts {real}: .{read.microsecond:06}, as text .{str(read).rpartition('.')[2]}")
END
(cd "$dir" && bin/python read.py >output)
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
