#!/bin/sh
# Library: vuln-vects 1.1.0 beside ae-cvss-calculator 1.0.13 (npm)
# Summary: Environmental scores of CVSS 3.1 are wrong by up to a point and more: 7.9 for 9.1.
# Guess: two calculators of CVSS 3.1 that agree on all 2592 base vectors agree on environmental scores.
# Behavior: vuln-vects differs in two of five random vectors with environmental metrics, in both directions, and
#   by more than one point where the scope changes. Its scores of CVSS 2 are not rounded.
# Output:
#     PR:H/UI:N/S:U/C:H/I:H/A:H 7.2 7.2
#     PR:H/UI:N/S:U/C:H/I:H/A:H/MS:C 7.9 9.1
#     PR:N/UI:N/S:U/C:L/I:L/A:L/CR:H 8.2 7.7
#     CVSS 2: 7.48465909275
# Why it matters: an environmental score is what a team sorts by, and a critical finding becomes a high one,
#   with another deadline. Ask of a calculator more than its base scores.
set -eu
packages="vuln-vects@1.1.0 ae-cvss-calculator@1.0.13"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'EOF'
const { parseCvss2Vector, parseCvss3Vector } = require('vuln-vects');
const { Cvss3P1 } = require('ae-cvss-calculator');
const all = ['PR:H/UI:N/S:U/C:H/I:H/A:H', 'PR:H/UI:N/S:U/C:H/I:H/A:H/MS:C', 'PR:N/UI:N/S:U/C:L/I:L/A:L/CR:H'];
for (const metrics of all) {
  const vector = `CVSS:3.1/AV:N/AC:L/${metrics}`;
  console.log(metrics, parseCvss3Vector(vector).overallScore, new Cvss3P1(vector).calculateScores().overall);
}
console.log('CVSS 2:', parseCvss2Vector('AV:N/AC:L/Au:N/C:P/I:P/A:P').baseScore);
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
