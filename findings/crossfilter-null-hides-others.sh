#!/bin/sh
# Library: crossfilter2 1.5.4, on which dc.js builds its charts (npm)
# Summary: With null, undefined or NaN among the scores, a range from 7 to 11 leaves out scores that are in it, or takes
#   in what is no number.
# Guess: a dimension over scores with null and undefined, filtered to 7 until 11, finds all numbers in the range.
# Behavior: a range is found by a binary search in the sorted values, and null, undefined and NaN, which compare with
#   numbers in no order, break the sorting. Nothing is raised. With null alone it goes well, as null sorts like 0.
# Output:
#     9.8, 7.5, 5, 10, 9: 4 are, 4 are found: 10, 9.8, 9, 7.5
#     9.8, null, 7.5, 5, 10, 9: 4 are, 4 are found: 10, 9.8, 9, 7.5
#     9.8, null, 7.5, undefined, 5, 10, 9: 4 are, 3 are found: 9.8, 9, 7.5
#     undefined, 9.8, 7.5, undefined, 5, 10, 9, 8: 5 are, 4 are found: 9.8, 9, 8, 7.5
#     9.8, NaN, 7.5, 5, NaN, 10, 9: 4 are, 7 are found: 10, 9, NaN, 7.5, 5, NaN, 9.8
# Why it matters: a finding without a score is usual, and a field is undefined where JSON has none. The charts then
#   count other rows than there are, and which depends on the order of loading. Give the dimension a number for each
#   row, as `row.score ?? -1`.
set -eu
packages="crossfilter2@1.5.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/filter.cjs" <<'END'
const crossfilter = require('crossfilter2');

const text = (values) => values.map(String).join(', ');
for (const scores of [
  [9.8, 7.5, 5, 10, 9],
  [9.8, null, 7.5, 5, 10, 9],
  [9.8, null, 7.5, undefined, 5, 10, 9],
  [undefined, 9.8, 7.5, undefined, 5, 10, 9, 8],
  [9.8, NaN, 7.5, 5, NaN, 10, 9],
]) {
  const rows = crossfilter(scores.map((score) => ({ score })));
  const found = rows.dimension((row) => row.score).filterRange([7, 11]).top(Infinity).map((row) => row.score);
  const right = scores.filter((score) => score >= 7 && score < 11);
  console.log(`${text(scores)}: ${right.length} are, ${found.length} are found: ${text(found)}`);
}
END
NODE_PATH="$dir/node_modules" node "$dir/filter.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
