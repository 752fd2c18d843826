#!/bin/sh
# Library: react-pivottable 0.11.1 (npm)
# Summary: The sum of "7,5" and 9 is 16, the text 2026-11-10 counts as 2026, a host that is missing is one with a host
#   called "null", and counting four times as many distinct values takes more than eight times as long.
# Guess: sum and average leave "7,5" out, null is told from the text "null", and counting ten times as many distinct
#   values takes about ten times as long.
# Behavior: each value is read by JavaScript's parseFloat, which takes the digits that a text begins with. The key of a
#   row without the field is the text "null", though that of null is null. Distinct values are kept in a list that is
#   searched for each row.
# Output:
#     Sum: null 1, "days" 2036.11, "null" 6, "web" 16
#     Average: null 1, "days" 1018.055, "null" 3, "web" 8
#     Maximum: null 1, "days" 2026, "null" 4, "web" 9
#     distinct values of 4000 rows and of 1000: more than eight times as long
# Why it matters: the table is filled from an export by CSV, where scores have a comma and days are text, and shows a
#   sum for each. Count distinct values before, in SQL.
set -eu
packages="react-pivottable@0.11.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/pivot.cjs" <<'END'
const { PivotData, aggregators } = require('react-pivottable/Utilities');

const pivot = (aggregatorName, data) =>
  new PivotData({ aggregatorName, aggregators, data, rows: ['host'], vals: ['score'] });
const show = (name, data) => {
  const table = pivot(name, data);
  const rows = table.getRowKeys().map((key) => `${JSON.stringify(key[0])} ${table.getAggregator(key, []).value()}`);
  console.log(`${name}: ${rows.join(', ')}`);
};
const web = ['7,5', 9, null, ''].map((score) => ({ host: 'web', score }));
const days = ['2026-11-10', '10.11.2026'].map((score) => ({ host: 'days', score }));
const none = [{ host: null, score: 1 }, { score: 2 }, { host: 'null', score: 4 }];
for (const name of ['Sum', 'Average', 'Maximum']) show(name, [...web, ...days, ...none]);

const milliseconds = (n) => {
  const data = Array.from({ length: n }, (_, i) => ({ host: 'web', score: `CVE-2026-${i}` }));
  const before = process.cpuUsage();
  pivot('Count Unique Values', data);
  return process.cpuUsage(before).user / 1000;
};
milliseconds(1000);
const least = (n) => Math.min(milliseconds(n), milliseconds(n), milliseconds(n));
const ratio = least(4000) / least(1000);
const times = ratio > 8 ? 'more than eight' : ratio.toFixed(1);
console.log(`distinct values of 4000 rows and of 1000: ${times} times as long`);
END
NODE_PATH="$dir/node_modules" node "$dir/pivot.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
