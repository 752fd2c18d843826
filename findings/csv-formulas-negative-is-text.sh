#!/bin/sh
# Library: defusedcsv 3.0.0 (PyPI), csv-stringify 6.9.0 and papaparse 5.7.1 (npm), with what each has against formulas
# Summary: A negative number that was read as text is written as `'-0.05`, which is no number again: of changes that
#   add up to 0.1 the sum is 0.35. A pipe in a title gets a backslash.
# Guess: negative numbers, such as a change of EPSS, are left as they are, text with = gets a quote, and nothing else
#   is changed, so the title "-h option | help" has one sign more.
# Behavior: numbers as such are left, and text is judged by its first letter. defusedcsv alone leaves text that is a
#   number of digits and a point, but not -5e-05; it writes `\|` for a pipe. None of them takes the signs away when it
#   reads.
# Output:
#     the file: sum of changes 0.09995
#       0.35 | =SUM(A1)
#       -0.25 | -h option | help
#       -0.00005 | -
#     defusedcsv: sum of changes 0.10000
#       0.35 | '=SUM(A1)
#       -0.25 | '-h option \| help
#       '-5e-05 | '-
#     csv-stringify: sum of changes 0.35000
#       0.35 | '=SUM(A1)
#       '-0.25 | '-h option | help
#       '-5e-05 | '-
#     papaparse: sum of changes 0.35000
#       0.35 | '=SUM(A1)
#       '-0.25 | '-h option | help
#       '-5e-05 | '-
# Why it matters: in a table that goes through CSV twice all values are text, and so each decrease, each debt and each
#   latitude in the south is lost for sums, while increases count. Write numbers as numbers, and guard the columns of
#   text alone.
set -eu
packages="defusedcsv==3.0.0"
node_packages="csv-stringify@6.9.0 papaparse@5.7.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/changes.csv" <<'END'
id,change,title
1,0.35,=SUM(A1)
2,-0.25,-h option | help
3,-5e-05,-
END
cat >"$dir/copy.py" <<'END'
import sys

from defusedcsv import csv

source, target = sys.argv[1:]
with open(source, newline="") as file:
    rows = list(csv.reader(file))
with open(target, "w", newline="") as file:
    csv.writer(file, lineterminator="\n").writerows(rows)
END
cat >"$dir/copy.mjs" <<'END'
import fs from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import papa from 'papaparse';

process.chdir(process.argv[2]);
const text = fs.readFileSync('changes.csv', 'utf8').trimEnd();
const { data } = papa.parse(text, { header: true });
const copies = {
  'defusedcsv': fs.readFileSync('defused.csv', 'utf8').trimEnd(),
  'csv-stringify': stringify(data, { header: true, escape_formulas: true }).trimEnd(),
  'papaparse': papa.unparse(data, { escapeFormulae: true, newline: '\n' }),
};
const sum = (rows) => rows.map(({ change }) => change).filter(Number.isFinite).reduce((a, b) => a + b, 0).toFixed(5);
for (const [name, copy] of Object.entries({ 'the file': text, ...copies })) {
  const rows = papa.parse(copy, { header: true, dynamicTyping: true }).data;
  console.log(`${name}: sum of changes ${sum(rows)}`);
  for (const row of rows) console.log(`  ${row.change} | ${row.title}`);
}
END
"$dir/bin/python" "$dir/copy.py" "$dir/changes.csv" "$dir/defused.csv"
node "$dir/copy.mjs" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
