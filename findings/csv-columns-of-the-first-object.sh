#!/bin/sh
# Library: papaparse 5.7.1, csv-stringify 6.9.0, fast-csv 5.0.8, export-to-csv 1.5.0 beside @json2csv/plainjs 7.0.8 and
#   json-2-csv 5.6.0 (npm), writers of CSV
# Summary: Of findings of which the first has no owner, four of six write a file without owners, and one writes
#   "undefined" where there is none.
# Guess: the column is there, or it is an error, as of Python's DictWriter.
# Behavior: papaparse, csv-stringify, fast-csv and export-to-csv take the columns from the first object and leave out
#   what the others have more, without an error. Sorted the other way, the same findings are written whole.
# Output:
#     papaparse of 1,2,3: id,cve | 1,CVE-2026-1 | 2, | 3,CVE-2026-3
#     papaparse of 3,2,1: id,cve,owner | 3,CVE-2026-3,db | 2,,web | 1,CVE-2026-1,
#     csv-stringify of 1,2,3: id,cve | 1,CVE-2026-1 | 2, | 3,CVE-2026-3
#     csv-stringify of 3,2,1: id,cve,owner | 3,CVE-2026-3,db | 2,,web | 1,CVE-2026-1,
#     fast-csv of 1,2,3: id,cve | 1,CVE-2026-1 | 2, | 3,CVE-2026-3
#     fast-csv of 3,2,1: id,cve,owner | 3,CVE-2026-3,db | 2,,web | 1,CVE-2026-1,
#     export-to-csv of 1,2,3: id,cve | 1,CVE-2026-1 | 2, | 3,CVE-2026-3
#     export-to-csv of 3,2,1: id,cve,owner | 3,CVE-2026-3,db | 2,,web | 1,CVE-2026-1,
#     @json2csv/plainjs of 1,2,3: id,cve,owner | 1,CVE-2026-1, | 2,,web | 3,CVE-2026-3,db
#     @json2csv/plainjs of 3,2,1: id,cve,owner | 3,CVE-2026-3,db | 2,,web | 1,CVE-2026-1,
#     json-2-csv of 1,2,3: id,cve,owner | 1,CVE-2026-1,undefined | 2,undefined,web | 3,CVE-2026-3,db
#     json-2-csv of 3,2,1: id,cve,owner | 3,CVE-2026-3,db | 2,undefined,web | 1,CVE-2026-1,undefined
# Why it matters: an API leaves out fields without a value, and which finding comes first changes from day to day: so a
#   report has the column of owners, of deadlines or of CVEs on some days. Name the columns.
set -eu
node_packages="papaparse@5.7.1 csv-stringify@6.9.0 fast-csv@5.0.8 export-to-csv@1.5.0 @json2csv/plainjs@7.0.8 json-2-csv@5.6.0"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/write.mjs" <<'END'
import { Parser } from '@json2csv/plainjs';
import { stringify } from 'csv-stringify/sync';
import { asString, generateCsv, mkConfig } from 'export-to-csv';
import { writeToString } from 'fast-csv';
import { json2csv } from 'json-2-csv';
import papa from 'papaparse';

const findings = [{ id: 1, cve: 'CVE-2026-1' }, { id: 2, owner: 'web' }, { id: 3, cve: 'CVE-2026-3', owner: 'db' }];
const writers = {
  'papaparse': (rows) => papa.unparse(rows, { newline: '\n' }),
  'csv-stringify': (rows) => stringify(rows, { header: true }),
  'fast-csv': (rows) => writeToString(rows, { headers: true }),
  'export-to-csv': (rows) => asString(generateCsv(mkConfig({ useKeysAsHeaders: true, useBom: false }))(rows)),
  '@json2csv/plainjs': (rows) => new Parser().parse(rows),
  'json-2-csv': (rows) => json2csv(rows),
};
for (const [name, write] of Object.entries(writers)) {
  for (const rows of [findings, [...findings].reverse()]) {
    const lines = (await write(rows)).trim().split(/\r?\n/).map((line) => line.replaceAll('"', ''));
    console.log(`${name} of ${rows.map(({ id }) => id)}: ${lines.join(' | ')}`);
  }
}
END
node "$dir/write.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
