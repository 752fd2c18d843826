#!/bin/sh
# Library: @dsnp/parquetjs 1.8.8 beside hyparquet-writer 0.17.0 (npm), read by pyarrow 26.0.1 (PyPI)
# Summary: It writes the time 2026-11-10T08:30:00Z, given as text, as two seconds past midnight of 1 January 1970, the
#   date 2026-11-10 as 20 July 1975, and the text false as true.
# Guess: what comes as text, as JSON has it, is read as what it says or refused. (After seeing this: it is refused in
#   TIMESTAMP_MICROS and TIME, and hyparquet-writer refuses it.)
# Behavior: only a Date is taken as a time; of other values it takes the number at their beginning, which of ISO text is
#   the year: 2,026 milliseconds, or days, since 1970. TIMESTAMP_MICROS refuses the same text, and numbers are read
#   from text as they should be.
# Output:
#     TIMESTAMP_MILLIS "2026-11-10T08:30:00Z": 1970-01-01 00:00:02.026000+00:00; hyparquet-writer refuses it
#     TIMESTAMP_MICROS "2026-11-10T08:30:00Z": refused; hyparquet-writer has no such type
#     DATE "2026-11-10": 1975-07-20; hyparquet-writer has no such type
#     BOOLEAN "false": True; hyparquet-writer refuses it
#     DOUBLE "9.8": 9.8; hyparquet-writer refuses it
#     INT64 "9007199254740993": 9007199254740993; hyparquet-writer refuses it
#     INT32 7.5: 7; hyparquet-writer refuses it
# Why it matters: rows of an API's JSON go into this writer as they are, and all first-seen times are of one moment in
#   1970: every finding is older than its deadline. Make a Date of each time, and compare what was written.
set -eu
node_packages="@dsnp/parquetjs@1.8.8 hyparquet-writer@0.17.0"
packages="pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/write.mjs" <<'END'
import fs from 'node:fs';
import parquet from '@dsnp/parquetjs';
import { parquetWriteFile } from 'hyparquet-writer';

const dir = process.argv[2];
const values = [
  ['TIMESTAMP_MILLIS', '2026-11-10T08:30:00Z', 'TIMESTAMP'],
  ['TIMESTAMP_MICROS', '2026-11-10T08:30:00Z', null],
  ['DATE', '2026-11-10', null],
  ['BOOLEAN', 'false', 'BOOLEAN'],
  ['DOUBLE', '9.8', 'DOUBLE'],
  ['INT64', '9007199254740993', 'INT64'],
  ['INT32', 7.5, 'INT32'],
];
const written = [];
for (const [i, [type, value, otherType]] of values.entries()) {
  let other = 'has no such type';
  try {
    const schema = new parquet.ParquetSchema({ value: { type } });
    const writer = await parquet.ParquetWriter.openFile(schema, `${dir}/${i}.parquet`);
    await writer.appendRow({ value });
    await writer.close();
  } catch {
    fs.rmSync(`${dir}/${i}.parquet`, { force: true });
  }
  if (otherType) {
    try {
      const columnData = [{ name: 'value', data: [value], type: otherType }];
      parquetWriteFile({ filename: `${dir}/other.parquet`, columnData });
      other = 'writes it';
    } catch {
      other = 'refuses it';
    }
  }
  written.push([`${type} ${JSON.stringify(value)}`, other]);
}
fs.writeFileSync(`${dir}/written.json`, JSON.stringify(written));
END
node "$dir/write.mjs" "$dir"
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import json
import pathlib
import sys

import pyarrow.parquet

folder = pathlib.Path(sys.argv[1])
for number, (name, other) in enumerate(json.loads((folder / "written.json").read_text())):
    path = folder / f"{number}.parquet"
    value = pyarrow.parquet.read_table(path)["value"][0].as_py() if path.exists() else "refused"
    print(f"{name}: {value}; hyparquet-writer {other}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
