#!/bin/sh
# Library: simple-statistics 7.12.1 beside mathjs 15.2.0 (npm)
# Summary: The median of 1, null, 3 and undefined is 0.5, and that of the texts 9, 10 and 8 is 8, while their means are
#   NaN.
# Guess: with null or undefined, median and quantile are NaN as the mean is, and mathjs takes no median of text.
# Behavior: median and quantile sort as JavaScript does, in which null is 0 and text goes by its letters, and take what
#   stands in the middle. max of a NaN and a number is the number. mathjs reads text as numbers.
# Output:
#     1, 3:
#       median 2, 90% 2.8, max 3, mean 2; mathjs 2, 2
#     1, null, 3, undefined:
#       median 0.5, 90% 2.4000000000000004, max 3, mean NaN; mathjs an error, an error
#     10, 20, 30, null, null:
#       median 10, 90% 26, max 30, mean NaN; mathjs an error, an error
#     "9", "10", "8":
#       median 8, 90% "80.8", max "9", mean NaN; mathjs 9, 9
#     9, NaN, 3:
#       median 9, 90% NaN, max 9, mean NaN; mathjs NaN, NaN
# Why it matters: days until a fix are null for what is open, so the median falls with each one that is not fixed; and
#   numbers from CSV are text. A mean beside it is NaN, and so is noticed. Filter and convert before.
set -eu
packages="simple-statistics@7.12.1 mathjs@15.2.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/median.mjs" <<'END'
import { mean as meanByMath, median as medianByMath } from 'mathjs';
import { max, mean, median, quantile } from 'simple-statistics';

const attempt = (compute) => {
  try {
    return text(compute());
  } catch {
    return 'an error';
  }
};
const text = (value) => (typeof value === 'string' ? `"${value}"` : String(value));
for (const days of [[1, 3], [1, null, 3, undefined], [10, 20, 30, null, null], ['9', '10', '8'], [9, NaN, 3]]) {
  const own = [median(days), quantile(days, 0.9), max(days), mean(days)].map(text);
  const other = [() => medianByMath(days), () => meanByMath(days)].map(attempt);
  console.log(`${days.map(text).join(', ')}:`);
  console.log(`  median ${own[0]}, 90% ${own[1]}, max ${own[2]}, mean ${own[3]}; mathjs ${other.join(', ')}`);
}
END
node "$dir/median.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
