#!/bin/sh
# Library: croniter 7.0.0, cronsim 2.8, cron-converter 2.0.2 (PyPI), croner 11.0.1 (npm)
# Summary: `0 0 */2 * 1` is each odd day and each Monday for two of them, and each Monday on an odd day for the
#   others.
# Guess: where both days are given, all take one or the other: `0 0 */2 * 1` is each odd day and each Monday.
# Behavior: cronsim and cron-converter want both: a Monday on an odd day. For cronsim, as for Debian's cron, a
#   field that starts with a star is no restriction. cron-converter always wants both.
# Output:
#     0 0 */2 * 1
#       croniter       11-02 11-03 11-05 11-07
#       cronsim        11-09 11-23 12-07 12-21
#       cron-converter 11-09 11-23 12-07 12-21
#     0 0 1,15 * 1
#       croniter       11-02 11-09 11-15 11-16
#       cronsim        11-02 11-09 11-15 11-16
#       cron-converter 02-01 02-15 03-01 03-15
#     croner, 0 0 */2 * 1: 11-02 11-03 11-05 11-07
# Why it matters: one schedule runs 18 times in November 2026 or twice, depending on who reads it. This program
#   hands its schedule to Cloud Scheduler: give one of the two days only.
# Used in: terraform/variables.tf
set -eu
packages="croniter==7.0.0 cronsim==2.8 cron-converter==2.0.2"
node_packages="croner@11.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from datetime import datetime, timezone

from cron_converter import Cron
from croniter import croniter
from cronsim import CronSim

start = datetime(2026, 11, 1, tzinfo=timezone.utc)
for text in ("0 0 */2 * 1", "0 0 1,15 * 1"):
    one, two, three = croniter(text, start), CronSim(text, start), Cron(text).schedule(start)
    print(text)
    print("  croniter      ", *(one.get_next(datetime).strftime("%m-%d") for _ in range(4)))
    print("  cronsim       ", *(next(two).strftime("%m-%d") for _ in range(4)))
    print("  cron-converter", *(three.next().strftime("%m-%d") for _ in range(4)))
EOF
(cd "$dir" && node --input-type=module -) >>"$dir/output" <<'EOF'
import { Cron } from 'croner';
const runs = new Cron('0 0 */2 * 1', { timezone: 'UTC' }).nextRuns(4, new Date('2026-11-01T00:00:00Z'));
console.log('croner, 0 0 */2 * 1:', ...runs.map((run) => run.toISOString().slice(5, 10)));
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
