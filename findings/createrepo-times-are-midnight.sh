#!/bin/sh
# Library: createrepo-c 1.2.5 (PyPI), which reads and writes the advisories of RPM repositories (updateinfo.xml)
# Summary: An advisory that was issued at 2026-11-10T23:30:00Z is read as of 00:00 of that day, and 12:00 in Berlin is
#   kept as 12:00 without a zone.
# Guess: the date of an update that is given with an offset, or as a date, is read back as the same instant.
# Behavior: `2026-11-10 23:30:00` is a time. With a T as in ISO 8601, or without seconds, the day alone is read,
#   without an error; seconds since 1970 stay a number. Of a datetime with a zone the clock is kept, and the zone is
#   not.
# Output:
#     "2026-11-10 23:30:00" is read as 2026-11-10 23:30:00
#     "2026-11-10T23:30:00Z" is read as 2026-11-10 00:00:00
#     "2026-11-10T23:30:00-05:00" is read as 2026-11-10 00:00:00
#     "2026-11-10 23:30" is read as 2026-11-10 00:00:00
#     "1794353400" is read as 1794353400
#     12:00+01:00 is kept as 2026-11-10 12:00:00
# Why it matters: a time that was written by `isoformat()`, or in JavaScript, loses its hours. "How long was it open
#   after the advisory" is up to a day too long, and advisories of one day have no order. Read the attribute from the
#   XML.
set -eu
packages="createrepo-c==1.2.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/updateinfo.xml" >"$dir/output" 2>"$dir/errors" <<'END'
import datetime
import sys

import createrepo_c

ADVISORY = """<?xml version="1.0" encoding="UTF-8"?>
<updates><update from="security@example.com" status="final" type="security" version="1">
<id>EXSA-2026:0001</id><title>An update for lib</title><issued date="{}"/><severity>Important</severity>
</update></updates>"""
times = ("2026-11-10 23:30:00", "2026-11-10T23:30:00Z", "2026-11-10T23:30:00-05:00", "2026-11-10 23:30", "1794353400")
for time in times:
    with open(sys.argv[1], "w") as file:
        file.write(ADVISORY.format(time))
    [update] = createrepo_c.UpdateInfo(sys.argv[1]).updates
    print(f'"{time}" is read as {update.issued_date}')
update = createrepo_c.UpdateRecord()
berlin = datetime.timezone(datetime.timedelta(hours=1))
update.issued_date = datetime.datetime(2026, 11, 10, 12, tzinfo=berlin)
print(f"12:00+01:00 is kept as {update.issued_date}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
