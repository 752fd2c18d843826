#!/bin/sh
# Library: @formulajs/formulajs 4.6.1 beside hyperformula 3.5.0, formulas of Excel in JavaScript (npm)
# Summary: Of the cells 9.8, 5, blank, "7.5", "N/A" and 0, the median is 2.5 by formulajs, which also makes 0 of "N/A"
#   and 7.5 of "7.5" in the list that it is given, and a sum of those above 6 is the text 9.87.500.
# Guess: COUNTIF leaves blank and text cells out and knows wildcards, MEDIAN leaves blanks out, and both libraries have
#   what Excel's documents say.
# Behavior: formulajs takes a blank and text for 0 in MEDIAN, and changes the list; a blank is below 7 in COUNTIF; SUMIF
#   puts text and numbers one behind the other; wildcards are not known, and "7,5" is 75. hyperformula is right in
#   these, but cuts INT off towards 0, and takes 1.005 for the float below it.
# Output:
#     COUNT(A1:A6): formulajs 3, hyperformula 3
#     MEDIAN(A1:A6): formulajs 2.5, hyperformula 5
#     COUNTIF(A1:A6, "<7"): formulajs 3, hyperformula 2
#     SUMIF(A1:A6, ">6"): formulajs 9.87.500, hyperformula 9.8
#     COUNTIF(B1:B6, "CVE-2026-*"): formulajs 0, hyperformula 2
#     VALUE("7,5"): formulajs 75, hyperformula #VALUE!
#     INT(-2.5): formulajs -3, hyperformula -2
#     ROUND(1.005, 2): formulajs 1.01, hyperformula 1
#     the list after MEDIAN: [9.8,5,null,7.5,0,0]
# Why it matters: dashboards and low-code tools compute with these what was tried in a spreadsheet: how many findings
#   are below 7, the median age, how many CVEs of a year. What is open has no day of a fix, so the median falls with
#   each one, and what is computed after it has other cells.
set -eu
packages="@formulajs/formulajs@4.6.1 hyperformula@3.5.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/compute.cjs" <<'END'
const formulajs = require('@formulajs/formulajs');
const { HyperFormula } = require('hyperformula');

const scores = [9.8, 5, null, "'7.5", 'N/A', 0];
const names = ['CVE-2026-1', 'CVE-2026-2', 'GHSA-1', 'CVE-2025-3', '', null];
const sheet = HyperFormula.buildFromArray(scores.map((score, i) => [score, names[i]]), { licenseKey: 'gpl-v3' });
const cells = () => scores.map((score) => (score === "'7.5" ? '7.5' : score));
for (const [formula, value] of [
  ['COUNT(A1:A6)', () => formulajs.COUNT(cells())],
  ['MEDIAN(A1:A6)', () => formulajs.MEDIAN(cells())],
  ['COUNTIF(A1:A6, "<7")', () => formulajs.COUNTIF(cells(), '<7')],
  ['SUMIF(A1:A6, ">6")', () => formulajs.SUMIF(cells(), '>6')],
  ['COUNTIF(B1:B6, "CVE-2026-*")', () => formulajs.COUNTIF(names, 'CVE-2026-*')],
  ['VALUE("7,5")', () => formulajs.VALUE('7,5')],
  ['INT(-2.5)', () => formulajs.INT(-2.5)],
  ['ROUND(1.005, 2)', () => formulajs.ROUND(1.005, 2)],
]) {
  const computed = sheet.calculateFormula(`=${formula}`, 0);
  console.log(`${formula}: formulajs ${value()}, hyperformula ${computed.value ?? computed}`);
}
const changed = cells();
formulajs.MEDIAN(changed);
console.log(`the list after MEDIAN: ${JSON.stringify(changed)}`);
END
NODE_PATH="$dir/node_modules" node "$dir/compute.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
