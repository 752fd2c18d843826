#!/bin/sh
# Library: semver 7.8.6, npm's own, beside compare-versions 6.1.1 and version-range 4.15.0 (npm), node-semver 0.9.1
#   (PyPI)
# Summary: A range as GitHub's advisories write it, `>= 1.0.0, < 1.2.3`, contains no version, without an error; with
#   `loose` it is `< 1.2.3`.
# Guess: it is satisfied by 1.1.0, or it is an error, in each of the four.
# Behavior: to semver and its port it is no range, and `satisfies` says false of what is none; the other two raise, as
#   soon as they come to the comma. With `loose`, semver drops the parts that it cannot read: here `>= 1.0.0,`.
# Output:
#     ">= 1.0.0 < 1.2.3":
#       0.9.0: semver false, loose false; compare-versions false, version-range false, PyPI's false
#       1.1.0: semver true, loose true; compare-versions true, version-range true, PyPI's true
#     ">= 1.0.0, < 1.2.3":
#       0.9.0: semver false, loose true; compare-versions an error, version-range false, PyPI's false
#       1.1.0: semver false, loose true; compare-versions an error, version-range an error, PyPI's false
#     ">= 1.0.0,< 1.2.3":
#       0.9.0: semver false, loose false; compare-versions an error, version-range false, PyPI's false
#       1.1.0: semver false, loose false; compare-versions an error, version-range an error, PyPI's false
# Why it matters: `vulnerable_version_range` of GitHub's API, which scanners pass on, has commas wherever it has two
#   ends, and none where it has one: `< 1.2.3` is found, and what came in with 1.0.0 never is, or in all that is
#   older, too. Ask `validRange` first, which is null, or replace the comma.
set -eu
node_packages="semver@7.8.6 compare-versions@6.1.1 version-range@4.15.0"
packages="node-semver==0.9.1"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/ranges.json" <<'END'
[">= 1.0.0 < 1.2.3", ">= 1.0.0, < 1.2.3", ">= 1.0.0,< 1.2.3"]
END
cat >"$dir/contains.py" <<'END'
import json
import sys

import nodesemver

ranges = json.load(open(sys.argv[1]))
versions = ("0.9.0", "1.1.0")
print(json.dumps([{v: nodesemver.satisfies(v, text, loose=False) for v in versions} for text in ranges]))
END
cat >"$dir/contains.mjs" <<'END'
import fs from 'node:fs';
import { satisfies } from 'compare-versions';
import semver from 'semver';
import range from 'version-range';

const attempt = (contains) => {
  try {
    return contains();
  } catch {
    return 'an error';
  }
};
const inRange = range.default ?? range;
const [ranges, found] = process.argv.slice(2).map((file) => fs.readFileSync(file, 'utf8'));
JSON.parse(ranges).forEach((text, i) => {
  console.log(`"${text}":`);
  for (const version of ['0.9.0', '1.1.0']) {
    const own = [{}, { loose: true }].map((options) => semver.satisfies(version, text, options));
    const others = [satisfies, inRange].map((contains) => attempt(() => contains(version, text)));
    const port = JSON.parse(found)[i][version];
    const rest = `compare-versions ${others[0]}, version-range ${others[1]}, PyPI's ${port}`;
    console.log(`  ${version}: semver ${own[0]}, loose ${own[1]}; ${rest}`);
  }
});
END
"$dir/bin/python" "$dir/contains.py" "$dir/ranges.json" >"$dir/found"
node "$dir/contains.mjs" "$dir/ranges.json" "$dir/found" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
