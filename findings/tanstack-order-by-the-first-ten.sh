#!/bin/sh
# Library: @tanstack/table-core 9.3.1, which React, Vue and Svelte tables are built on (npm)
# Summary: Whether 1.10 is above or below 1.9 depends on the ten rows that come first, and 0.5 is below 0.45 as text.
# Guess: sorting by a column of text, such as of versions 1.9 and 1.10, gives the same order for few rows as for many.
# Behavior: the way to compare is chosen by the first ten rows that the filter leaves. With no text among them, text is
#   compared by its letters; with a digit in one, by the numbers in it, in which what is behind a point is a number of
#   its own.
# Output:
#     1.9, 1.10, 1.2 after 0 empty rows: 1.2, 1.9, 1.10
#     1.9, 1.10, 1.2 after 9 empty rows: 1.2, 1.9, 1.10
#     1.9, 1.10, 1.2 after 10 empty rows: 1.10, 1.2, 1.9
#     the same before 10 empty rows: 1.2, 1.9, 1.10
#     "0.5", "0.45", "0.1234": 0.5, 0.45, 0.1234
# Why it matters: "fixed in" is empty for most findings, and what comes first changes with a filter, so the newest
#   version is another one with each. An EPSS that comes as text sorts 0.5 below 0.1234. Set `sortFn`, and convert
#   numbers.
set -eu
packages="@tanstack/table-core@9.3.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/sort.mjs" <<'END'
import {
  constructTable, createSortedRowModel, rowSortingFeature, sortFns, tableFeatures,
} from '@tanstack/table-core';
import { storeReactivityBindings } from '@tanstack/table-core/store-reactivity-bindings';

const features = tableFeatures({
  coreReactivityFeature: storeReactivityBindings(),
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns,
});
const sorted = (values) => {
  const columns = [{ id: 'value', accessorFn: (row) => row.value }];
  const data = values.map((value) => ({ value }));
  const initialState = { sorting: [{ id: 'value', desc: false }] };
  const rows = constructTable({ features, columns, data, initialState }).getRowModel().rows;
  return rows.map((row) => row.getValue('value')).filter((value) => value !== null).join(', ');
};
const versions = ['1.9', '1.10', '1.2'];
for (const empty of [0, 9, 10])
  console.log(`${versions.join(', ')} after ${empty} empty rows: ${sorted([...Array(empty).fill(null), ...versions])}`);
console.log(`the same before 10 empty rows: ${sorted([...versions, ...Array(10).fill(null)])}`);
console.log(`"0.5", "0.45", "0.1234": ${sorted(['0.5', '0.45', '0.1234'])}`);
END
node "$dir/sort.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
