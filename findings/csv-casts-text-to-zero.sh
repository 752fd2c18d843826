#!/bin/sh
# Library: csv-parse 7.0.3, papaparse 5.7.1, d3-dsv 3.0.2 (npm)
# Summary: With the casts of csv-parse, text such as 0x7f3a is 0 and an id beyond 53 bits the one before; with all three,
#   a code 0443 is 443.
# Guess: what is cast is what can be written back: "0443" stays text, and so does what is no decimal number.
# Behavior: csv-parse reads as far as there are digits, so 0x7f3a is 0, without an error. papaparse leaves such text and
#   the long ids as text. d3 reads 0x7f3a as 32570, and rounds the ids, too.
# Output:
#     csv-parse: {"id":9007199254740992,"code":443,"digest":0,"version":1.1}
#     csv-parse: {"id":9007199254740992,"code":22,"digest":0,"version":2.1}
#     papaparse: {"id":"9007199254740993","code":443,"digest":"0x7f3a","version":1.1}
#     papaparse: {"id":"9007199254740992","code":22,"digest":"0x91c0","version":2.1}
#     d3-dsv: {"id":9007199254740992,"code":443,"digest":32570,"version":1.1}
#     d3-dsv: {"id":9007199254740992,"code":22,"digest":37312,"version":2.1}
# Why it matters: all addresses and digests that begin with 0x are one, so a count of distinct ones is 1, and two issues
#   have one id. Cast the columns that are numbers by their names, and no others.
set -eu
packages="csv-parse@7.0.3 papaparse@5.7.1 d3-dsv@3.0.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/read.mjs" <<'EOF'
import { parse } from 'csv-parse/sync';
import { autoType, csvParse } from 'd3-dsv';
import papaparse from 'papaparse';

const text = `id,code,digest,version
9007199254740993,0443,0x7f3a,1.10
9007199254740992,0022,0x91c0,2.10
`;
for (const [name, rows] of Object.entries({
  'csv-parse': parse(text, { columns: true, cast: true }),
  papaparse: papaparse.parse(text, { header: true, dynamicTyping: true, skipEmptyLines: true }).data,
  'd3-dsv': csvParse(text, autoType),
})) {
  for (const row of rows) console.log(`${name}: ${JSON.stringify(row)}`);
}
EOF
node "$dir/read.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
