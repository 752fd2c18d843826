#!/bin/sh
# Library: @microsoft/sarif-multitool 5.7.0 (npm), Microsoft's own, of SARIF 2.1.0
# Summary: Once merged, a check that passed, and one that did not apply, is a failure with the level of its rule, an
#   error; so is what was set to a warning. Of one finding in two scans' logs one is left.
# Guess: a merge of two logs keeps all results, and their levels.
# Behavior: a result without a level is taken for a warning, and what is a warning has failed, so its kind is not
#   written. A level "warning" is not written either, as it is the default: but the rule's level comes first. Equal
#   results are one.
# Output:
#     Old TLS: fail, error; merged fail, error
#     passed: pass, none; merged fail, error
#     passed, with a level: pass, none; merged pass, none
#     did not apply: notApplicable, none; merged fail, error
#     a person has to look: review, none; merged fail, error
#     set to a warning: fail, warning; merged fail, error
#     results of web and db: 7; merged 6, in runs 1
# Why it matters: the standard lets a scanner write what passed by its kind alone. Merged, each passed check fails the
#   build, and a host that shares a finding with another has none. Write `level: "none"` with each kind but fail, and
#   keep one log for each host.
set -eu
packages="@microsoft/sarif-multitool@5.7.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/logs.cjs" <<'END'
const fs = require('fs');

const result = (text, fields) => ({ ruleId: 'TLS', ruleIndex: 0, message: { text }, ...fields });
const log = (host, ...results) => ({
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0',
  runs: [{
    tool: { driver: { name: 'scanner', rules: [{ id: 'TLS', defaultConfiguration: { level: 'error' } }] } },
    automationDetails: { id: `${host}/` }, results,
  }],
});
const open = result('Old TLS', { level: 'error' });
fs.writeFileSync('web.sarif', JSON.stringify(log(
  'web', open,
  result('passed', { kind: 'pass' }),
  result('passed, with a level', { kind: 'pass', level: 'none' }),
  result('did not apply', { kind: 'notApplicable' }),
  result('a person has to look', { kind: 'review' }),
  result('set to a warning', { level: 'warning' }),
)));
fs.writeFileSync('db.sarif', JSON.stringify(log('db', open)));
END
cat >"$dir/read.cjs" <<'END'
const fs = require('fs');

const [run, ...others] = JSON.parse(fs.readFileSync('merged.sarif', 'utf8')).runs;
// The standard's section 3.27.10: what has not failed has the level "none", and the rest that of its rule.
const say = ({ kind = 'fail', level }, { defaultConfiguration }) =>
  `${kind}, ${level ?? (kind === 'fail' ? defaultConfiguration.level : 'none')}`;
const [rule] = run.tool.driver.rules;
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8')).runs[0].results;
for (const before of read('web.sarif')) {
  const after = run.results.find(({ message }) => message.text === before.message.text);
  console.log(`${before.message.text}: ${say(before, rule)}; merged ${say(after, rule)}`);
}
const count = read('web.sarif').length + read('db.sarif').length;
console.log(`results of web and db: ${count}; merged ${run.results.length}, in runs ${1 + others.length}`);
END
(cd "$dir" && node logs.cjs && DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 node_modules/.bin/sarif-multitool \
    merge web.sarif db.sarif --output-file merged.sarif >log && node read.cjs) >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
