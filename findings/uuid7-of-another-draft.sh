#!/bin/sh
# Library: uuid7 0.1.0, uuid-utils 1.2.0 and uuid6 2025.0.1 (PyPI)
# Summary: The package uuid7 makes UUIDs of version 7 whose time others read as the year 2183, and which sort after all
#   of theirs.
# Guess: UUIDs of version 7 sort by time and tell it, whichever package made them: RFC 9562 defines both.
# Behavior: uuid7 counts seconds in 36 bits, as an early draft had it, where the RFC counts milliseconds in 48. Its
#   UUIDs say version 7 as well, and sort after all that others make today.
# Output:
#     RFC 9562: version 7, begins with 017f22e2-79b0
#       uuid-utils reads 2022-02-22 19:22
#       uuid6 reads 2022-02-22 19:22
#     uuid7: version 7, begins with 0621537e-e000
#       uuid-utils reads 2183-08-03 15:01
#       uuid6 reads 2183-08-03 15:01
#     uuid7's sorts before one that uuid-utils makes today: False
# Why it matters: ids that a table is clustered or partitioned by, and from which the time of creation is read, are
#   more than a century off when one service takes the package whose name is the standard's.
set -eu
packages="uuid7==0.1.0 uuid-utils==1.2.0 uuid6==2025.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime

import uuid6
import uuid_extensions
import uuid_utils

EXAMPLE = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"  # of RFC 9562, for 2022-02-22 19:22:22
INSTANT = datetime.datetime(2022, 2, 22, 19, 22, 22, tzinfo=datetime.timezone.utc)
made = str(uuid_extensions.uuid7(int(INSTANT.timestamp()) * 10**9))
for name, text in (("RFC 9562", EXAMPLE), ("uuid7", made)):
    read = {"uuid-utils": uuid_utils.UUID(text).timestamp, "uuid6": uuid6.UUID(text).time}
    print(f"{name}: version {text[14]}, begins with {text[:13]}")
    for reader, milliseconds in read.items():
        time = datetime.datetime.fromtimestamp(milliseconds / 1_000, datetime.timezone.utc)
        print(f"  {reader} reads {time:%Y-%m-%d %H:%M}")
print("uuid7's sorts before one that uuid-utils makes today:", made < str(uuid_utils.uuid7()))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
