#!/bin/sh
# Library: univers 32.0.1 (PyPI) beside semver 7.8.6 (npm's own)
# Summary: npm's `<=1.2` leaves 1.2.5 out, and `>1.2` takes it in.
# Guess: univers reads npm's ranges as npm does: `<=1.2` takes 1.2.5 in, and `>1.2` leaves it out.
# Behavior: it fills up with zeros. `<=1.2` becomes `<=1.2.0`, which leaves 1.2.5 out; `>1.2` becomes `>1.2.0`,
#   which takes it in.
# Output:
#     <=1.2 is vers:npm/<=1.2.0 False npm: true
#     >1.2 is vers:npm/>1.2.0 True npm: false
#     =1.2 is vers:npm/1.2.0 False npm: true
#     ~1.2 is vers:npm/>=1.2.0|<1.3.0 True npm: true
# Why it matters: advisories are often written with two numbers. A vulnerable 1.2.5 then counts as safe, and a
#   fixed one as vulnerable.
set -eu
packages="univers==32.0.1"
node_packages="semver@7.8.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"$dir/bin/python" - >"$dir/python" <<'EOF'
from univers.version_range import NpmVersionRange
from univers.versions import SemverVersion

for text in ("<=1.2", ">1.2", "=1.2", "~1.2"):
    versions = NpmVersionRange.from_native(text)
    print(text, "is", versions, SemverVersion("1.2.5") in versions)
EOF
(cd "$dir" && node -) >"$dir/javascript" <<'EOF'
const semver = require('semver');
for (const text of ['<=1.2', '>1.2', '=1.2', '~1.2']) console.log('npm:', semver.satisfies('1.2.5', text));
EOF
paste -d ' ' "$dir/python" "$dir/javascript" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
