#!/bin/sh
# Library: @mitre/hdf-converters 2.12.6 (npm), MITRE's own, of SARIF
# Summary: A SARIF result without a level has an impact of 0.1, also if its rule makes it an error; one that passed,
#   is suppressed or is gone has failed.
# Guess: a result without a level has the one of its rule, or is a warning, as SARIF says, and `kind: pass` is passed.
# Behavior: impact is 0.7, 0.5 or 0.3 by the level that is written on the result, and 0.1 if there is none. Each
#   result is `failed`: kind, suppressions and baselineState are not looked at.
# Output:
#     level error: impact 0.7, failed
#     level note: impact 0.3, failed
#     no level: impact 0.1, failed
#     no level, of a rule whose level is error: impact 0.1, failed
#     kind pass: impact 0.1, failed
#     error, suppressed and accepted: impact 0.7, failed
#     error, absent since the last scan: impact 0.7, failed
# Why it matters: tools leave a level out where the rule has it, so their errors rank below notes, and what was
#   accepted or mended counts as what is open. Write the level on each result, and leave out what is no failure,
#   beforehand.
set -eu
packages="@mitre/hdf-converters@2.12.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'END'
const { SarifMapper } = require('@mitre/hdf-converters');

const accepted = [{ kind: 'external', status: 'accepted' }];
const results = {
  'level error': { level: 'error' },
  'level note': { level: 'note' },
  'no level': {},
  'no level, of a rule whose level is error': { ruleId: 'RULE-OF-ERRORS' },
  'kind pass': { kind: 'pass', level: 'none' },
  'error, suppressed and accepted': { level: 'error', suppressions: accepted },
  'error, absent since the last scan': { level: 'error', baselineState: 'absent' },
};
const place = { physicalLocation: { artifactLocation: { uri: 'app.py' }, region: { startLine: 1 } } };
for (const [name, result] of Object.entries(results)) {
  const rule = { id: result.ruleId ?? 'RULE', shortDescription: { text: name } };
  if (result.ruleId) rule.defaultConfiguration = { level: 'error' };
  const found = { ruleId: rule.id, ruleIndex: 0, message: { text: name }, locations: [place], ...result };
  const run = { tool: { driver: { name: 'Scanner', version: '1.0', rules: [rule] } }, results: [found] };
  const log = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] };
  const [control] = new SarifMapper(JSON.stringify(log)).toHdf().profiles[0].controls;
  console.log(`${name}: impact ${control.impact}, ${control.results[0].status}`);
}
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
