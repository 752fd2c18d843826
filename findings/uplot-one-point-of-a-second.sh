#!/bin/sh
# Library: uplot 1.6.32, a chart for time series (npm)
# Summary: Its `join`, which brings several series onto one axis, keeps one of two points of the same second: of 5 new
#   findings 3 are drawn.
# Guess: joining two series, of which one has two points at one x, keeps both points.
# Behavior: for each x of a series the last point stays, without a word, while a chart of that series alone has both.
# Output:
#     found on 3 rows: 2, 1, 2, together 5
#     joined: 1, 2, undefined, together 3
# Why it matters: times of the scanner are in whole seconds, and an axis of days has many points of one day; sums and
#   peaks that are read off the chart are too low. Add up what has one x before.
set -eu
packages="uplot@1.6.32"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/join.cjs" <<'END'
const uPlot = require('uplot');

const day = 1794268800;
const found = [[day, day, day + 86400], [2, 1, 2]];
const fixed = [[day, day + 172800], [1, 1]];
const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
const joined = uPlot.join([found, fixed]);
console.log(`found on 3 rows: ${found[1].join(', ')}, together ${sum(found[1])}`);
console.log(`joined: ${joined[1].map(String).join(', ')}, together ${sum(joined[1])}`);
END
NODE_PATH="$dir/node_modules" node "$dir/join.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
