#!/bin/sh
# Library: xxhashjs 0.2.2 and js-xxhash 5.0.1 beside xxhash-wasm 1.1.0 (npm) and xxhash 4.1.0 (PyPI)
# Summary: Of 10,000 texts one in sixteen has another hash in JavaScript than in Python: as text it has no leading
#   zeros.
# Guess: xxh32 and xxh64 as hex of 1,000 short texts are equal in each.
# Behavior: xxhashjs and js-xxhash give numbers, whose toString(16), as their READMEs have it, is seven digits for one
#   hash in sixteen. xxhash of Python and xxhash-wasm write eight, or sixteen for 64 bits.
# Output:
#     xxh32 of xxhashjs: 634 of 10000 differ, as 44116da for 044116da; filled up 0
#     xxh32 of js-xxhash: 634 of 10000 differ, as 44116da for 044116da; filled up 0
#     xxh32 of xxhash-wasm: 0 of 10000 differ; filled up 0
#     xxh64 of xxhashjs: 612 of 10000 differ, as fcbcea0d106d159 for 0fcbcea0d106d159; filled up 0
#     xxh64 of xxhash-wasm: 0 of 10000 differ; filled up 0
# Why it matters: a fingerprint that is made on both sides, to know a finding again, matches for most, in each test by
#   hand, and some 6% of the findings are new each day. Compare numbers, or fill up with `padStart(8, '0')`.
set -eu
packages="xxhash==4.1.0"
node_packages="xxhashjs@0.2.2 js-xxhash@5.0.1 xxhash-wasm@1.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/hash.mjs" <<'END'
import fs from 'node:fs';
import { xxHash32 } from 'js-xxhash';
import createXXHash from 'xxhash-wasm';
import xxhashjs from 'xxhashjs';

const [h32, h64] = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const { h32ToString, h64ToString } = await createXXHash();
const count = (name, hash, expected) => {
  const texts = expected.map((_, i) => `finding-${i}`);
  const others = texts.filter((text, i) => hash(text) !== expected[i]);
  const filled = texts.filter((text, i) => hash(text).padStart(expected[i].length, '0') !== expected[i]);
  const example = others.length ? `, as ${hash(others[0])} for ${expected[texts.indexOf(others[0])]}` : '';
  console.log(`${name}: ${others.length} of ${texts.length} differ${example}; filled up ${filled.length}`);
};
count('xxh32 of xxhashjs', (text) => xxhashjs.h32(text, 0).toString(16), h32);
count('xxh32 of js-xxhash', (text) => xxHash32(text, 0).toString(16), h32);
count('xxh32 of xxhash-wasm', (text) => h32ToString(text), h32);
count('xxh64 of xxhashjs', (text) => xxhashjs.h64(text, 0).toString(16), h64);
count('xxh64 of xxhash-wasm', (text) => h64ToString(text), h64);
END
"$dir/bin/python" - "$dir/hashes.json" <<'END'
import json
import sys

import xxhash

texts = [f"finding-{i}" for i in range(10000)]
with open(sys.argv[1], "w") as file:
    json.dump([[hash(text.encode()).hexdigest() for text in texts] for hash in (xxhash.xxh32, xxhash.xxh64)], file)
END
node "$dir/hash.mjs" "$dir/hashes.json" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
