#!/bin/sh
# Library: @microsoft/sarif-multitool 5.7.0 (npm)
# Summary: A result that rose from note to error is `unchanged` when compared with the scan before, and one that
#   moved by a line is `updated`.
# Guess: `match-results-forward` says `updated` of a result with another level or message, and `new` of one in
#   another file.
# Behavior: what it compares are places: a result of the same rule in the same place is `unchanged`, whatever its
#   level and its message say. A line further down it is `updated`, and so may be the only result of a rule in
#   another file.
# Output:
#     rose from note to error: unchanged
#     found 1, now 400 weak keys: unchanged
#     two lines further down: updated
#     in another file: updated
# Why it matters: a gate for what is new or has changed lets a finding pass that has become critical. Compare
#   level and message, too.
set -eu
packages="@microsoft/sarif-multitool@5.7.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/logs.js" <<'EOF'
const result = (ruleId, level, text, uri, startLine) => ({
  ruleId, level, message: { text },
  locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine } } }],
});
const log = (...results) => JSON.stringify({
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0',
  runs: [{ tool: { driver: { name: 'scanner' } }, results }],
});
const fs = require('fs');
fs.writeFileSync('before.sarif', log(
  result('rose from note to error', 'note', 'Old TLS', 'a.conf', 1),
  result('found 1, now 400 weak keys', 'warning', '1 weak key', 'b.conf', 1),
  result('two lines further down', 'warning', 'Default password', 'c.conf', 10),
  result('in another file', 'warning', 'Open port', 'd.conf', 1),
));
fs.writeFileSync('after.sarif', log(
  result('rose from note to error', 'error', 'Old TLS', 'a.conf', 1),
  result('found 1, now 400 weak keys', 'warning', '400 weak keys', 'b.conf', 1),
  result('two lines further down', 'warning', 'Default password', 'c.conf', 12),
  result('in another file', 'warning', 'Open port', 'e.conf', 1),
));
EOF
(cd "$dir" && node logs.js && DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 node_modules/.bin/sarif-multitool \
    match-results-forward after.sarif --previous before.sarif --output-file-path compared.json >/dev/null)
(cd "$dir" && node -) >"$dir/output" <<'EOF'
for (const { ruleId, baselineState } of require('./compared.json').runs[0].results)
  console.log(`${ruleId}: ${baselineState}`);
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
