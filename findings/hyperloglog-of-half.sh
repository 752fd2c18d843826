#!/bin/sh
# Library: bloom-filters 3.0.4 (npm)
# Summary: Its HyperLogLog of 1,024 registers, whose accuracy it gives as 3%, counts 481 of 1,000 hosts, 52 of 100,
#   and none of one.
# Guess: it counts 1,000 distinct values within 10%.
# Behavior: what is small for its size is estimated by half; what is larger may be a
#   fifth too much or as good as told. With more registers this reaches further. The count of nothing is 0.
# Output:
#     128 registers, accuracy 0.092: 0 of 1, 7 of 10, 55 of 100, 1143 of 1000, 9481 of 10000
#     1024 registers, accuracy 0.033: 0 of 1, 7 of 10, 52 of 100, 481 of 1000, 10245 of 10000
#     4096 registers, accuracy 0.016: 0 of 1, 7 of 10, 52 of 100, 469 of 1000, 12109 of 10000
# Why it matters: numbers of distinct hosts or addresses per issue are small, so nearly all are halved, and a larger
#   one of the same sketch is not, which looks like growth. More registers, the usual remedy, do harm.
set -eu
packages="bloom-filters@3.0.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/count.cjs" <<'END'
const { HyperLogLog } = require('bloom-filters');

for (const registers of [128, 1024, 4096]) {
  const sketch = new HyperLogLog(registers);
  const found = [];
  let host = 0;
  for (const hosts of [1, 10, 100, 1000, 10000]) {
    for (; host < hosts; host++) sketch.update(`host-${host}`);
    found.push(`${Math.round(sketch.count())} of ${hosts}`);
  }
  console.log(`${registers} registers, accuracy ${sketch.accuracy().toFixed(3)}: ${found.join(', ')}`);
}
END
NODE_PATH="$dir/node_modules" node "$dir/count.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
