#!/bin/sh
# Library: ics 0.7.3 (PyPI) and node-ical 0.27.2 (npm) beside icalendar 7.3.0 and vobject 0.9.9 (PyPI), of iCalendar
# Summary: An event at 12:00 in "W. Europe Standard Time", as Outlook names it, with that zone's rules in the file, is
#   at 12:00 UTC for ics, while a task of that time is right; node-ical puts times without a zone in the zone of the
#   file.
# Guess: a floating time, and a TZID with a Windows name and a VTIMEZONE, are the same day or instant in each.
# Behavior: ics uses the file's VTIMEZONE for tasks and not for events, where an unknown name is UTC. For node-ical a
#   time without a zone, which is the local time of who reads, is one of the first zone with such rules: Africa/Ceuta.
# Output:
#     icalendar, event of Outlook: 2026-11-10 12:00:00+01:00
#     icalendar, event without a zone: 2026-11-10 12:00:00
#     icalendar, task of Outlook: 2026-11-10 12:00:00+01:00
#     vobject, event of Outlook: 2026-11-10 12:00:00+01:00
#     vobject, event without a zone: 2026-11-10 12:00:00
#     vobject, task of Outlook: 2026-11-10 12:00:00+01:00
#     ics, event of Outlook: 2026-11-10T12:00:00+00:00
#     ics, event without a zone: 2026-11-10T12:00:00+00:00
#     ics, task of Outlook: 2026-11-10T12:00:00+01:00
#     node-ical, event of Outlook: 2026-11-10T11:00:00.000Z of Europe/Berlin
#     node-ical, event without a zone: 2026-11-10T11:00:00.000Z of Africa/Ceuta
#     node-ical, task of Outlook: 2026-11-10T11:00:00.000Z of Europe/Berlin
# Why it matters: maintenance windows and deadlines of Outlook's calendars are off by as much as their zone is from UTC,
#   another hour in summer than in winter. Read them by icalendar.
set -eu
packages="ics==0.7.3 icalendar==7.3.0 vobject==0.9.9"
node_packages="node-ical@0.27.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/calendar" <<'END'
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example.com//calendar//EN
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:1
DTSTAMP:20261101T000000Z
DTSTART;TZID=W. Europe Standard Time:20261110T120000
DURATION:PT1H
SUMMARY:event of Outlook
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTAMP:20261101T000000Z
DTSTART:20261110T120000
DURATION:PT1H
SUMMARY:event without a zone
END:VEVENT
BEGIN:VTODO
UID:3
DTSTAMP:20261101T000000Z
DUE;TZID=W. Europe Standard Time:20261110T120000
SUMMARY:task of Outlook
END:VTODO
END:VCALENDAR
END
sed 's/$/\r/' "$dir/calendar" >"$dir/calendar.ics"
"$dir/bin/python" - "$dir/calendar.ics" >"$dir/output" <<'END'
import sys

import icalendar
import ics
import vobject

with open(sys.argv[1], newline="") as file:
    text = file.read()
for event in icalendar.Calendar.from_ical(text).walk():
    if event.name in ("VEVENT", "VTODO"):
        print(f"icalendar, {event['SUMMARY']}: {(event.get('DTSTART') or event.get('DUE')).dt}")
calendar = vobject.readOne(text)
for event in [*calendar.vevent_list, *calendar.vtodo_list]:
    print(f"vobject, {event.summary.value}: {(event.getChildValue('dtstart') or event.getChildValue('due'))}")
calendar = ics.Calendar(text)
for event in sorted(calendar.events, key=lambda event: event.uid):
    print(f"ics, {event.name}: {event.begin}")
for task in calendar.todos:
    print(f"ics, {task.name}: {task.due}")
END
cat >"$dir/read.mjs" <<'END'
import ical from 'node-ical';

for (const event of Object.values(ical.sync.parseFile(process.argv[2]))) {
  const time = event.start ?? event.due;
  if (event.summary) console.log(`node-ical, ${event.summary}: ${time.toISOString()} of ${time.tz ?? 'no zone'}`);
}
END
TZ=UTC node "$dir/read.mjs" "$dir/calendar.ics" >>"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
