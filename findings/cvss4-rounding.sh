#!/bin/sh
# Library: ae-cvss-calculator 1.0.13, cvss4 1.0.7, @turingpointde/cvss.js 2.1.0 (npm)
# Summary: Base scores of CVSS 4.0 differ by 0.1, each in other vectors.
# Guess: CVSS 4.0 looks its scores up in a table, so libraries that support it agree on every base vector.
# Behavior: they agree on most. A mean that ends in 5 on paper is a little below in binary, and two of the three
#   then round down: each in other vectors.
# Output:
#     6561 vectors, scored lower by: {"cvss4":56,"cvss.js":232}
#     5.7 5.6 5.6
# Why it matters: a score that two tools compute from one vector cannot be a key, and "the score changed" may
#   mean that another tool wrote it. Compare vectors, and scores with a tolerance of 0.1.
set -eu
packages="ae-cvss-calculator@1.0.13 cvss4@1.0.7 @turingpointde/cvss.js@2.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'EOF'
const { Cvss4P0 } = require('ae-cvss-calculator');
const { calculateBaseScoreV4 } = require('cvss4');
const { CVSS } = require('@turingpointde/cvss.js');

const metrics = { PR: 'NLH', UI: 'NPA', VC: 'HLN', VI: 'HLN', VA: 'HLN', SC: 'HLN', SI: 'HLN', SA: 'HLN' };
let vectors = ['CVSS:4.0/AV:N/AC:H/AT:P'];
for (const [metric, values] of Object.entries(metrics))
  vectors = vectors.flatMap((vector) => [...values].map((value) => `${vector}/${metric}:${value}`));

const lower = { cvss4: 0, 'cvss.js': 0 };
for (const vector of vectors) {
  const score = new Cvss4P0(vector).calculateScores().overall;
  if (calculateBaseScoreV4(vector) < score) lower.cvss4 += 1;
  if (CVSS(vector).getScore() < score) lower['cvss.js'] += 1;
}
console.log(`${vectors.length} vectors, scored lower by:`, JSON.stringify(lower));
for (const vector of ['CVSS:4.0/AV:N/AC:H/AT:P/PR:H/UI:A/VC:N/VI:H/VA:L/SC:L/SI:L/SA:N'])
  console.log(new Cvss4P0(vector).calculateScores().overall, calculateBaseScoreV4(vector), CVSS(vector).getScore());
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
