#!/bin/sh
# Library: cvss 1.0.5 (npm)
# Summary: Each vector of CVSS 3.1 and 4.0 scores 0, without an error.
# Guess: a vector of a version that it does not know is an error.
# Behavior: every valid vector of CVSS 3.1 or 4.0 scores 0 and is rated "None": only 3.0 is known. Nothing is
#   raised.
# Output:
#     CVSS:3.0 9.8 Critical
#     CVSS:3.1 0 None
#     CVSS:4.0 0 None
# Why it matters: 0.0 is a valid score, of something harmless. The same weakness is critical or absent from a
#   list, depending on the minor version in its vector. This program stores the API's score and computes none.
set -eu
packages="cvss@1.0.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'EOF'
const cvss = require('cvss');
for (const vector of [
  'CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H',
  'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H',
  'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N',
]) {
  const score = cvss.getScore(vector);
  console.log(vector.slice(0, 8), score, cvss.getRating(score));
}
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
