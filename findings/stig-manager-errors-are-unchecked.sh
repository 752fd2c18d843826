#!/bin/sh
# Library: @nuwcdivnpt/stig-manager-client-modules 1.6.7 (npm), of the Navy's STIG Manager
# Summary: Rules of an XCCDF scan that ended in an error, or that it has mended, are not checked, and the counters for
#   errors and for what is fixed are always 0.
# Guess: each of XCCDF's nine results is kept and counted, as the answer has a counter for each of them.
# Behavior: `pass`, `fail` and `notapplicable` are kept. The other six become `notchecked`, or are left out with the
#   settings "commented" and "never", and are counted nowhere then.
# Output:
#     always: pass 1, fail 1, notapplicable 1, notchecked 6, notselected 0, error 0, fixed 0, unknown 0
#     commented: pass 1, fail 1, notapplicable 1, notchecked 0, notselected 0, error 0, fixed 0, unknown 0
#     fixed: notchecked
#     error: notchecked
#     notselected: notchecked
# Why it matters: a scan half of whose rules failed to run looks as one that has no errors, rules that the profile
#   leaves out are work that is left to do, and what a remediation has mended is not known to be. Count the results in
#   the file.
set -eu
packages="@nuwcdivnpt/stig-manager-client-modules@1.6.7"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'END'
const { reviewsFromXccdf } = require('@nuwcdivnpt/stig-manager-client-modules');

const RESULTS = 'pass fail fixed error unknown notapplicable notchecked notselected informational'.split(' ');
const name = (kind, id) => `xccdf_mil.disa.stig_${kind}_${id}`;
const rule = (id) => `<Rule id="${name('rule', id)}" severity="high"><title>${id}</title><description>d</description>
  </Rule>`;
const found = (id) => `<rule-result idref="${name('rule', id)}" severity="high" weight="1" time="2026-11-10T12:00:00Z">
  <result>${id}</result></rule-result>`;
const xml = `<?xml version="1.0" encoding="UTF-8"?>
  <Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="${name('benchmark', 'Example')}" xml:lang="en">
  <status date="2026-01-01">accepted</status><title>Benchmark</title><description>d</description><version>1</version>
  <Profile id="${name('profile', 'p')}"><title>Profile</title></Profile>
  <Group id="${name('group', 'g')}"><title>Group</title>${RESULTS.map(rule).join('')}</Group>
  <TestResult id="${name('testresult', 't')}" start-time="2026-11-10T12:00:00Z" end-time="2026-11-10T12:01:00Z"
  test-system="cpe:/a:example:scanner:1.0" version="1.0">
  <benchmark href="#b" id="${name('benchmark', 'Example')}"/><title>Scan</title>
  <profile idref="${name('profile', 'p')}"/><target>host1</target><target-address>10.0.0.1</target-address>
  <target-facts><fact name="urn:scap:fact:asset:identifier:host_name" type="string">host1</fact></target-facts>
  ${RESULTS.map(found).join('')}<score system="urn:xccdf:scoring:default" maximum="100">50</score></TestResult>
  </Benchmark>`;

const importOptions = {
  autoStatus: { fail: 'saved', notapplicable: 'saved', pass: 'saved' },
  unreviewedCommented: 'informational', emptyDetail: 'ignore', emptyComment: 'ignore', allowCustom: true,
};
const field = { enabled: 'always', required: 'always' };
const read = (unreviewed) => reviewsFromXccdf({
  data: xml, fieldSettings: { detail: field, comment: field }, allowAccept: false, sourceRef: 'scan.xml',
  importOptions: { ...importOptions, unreviewed },
}).checklists[0];
for (const setting of ['always', 'commented']) {
  const { informational, ...stats } = read(setting).stats;
  const counts = Object.entries(stats).map(([result, count]) => `${result} ${count}`);
  console.log(`${setting}: ${counts.join(', ')}`);
}
for (const { ruleId, result } of read('always').reviews)
  if (['error', 'fixed', 'notselected'].includes(ruleId)) console.log(`${ruleId}: ${result}`);
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
