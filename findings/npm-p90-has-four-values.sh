#!/bin/sh
# Library: percentile 1.6.0, stats-lite 2.2.0, jstat 1.9.6, d3-array 3.2.5, simple-statistics 7.12.1, just-percentile 4.2.0,
#   compute-quantile 1.0.1 and mathjs 15.2.0 (npm)
# Summary: The 90th percentile of 1 to 10 is 9, 9.1, 9.5 or 9.6; jstat has two of these, and NaN for one value; of 5, 10
#   and 100 days it is 10, 82 or 100. just-percentile sorts the caller's array.
# Guess: 90% of 1..10 is one of two values (nearest rank 9 or linear 9.1) and none changes its input.
# Behavior: four definitions of Hyndman and Fan are in use, and none of the eight lets its caller choose but jstat's
#   quantiles, by two parameters. Where the rank is whole, compute-quantile and stats-lite take the mean of two values.
# Output:
#     percentile: 9, of three 100, of one 7
#     stats-lite: 9.5, of three 100, of one 7
#     jstat percentile: 9, of three 10, of one 7
#     jstat quantiles: 9.6, of three 100, of one NaN
#     d3-array: 9.1, of three 82, of one 7
#     simple-statistics: 9.1, of three 82, of one 7
#     just-percentile: 9.1, of three 82, of one 7, input sorted
#     compute-quantile: 9.5, of three 100, of one 7
#     mathjs: 9.1, of three 82, of one 7
# Why it matters: "nine of ten are fixed within N days" is another N in each page, and for a team with few findings
#   another one by a factor of ten. Name the definition beside the number, and compute it in one place.
set -eu
node_packages="percentile@1.6.0 stats-lite@2.2.0 jstat@1.9.6 d3-array@3.2.5 simple-statistics@7.12.1 just-percentile@4.2.0"
node_packages="$node_packages compute-quantile@1.0.1 mathjs@15.2.0"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/compare.mjs" <<'END'
import { createRequire } from 'module';
import { quantile } from 'd3-array';
import { quantileSeq } from 'mathjs';
import * as simple from 'simple-statistics';

const require = createRequire(import.meta.url);
const { jStat } = require('jstat');
const [percentile, lite, just, compute] = [
  'percentile', 'stats-lite', 'just-percentile', 'compute-quantile',
].map((name) => require(name));
const libraries = {
  percentile: (days) => percentile(90, days),
  'stats-lite': (days) => lite.percentile(days, 0.9),
  'jstat percentile': (days) => jStat.percentile(days, 0.9),
  'jstat quantiles': (days) => jStat.quantiles(days, [0.9])[0],
  'd3-array': (days) => quantile(days, 0.9),
  'simple-statistics': (days) => simple.quantile(days, 0.9),
  'just-percentile': (days) => just(days, 0.9),
  'compute-quantile': (days) => compute(days, 0.9),
  mathjs: (days) => quantileSeq(days, 0.9),
};
const shown = (number) => `${Number(number.toFixed(2))}`;
for (const [name, of] of Object.entries(libraries)) {
  const days = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
  const found = [of(days), of([100, 10, 5]), of([7])].map(shown);
  const changed = days[0] === 10 ? '' : ', input sorted';
  console.log(`${name}: ${found[0]}, of three ${found[1]}, of one ${found[2]}${changed}`);
}
END
node "$dir/compare.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
