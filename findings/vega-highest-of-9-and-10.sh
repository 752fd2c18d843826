#!/bin/sh
# Library: vega 6.4.0 with vega-lite 6.5.0 (npm)
# Summary: Of scores that are text, "9" is the highest of "9" and "10", while their mean is 9.5; one "N/A" takes the
#   mean away and not the median, and NULL is a distinct value.
# Guess: aggregates leave null, "" and "N/A" out, take the text "7.5" for 7.5, and do not count null as distinct.
# Behavior: mean, sum and median make numbers of text, min and max compare it as text. null and "" are left out, and are
#   one value each in distinct; what is no number makes a sum NaN, and a median leaves it out.
# Output:
#     [9,10]: min 9, max 10, mean 9.5, median 9.5, distinct 2
#     ["9","10"]: min 10, max 9, mean 9.5, median 9.5, distinct 2
#     ["9.8","10.0",null]: min 10.0, max 9.8, mean 9.9, median 9.9, distinct 3
#     [9,10,null]: min 9, max 10, mean 9.5, median 9.5, distinct 3
#     [9,10,"N/A"]: min 9, max 10, mean NaN, median 9.5, distinct 3
# Why it matters: CSV and decimals in JSON are text, so the worst score on a chart is 9.8 and not 10.0, and the number
#   of owners is one too many. In a chart's encoding a quantitative field is made a number; in a transform it is not.
set -eu
packages="vega@6.4.0 vega-lite@6.5.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/aggregate.mjs" <<'END'
import * as vega from 'vega';
import { compile } from 'vega-lite';

const operations = ['min', 'max', 'mean', 'median', 'distinct'];
for (const scores of [[9, 10], ['9', '10'], ['9.8', '10.0', null], [9, 10, null], [9, 10, 'N/A']]) {
  const values = scores.map((score) => ({ score }));
  const transform = [{ aggregate: operations.map((op) => ({ op, field: 'score', as: op })) }];
  const { spec } = compile({ data: { values }, transform, mark: 'point', encoding: {} });
  const view = await new vega.View(vega.parse(spec), { renderer: 'none' }).runAsync();
  const [found] = view.data(spec.marks[0].from.data);
  console.log(`${JSON.stringify(scores)}: ${operations.map((op) => `${op} ${found[op]}`).join(', ')}`);
}
END
node "$dir/aggregate.mjs" >"$dir/output" 2>"$dir/log"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
