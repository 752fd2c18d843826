#!/bin/sh
# Library: dayjs 1.11.23 beside luxon 3.7.2 (npm)
# Summary: A duration of two weeks, added to a date, is that date, also subtracted; and the sign of -P1D is lost, so it
#   is a day later.
# Guess: one date for -P1D, P0.5Y and P1W2D by each library, and a duration of two weeks that is added is two weeks.
#   (That dayjs adds nothing for P2W and a day for -P1D was seen before.)
# Behavior: `add(duration)` adds years to milliseconds and leaves weeks out, while asDays and toISOString count them. A
#   minus before the P is not read. Half a year adds nothing. `add(2, 'weeks')` is right.
# Output:
#     10 November and P2W: dayjs 2026-11-10, of 14 days; luxon 2026-11-24
#     10 November and P14D: dayjs 2026-11-24, of 14 days; luxon 2026-11-24
#     10 November and P1W2D: dayjs 2026-11-12, of 9 days; luxon 2026-11-19
#     10 November and -P1D: dayjs 2026-11-11, of 1 days; luxon 2026-11-09
#     10 November and P0.5Y: dayjs 2026-11-10, of 182.5 days; luxon 2027-05-11
#     { weeks: 2 } is P14D: added 2026-11-10, subtracted 2026-11-10
#     add(2, 'weeks'): 2026-11-24
# Why it matters: "due in two weeks" is due on the day that it is found, so each finding is late at once; where the
#   duration is shown beside it, it reads 14 days. Give weeks as days.
set -eu
packages="dayjs@1.11.23 luxon@3.7.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/add.mjs" <<'END'
import dayjs from 'dayjs';
import duration from 'dayjs/plugin/duration.js';
import utc from 'dayjs/plugin/utc.js';
import { DateTime, Duration } from 'luxon';

dayjs.extend(duration);
dayjs.extend(utc);
for (const text of ['P2W', 'P14D', 'P1W2D', '-P1D', 'P0.5Y']) {
  const length = dayjs.duration(text);
  const byDayjs = dayjs.utc('2026-11-10').add(length).format('YYYY-MM-DD');
  const byLuxon = DateTime.fromISO('2026-11-10', { zone: 'utc' }).plus(Duration.fromISO(text)).toISODate();
  console.log(`10 November and ${text}: dayjs ${byDayjs}, of ${length.asDays()} days; luxon ${byLuxon}`);
}
const fortnight = dayjs.duration({ weeks: 2 });
const found = dayjs.utc('2026-11-10');
const days = [found.add(fortnight), found.subtract(fortnight), found.add(2, 'weeks')];
const [added, subtracted, byNumber] = days.map((day) => day.format('YYYY-MM-DD'));
console.log(`{ weeks: 2 } is ${fortnight.toISOString()}: added ${added}, subtracted ${subtracted}`);
console.log(`add(2, 'weeks'): ${byNumber}`);
END
node "$dir/add.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
