#!/bin/sh
# Library: @dsnp/parquetjs 1.8.8 beside hyparquet-writer 0.17.0 (npm), read by pyarrow 26.0.1 (PyPI)
# Summary: Of the numbers 0.00 to 100.00, 573 are one hundredth lower in a DECIMAL column: 0.29 is 0.28, 0.57 is 0.56.
#   Of 0.0000 to 1.0000, as EPSS has them, 573 are lower, too: 0.0003 is 0.0002.
# Guess: a decimal of two digits is written as it is. (After seeing that 4.35 is 4.34: fewer than 1% are one lower, and
#   hyparquet-writer rounds.)
# Behavior: the value times 10 to the scale is cut and not rounded, and 0.29 * 100 is 28.999999999999996. Those with one
#   digit, as CVSS scores, are all right. hyparquet-writer has each as it was.
# Output:
#     DECIMAL(3, 1): 0 of 101 differ, sum 505.0 of 505.0; hyparquet-writer 0
#     DECIMAL(6, 2): 573 of 10001 differ, sum 500044.27 of 500050.00; hyparquet-writer 0
#       first: 0.29 as 0.28, 0.57 as 0.56, 0.58 as 0.57
#     DECIMAL(7, 4): 573 of 10001 differ, sum 5000.4427 of 5000.5000; hyparquet-writer 0
#       first: 0.0003 as 0.0002, 0.0006 as 0.0005, 0.0012 as 0.0011
#     DECIMAL(7, 5): 5355 of 100001 differ, sum 50000.44645 of 50000.50000; hyparquet-writer 0
#       first: 0.00007 as 0.00006, 0.00013 as 0.00012, 0.00014 as 0.00013
# Why it matters: the column was made a decimal to be exact, and one value in 18 is not what the API gave: a comparison
#   with the source, a sum of costs and a threshold differ. Write DOUBLE, or the rounded number of hundredths.
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
import parquet from '@dsnp/parquetjs';
import { parquetWriteFile } from 'hyparquet-writer';

for (const [precision, scale, last] of [[3, 1, 100], [6, 2, 10000], [7, 4, 10000], [7, 5, 100000]]) {
  const values = Array.from({ length: last + 1 }, (_, i) => i / 10 ** scale);
  const schema = new parquet.ParquetSchema({ value: { type: 'DECIMAL', precision, scale } });
  const writer = await parquet.ParquetWriter.openFile(schema, `${process.argv[2]}/parquetjs-${scale}`);
  for (const value of values) await writer.appendRow({ value });
  await writer.close();
  parquetWriteFile({
    filename: `${process.argv[2]}/hyparquet-${scale}`,
    columnData: [{ name: 'value', data: values }],
    schema: [
      { name: 'root', num_children: 1 },
      { name: 'value', type: 'INT32', converted_type: 'DECIMAL', precision, scale, repetition_type: 'REQUIRED' },
    ],
  });
}
END
node "$dir/write.mjs" "$dir"
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import sys
from decimal import Decimal

import pyarrow.parquet

for precision, scale in ((3, 1), (6, 2), (7, 4), (7, 5)):
    read = {}
    for writer in ("parquetjs", "hyparquet"):
        read[writer] = pyarrow.parquet.read_table(f"{sys.argv[1]}/{writer}-{scale}")["value"].to_pylist()
    exact = [Decimal(number).scaleb(-scale) for number in range(len(read["parquetjs"]))]
    differ = {
        writer: [f"{value} as {other}" for value, other in zip(exact, values, strict=True) if value != other]
        for writer, values in read.items()
    }
    count, total = len(differ["parquetjs"]), sum(read["parquetjs"])
    print(f"DECIMAL({precision}, {scale}): {count} of {len(exact)} differ, sum {total} of {sum(exact)}", end="; ")
    print(f"hyparquet-writer {len(differ['hyparquet'])}")
    if count:
        print(f"  first: {', '.join(differ['parquetjs'][:3])}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
