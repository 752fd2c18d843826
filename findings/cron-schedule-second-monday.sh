#!/bin/sh
# Library: cron-schedule 6.0.0 (npm) beside cron-parser 5.10.6 and croner 11.0.1 (npm), croniter 7.0.0 (PyPI)
# Summary: It reads `1#2`, the second Monday, as each Monday, and `5/15`, each quarter of an hour from five past, as
#   once an hour.
# Guess: the same next times of 0 6 * * 5-7, FRI-MON, 5/15, 31 * * and */40. (1#2 was run with them.)
# Behavior: what it does not know after a number is dropped in place of refused: the # and the step of a single number.
#   The others read both, or refuse what they do not know.
# Output:
#     0 6 * * 1#2
#       cron-schedule: 11-16 06:00, 11-23 06:00, 11-30 06:00
#       cron-parser: 12-14 06:00, 01-11 06:00, 02-08 06:00
#       croner: 12-14 06:00, 01-11 06:00, 02-08 06:00
#       croniter: 12-14 06:00, 01-11 06:00, 02-08 06:00
#     5/15 * * * *
#       cron-schedule: 11-10 00:05, 11-10 01:05, 11-10 02:05
#       cron-parser: 11-10 00:05, 11-10 00:20, 11-10 00:35
#       croner: refused
#       croniter: 11-10 00:05, 11-10 00:20, 11-10 00:35
#     5-59/15 * * * *
#       cron-schedule: 11-10 00:05, 11-10 00:20, 11-10 00:35
#       cron-parser: 11-10 00:05, 11-10 00:20, 11-10 00:35
#       croner: 11-10 00:05, 11-10 00:20, 11-10 00:35
#       croniter: 11-10 00:05, 11-10 00:20, 11-10 00:35
# Why it matters: a job of patch day runs each week, and one that reads an API four times an hour once. It runs, so
#   nobody looks. Write 5-59/15, which all four read alike.
set -eu
node_packages="cron-schedule@6.0.0 cron-parser@5.10.6 croner@11.0.1"
packages="croniter==7.0.0"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/next.py" <<'END'
import datetime
import sys

from croniter import croniter

for expression in sys.argv[1:]:
    times = croniter(expression, datetime.datetime(2026, 11, 10))
    print(", ".join(times.get_next(datetime.datetime).strftime("%m-%d %H:%M") for _ in range(3)))
END
cat >"$dir/next.mjs" <<'END'
import fs from 'node:fs';
import { CronExpressionParser } from 'cron-parser';
import { parseCronExpression } from 'cron-schedule';
import { Cron } from 'croner';

const [found, ...expressions] = process.argv.slice(2);
const byPython = fs.readFileSync(found, 'utf8').split('\n');
const from = new Date('2026-11-10T00:00:00Z');
const readers = {
  'cron-schedule': (text) => parseCronExpression(text).getNextDates(3, from),
  'cron-parser': (text) => {
    const times = CronExpressionParser.parse(text, { currentDate: from, tz: 'UTC' });
    return times.take(3).map((date) => date.toDate());
  },
  croner: (text) => new Cron(text, { timezone: 'UTC' }).nextRuns(3, from),
};
expressions.forEach((text, i) => {
  console.log(text);
  for (const [name, read] of Object.entries(readers)) {
    let times;
    try {
      times = read(text).map((date) => date.toISOString().slice(5, 16).replace('T', ' ')).join(', ');
    } catch {
      times = 'refused';
    }
    console.log(`  ${name}: ${times}`);
  }
  console.log(`  croniter: ${byPython[i]}`);
});
END
set -- '0 6 * * 1#2' '5/15 * * * *' '5-59/15 * * * *'
"$dir/bin/python" "$dir/next.py" "$@" >"$dir/found"
TZ=UTC node "$dir/next.mjs" "$dir/found" "$@" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
