#!/bin/sh
# Library: natural-orderby 5.0.0 beside natural-compare 1.4.0, string-natural-compare 3.0.1 and Intl.Collator (npm,
#   Node), natsort 8.4.0 (PyPI), which sort as people do
# Summary: It sorts 1.10 before 1.9, and Python 3.11 and 3.12 before 3.9, as texts that are a number are numbers;
#   1.10.0 comes after 1.9.0.
# Guess: versions, hosts, addresses and ids of hexadecimal digits are in one order in each: 1.10 after 1.9.
# Behavior: a version of two parts is a decimal for natural-orderby, and one of three is not, so a list of both is in
#   no order of versions: 1.9.1, 1.10, 1.2, 1.9. The others have one order, but for a sign: -10 is after -5 for all of
#   them.
# Output:
#     natural-orderby: 3.11 3.12 3.9
#       the others: 3.9 3.11 3.12
#     natural-orderby: 1.2.0 1.9.0 1.10.0
#       the others: 1.2.0 1.9.0 1.10.0
#     natural-orderby: 1.9.1 1.10 1.2 1.9
#       the others: 1.2 1.9 1.9.1 1.10
#     natural-orderby: 1.10 1.10-rc1 1.9
#       the others: 1.9 1.10 1.10-rc1
#     natural-orderby: web-1 web-9 web-10
#       the others: web-1 web-9 web-10
#     natural-orderby: 10.0.0.2 10.0.0.9 10.0.0.10
#       the others: 10.0.0.2 10.0.0.9 10.0.0.10
#     natural-orderby: 9f01 10a7 12e3
#       the others: 9f01 10a7 12e3
#     natural-orderby: -10 -5 3
#       natural-compare, string-natural-compare, Intl.Collator: -5 -10 3
#       natsort: 3 -5 -10
# Why it matters: "the oldest version in use" and "fixed in" lists are in order for packages with three parts and out
#   of order for OpenSSL 1.1 and Python 3.9. Sort versions by their own library.
set -eu
packages="natsort==8.4.0"
node_packages="natural-orderby@5.0.0 natural-compare@1.4.0 string-natural-compare@3.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/lists.json" <<'END'
[
  ["3.9", "3.12", "3.11"],
  ["1.10.0", "1.9.0", "1.2.0"],
  ["1.9.1", "1.10", "1.9", "1.2"],
  ["1.10-rc1", "1.9", "1.10"],
  ["web-10", "web-9", "web-1"],
  ["10.0.0.10", "10.0.0.9", "10.0.0.2"],
  ["12e3", "9f01", "10a7"],
  ["-10", "3", "-5"]
]
END
cat >"$dir/sort.mjs" <<'END'
import fs from 'node:fs';
import compareNatural from 'natural-compare';
import { orderBy } from 'natural-orderby';
import compareText from 'string-natural-compare';

const lists = JSON.parse(fs.readFileSync(`${process.argv[2]}/lists.json`, 'utf8'));
const ofPython = JSON.parse(fs.readFileSync(`${process.argv[2]}/natsort.json`, 'utf8'));
const { compare } = new Intl.Collator('en', { numeric: true });
lists.forEach((list, i) => {
  const sorted = {
    'natural-orderby': orderBy(list),
    'natural-compare': [...list].sort(compareNatural),
    'string-natural-compare': [...list].sort(compareText),
    'Intl.Collator': [...list].sort(compare),
    'natsort': ofPython[i],
  };
  const [first, ...others] = Object.entries(sorted).map(([name, values]) => [name, values.join(' ')]);
  console.log(`${first[0]}: ${first[1]}`);
  for (const order of new Set(others.map(([, values]) => values))) {
    const names = others.filter(([, values]) => values === order).map(([name]) => name);
    console.log(`  ${names.length === 4 ? 'the others' : names.join(', ')}: ${order}`);
  }
});
END
"$dir/bin/python" - "$dir" <<'END'
import json
import sys

from natsort import natsorted

with open(f"{sys.argv[1]}/lists.json") as file, open(f"{sys.argv[1]}/natsort.json", "w") as target:
    json.dump([natsorted(values) for values in json.load(file)], target)
END
node "$dir/sort.mjs" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
