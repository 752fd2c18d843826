#!/bin/sh
# Library: rrule 2.8.1 beside rrule-temporal 2.2.8 (npm) and python-dateutil 4.0.0 (PyPI)
# Summary: Of three daily runs at 08:00 in Tokyo that end with an UNTIL in UTC, rrule leaves out the last; in New York
#   it has one too many. rrule-temporal has no run on the day of summer time whose 02:30 does not exist.
# Guess: the same dates of UNTIL in UTC, BYSETPOS, WKST with INTERVAL, COUNT, 29 February and BYWEEKNO.
# Behavior: rrule compares the time in UTC with the local time of the run. rrule-temporal leaves out a day
#   without its local time, where RFC 5545, rrule and dateutil take 03:30. BYSETPOS, WKST and 29 February are alike.
# Output:
#     DTSTART;TZID=Asia/Tokyo:20260101T080000 FREQ=DAILY;UNTIL=20260102T230000Z
#       rrule: 12-31 23:00, 01-01 23:00
#       rrule-temporal: 12-31 23:00, 01-01 23:00, 01-02 23:00
#       dateutil: 12-31 23:00, 01-01 23:00, 01-02 23:00
#     DTSTART;TZID=America/New_York:20260101T180000 FREQ=DAILY;UNTIL=20260103T225959Z
#       rrule: 01-01 23:00, 01-02 23:00, 01-03 23:00
#       rrule-temporal: 01-01 23:00, 01-02 23:00
#       dateutil: 01-01 23:00, 01-02 23:00
#     DTSTART;TZID=America/New_York:20260307T023000 FREQ=DAILY;COUNT=3
#       rrule: 03-07 07:30, 03-08 07:30, 03-09 06:30
#       rrule-temporal: 03-07 07:30, 03-09 06:30, 03-10 06:30
#       dateutil: 03-07 07:30, 03-08 07:30, 03-09 06:30
#     DTSTART:20260101T180000Z FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3
#       rrule: 01-30 18:00, 02-27 18:00, 03-31 18:00
#       rrule-temporal: 01-30 18:00, 02-27 18:00, 03-31 18:00
#       dateutil: 01-30 18:00, 02-27 18:00, 03-31 18:00
# Why it matters: a window of maintenance or an exception that ends with UNTIL, which the RFC wants in UTC beside a
#   zone, is a day short in Asia and a day long in America. Say COUNT, or compare each run with UNTIL as an instant.
set -eu
node_packages="rrule@2.8.1 rrule-temporal@2.2.8"
packages="python-dateutil==4.0.0"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/rules.json" <<'END'
["DTSTART;TZID=Asia/Tokyo:20260101T080000\nRRULE:FREQ=DAILY;UNTIL=20260102T230000Z",
 "DTSTART;TZID=America/New_York:20260101T180000\nRRULE:FREQ=DAILY;UNTIL=20260103T225959Z",
 "DTSTART;TZID=America/New_York:20260307T023000\nRRULE:FREQ=DAILY;COUNT=3",
 "DTSTART:20260101T180000Z\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3"]
END
cat >"$dir/runs.mjs" <<'END'
import fs from 'node:fs';
import rrule from 'rrule';
import { RRuleTemporal } from 'rrule-temporal';

const read = (name) => JSON.parse(fs.readFileSync(`${process.argv[2]}/${name}.json`, 'utf8'));
const ofPython = read('dateutil');
const show = (times) => times.map((time) => time.slice(5, 16).replace('T', ' ')).join(', ');
read('rules').forEach((rule, i) => {
  console.log(rule.replace('\nRRULE:', ' '));
  console.log(`  rrule: ${show(rrule.rrulestr(rule).all().map((date) => date.toISOString()))}`);
  const runs = new RRuleTemporal({ rruleString: rule }).all();
  console.log(`  rrule-temporal: ${show(runs.map((time) => time.toInstant().toString()))}`);
  console.log(`  dateutil: ${show(ofPython[i])}`);
});
END
"$dir/bin/python" - "$dir" <<'END'
import datetime
import json
import sys

from dateutil.rrule import rrulestr

with open(f"{sys.argv[1]}/rules.json") as file:
    rules = json.load(file)
runs = [[run.astimezone(datetime.UTC).isoformat() for run in rrulestr(rule)] for rule in rules]
with open(f"{sys.argv[1]}/dateutil.json", "w") as target:
    json.dump(runs, target)
END
TZ=UTC node "$dir/runs.mjs" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
