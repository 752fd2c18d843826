#!/bin/sh
# Library: @tanstack/table-core 9.3.1, which React, Vue and Svelte tables are built on (npm)
# Summary: Of the scores "9.8" and "7.5" the mean is 8.65, the sum 0 and the highest undefined; of 5 and "9.8" the
#   highest is 5 and the mean 7.4.
# Guess: mean, min, max and median leave null out, and take the text "7.5" alike.
# Behavior: mean reads text as a number, and takes "" for 0. sum, min, max and median leave out what is no number,
#   without a word.
# Output:
#     9.8, null, 5: sum 14.8, mean 7.4, min 5, max 9.8, median 7.4
#     "9.8", "7.5": sum 0, mean 8.65, min undefined, max undefined, median undefined
#     5, "9.8": sum 5, mean 7.4, min 5, max 5, median 5
#     9.8, "": sum 9.8, mean 4.9, min 9.8, max 9.8, median 9.8
# Why it matters: NUMERIC comes as text from BigQuery and PostgreSQL, and scores do from CSV. A table shows a mean that
#   is right, so the sum and the highest score beside it are believed. Convert in `accessorFn`.
set -eu
packages="@tanstack/table-core@9.3.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/aggregate.mjs" <<'END'
import {
  aggregationFns, columnGroupingFeature, constructTable, createGroupedRowModel, rowAggregationFeature, tableFeatures,
} from '@tanstack/table-core';
import { storeReactivityBindings } from '@tanstack/table-core/store-reactivity-bindings';

const features = tableFeatures({
  aggregationFns,
  columnGroupingFeature,
  coreReactivityFeature: storeReactivityBindings(),
  groupedRowModel: createGroupedRowModel(),
  rowAggregationFeature,
});
const aggregate = (scores, aggregationFn) => {
  const columns = [
    { id: 'host', accessorFn: () => 'web' },
    { id: 'score', accessorFn: (row) => row.score, aggregationFn },
  ];
  const data = scores.map((score) => ({ score }));
  const table = constructTable({ features, columns, data, initialState: { grouping: ['host'] } });
  return table.getRowModel().rows[0].getValue('score');
};
for (const scores of [[9.8, null, 5], ['9.8', '7.5'], [5, '9.8'], [9.8, '']]) {
  const found = ['sum', 'mean', 'min', 'max', 'median'].map((name) => `${name} ${aggregate(scores, name)}`);
  console.log(`${scores.map((score) => JSON.stringify(score)).join(', ')}: ${found.join(', ')}`);
}
END
node "$dir/aggregate.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
