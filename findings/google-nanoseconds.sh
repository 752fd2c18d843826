#!/bin/sh
# Library: proto-plus 1.29.0 with protobuf 7.36.2 (PyPI), on which Google's clients are built
# Summary: Two times that differ by nanoseconds are equal, and a copy of one has lost them.
# Guess: a type that is named `DatetimeWithNanoseconds` compares, copies and adds with nanoseconds.
# Behavior: it is a `datetime` with a number beside it. Equality, order, hash, `copy`, arithmetic and another zone
#   know microseconds only, and what they return has none of the rest; `replace` keeps it. The messages themselves
#   differ.
# Output:
#     messages equal: False
#     times equal: True (2026-11-30T10:00:00.123456001Z 2026-11-30T10:00:00.123456789Z)
#     in a set: 1
#     earlier before later: False
#     as it came: 123456789
#     copy: 123456000
#     pickle: 123456000
#     plus nothing: 123456000
#     another zone: 123456000
#     replace: 123456789
# Why it matters: the entries of a log are ordered and made unique by such times. A set merges two of them, and a
#   cursor that went through a copy is before the last row that was read, so that row comes again. Keep `rfc3339()` or
#   the message.
set -eu
packages="proto-plus==1.29.0 protobuf==7.36.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import copy
import datetime
import pickle

import proto
from google.protobuf import timestamp_pb2


class Entry(proto.Message):
    time = proto.Field(timestamp_pb2.Timestamp, number=1)


def at(nanoseconds):
    return Entry(time=timestamp_pb2.Timestamp(seconds=1_796_032_800, nanos=nanoseconds))


one, other = at(123_456_001), at(123_456_789)
print("messages equal:", one == other)
print("times equal:", one.time == other.time, f"({one.time.rfc3339()} {other.time.rfc3339()})")
print("in a set:", len({one.time, other.time}))
print("earlier before later:", one.time < other.time)
paris = datetime.timezone(datetime.timedelta(hours=1))
for name, time in (
    ("as it came", other.time), ("copy", copy.copy(other.time)), ("pickle", pickle.loads(pickle.dumps(other.time))),
    ("plus nothing", other.time + datetime.timedelta(0)), ("another zone", other.time.astimezone(paris)),
    ("replace", other.time.replace(tzinfo=datetime.UTC)),
):
    print(f"{name}: {Entry.pb(Entry(time=time)).time.nanos}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
