#!/bin/sh
# Library: @dsnp/parquetjs 1.8.8 and hyparquet 1.33.0 (npm), readers of Parquet, of a file by pyarrow 26.0.1 (PyPI)
# Summary: Of one file, parquetjs reads the address 192.168.0.1 and other unsigned integers as negative ones and
#   decimals as bytes, and hyparquet reads an amount without its cents and a time without its microseconds.
# Guess: both read values alike: uint32 and uint64 above the half are not negative, decimals exact, and times in
#   microseconds to the microsecond.
# Behavior: parquetjs takes an unsigned integer as signed, and gives a decimal as the bytes of the file. hyparquet gives
#   decimals as floats, which have 53 bits. Both make a Date of a time, which has milliseconds. int64 is exact in both.
# Output:
#     address: parquetjs -1062731775, hyparquet 3232235521
#     hash: parquetjs -81985529216486896, hyparquet 18364758544493064720
#     id: parquetjs 9007199254740993, hyparquet 9007199254740993
#     amount: parquetjs bytes, hyparquet 1234567890123456
#     seen: parquetjs 2026-11-30T10:00:00.123Z, hyparquet 2026-11-30T10:00:00.123Z
# Why it matters: polars writes counts as UINT32, and addresses are stored so, and a browser that shows the file adds up
#   something else than the warehouse. Store int64, and decimals as text or as integers of the smallest unit.
set -eu
packages="pyarrow==26.0.1"
node_packages="@dsnp/parquetjs@1.8.8 hyparquet@1.33.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
# parquetjs stays as it is: its 1.9.3 was published without its code.
[ -z "${LATEST:-}" ] || node_packages="@dsnp/parquetjs@1.8.8 hyparquet"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"$dir/bin/python" - "$dir/findings.parquet" <<'END'
import datetime
import decimal
import sys

import pyarrow
import pyarrow.parquet

pyarrow.parquet.write_table(pyarrow.table({
    "address": pyarrow.array([3232235521], pyarrow.uint32()),
    "hash": pyarrow.array([18364758544493064720], pyarrow.uint64()),
    "id": pyarrow.array([9007199254740993], pyarrow.int64()),
    "amount": pyarrow.array([decimal.Decimal("1234567890123456.01")], pyarrow.decimal128(38, 2)),
    "seen": pyarrow.array([datetime.datetime(2026, 11, 30, 10, 0, 0, 123456)], pyarrow.timestamp("us", "UTC")),
}), sys.argv[1])
END
cat >"$dir/read.mjs" <<'END'
import { readFileSync } from 'node:fs';
import parquetjs from '@dsnp/parquetjs';
import { parquetReadObjects } from 'hyparquet';

const file = process.argv[2];
const bytes = readFileSync(file);
const [b] = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) });
const a = await (await parquetjs.ParquetReader.openFile(file)).getCursor().next();
const text = (value) => (value instanceof Date ? value.toISOString() : Buffer.isBuffer(value) ? 'bytes' : `${value}`);
for (const name of Object.keys(b)) console.log(`${name}: parquetjs ${text(a[name])}, hyparquet ${text(b[name])}`);
END
node "$dir/read.mjs" "$dir/findings.parquet" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
