#!/bin/sh
# Library: cloudevents 10.0.0 (npm)
# Summary: An event without a time has, once read, the time at which it was read; one that has is moved to UTC and loses
#   its microseconds, and an id in its data beyond 53 bits is another one.
# Guess: `HTTP.toEvent` gives an event's time as it was sent, with its microseconds and its offset, and none where there
#   is none.
# Behavior: each event that is made, also by reading, gets the current time if it has none, and a time goes through a
#   Date of JavaScript, which has milliseconds and UTC. JSON data are parsed with JavaScript's numbers. What is sent on
#   has all of that.
# Output:
#     2026-11-10T12:00:00.123456Z, id 9007199254740993: 2026-11-10T12:00:00.123Z, sent on as
#       2026-11-10T12:00:00.123Z, id 9007199254740992
#     2026-11-10T12:00:00+01:00, id 9007199254740993: 2026-11-10T11:00:00.000Z, sent on as
#       2026-11-10T11:00:00.000Z, id 9007199254740992
#     no time, id 9007199254740993: the time of reading, sent on as
#       the time of reading, id 9007199254740992
# Why it matters: time is optional, and a service that hands events on makes a time up, a new one with each delivery of
#   the same event, so "the latest state" is that of the last delivery. Two changes within a millisecond have no order.
#   Look for `ce-time` in the headers.
set -eu
packages="cloudevents@10.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/read.cjs" <<'END'
const { HTTP } = require('cloudevents');

const headers = {
  'ce-id': '1',
  'ce-source': '//scanner.example',
  'ce-specversion': '1.0',
  'ce-type': 'finding',
  'content-type': 'application/json',
};
const body = '{"id": 9007199254740993}';
const started = new Date().toISOString();
for (const time of ['2026-11-10T12:00:00.123456Z', '2026-11-10T12:00:00+01:00', undefined]) {
  const event = HTTP.toEvent({ headers: time ? { ...headers, 'ce-time': time } : headers, body });
  const sent = HTTP.binary(event);
  const text = (value) => (value >= started ? 'the time of reading' : value);
  const [id] = sent.body.match(/\d+/);
  console.log(`${time ?? 'no time'}, id 9007199254740993: ${text(event.time)}, sent on as`);
  console.log(`  ${text(sent.headers['ce-time'])}, id ${id}`);
}
END
NODE_PATH="$dir/node_modules" node "$dir/read.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
