#!/bin/sh
# Library: apache-arrow 21.2.0 (npm), of a file by pyarrow 26.0.1 (PyPI)
# Summary: A decimal of 9.8 is 98 in JavaScript, a time has lost its nanoseconds, and in `tableFromJSON` a text that is
#   missing becomes "", and a text among numbers null.
# Guess: of pyarrow's file, integers of 64 bits are exact, decimals scaled and times exact to the microsecond; and
#   tableFromJSON keeps what is missing as null.
# Behavior: a decimal is its digits, and where the point belongs is in the column's type only. Times are numbers of
#   milliseconds, integers are exact. tableFromJSON takes a column's type from its first value and drops others.
# Output:
#     id: 9007199254740993
#     score, scale 1: 98
#     change, scale 9: -50000000
#     seen: 1794312000123.456
#     sent: 1794312000123.4568
#     [{"owner":"ann"},{}]: [{"owner":"ann"},{"owner":""}]
#     [{"owner":"ann"},{"owner":null}]: [{"owner":"ann"},{"owner":null}]
#     [{"port":443},{"port":"any"}]: [{"port":443},{"port":null}]
# Why it matters: a page that reads Arrow from a database shows a score of 98, and a NUMERIC of BigQuery, which has nine
#   places, as a billion times what it is. Divide by ten to the power of the scale, or cast to a double before.
set -eu
packages="pyarrow==26.0.1"
node_packages="apache-arrow@21.2.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"$dir/bin/python" - "$dir/issues.arrow" <<'END'
import datetime
import decimal
import sys

import pyarrow
from pyarrow import feather

seen = datetime.datetime(2026, 11, 10, 12, 0, 0, 123456, tzinfo=datetime.timezone.utc)
table = pyarrow.table({
    "id": pyarrow.array([2**53 + 1]),
    "score": pyarrow.array([decimal.Decimal("9.8")], pyarrow.decimal128(3, 1)),
    "change": pyarrow.array([decimal.Decimal("-0.05")], pyarrow.decimal128(38, 9)),
    "seen": pyarrow.array([seen]),
    "sent": pyarrow.array([1_794_312_000_123_456_789], pyarrow.timestamp("ns")),
})
feather.write_feather(table, sys.argv[1], compression="uncompressed")
END
cat >"$dir/read.mjs" <<'END'
import fs from 'node:fs';
import { tableFromIPC, tableFromJSON } from 'apache-arrow';

const table = tableFromIPC(fs.readFileSync(process.argv[2]));
const text = (value) => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
for (const { name, type } of table.schema.fields) {
  const scale = type.scale === undefined ? '' : `, scale ${type.scale}`;
  console.log(`${name}${scale}: ${table.getChild(name).get(0)}`);
}
for (const rows of [[{ owner: 'ann' }, {}], [{ owner: 'ann' }, { owner: null }], [{ port: 443 }, { port: 'any' }]])
  console.log(`${text(rows)}: ${text(tableFromJSON(rows).toArray())}`);
END
node "$dir/read.mjs" "$dir/issues.arrow" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
