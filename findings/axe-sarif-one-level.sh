#!/bin/sh
# Library: axe-sarif-converter 3.1.0 (npm), Microsoft's, of axe's checks of accessibility
# Summary: A critical and a minor violation are both an error, and the impact is nowhere in the SARIF.
# Guess: the impacts critical, serious, moderate and minor become different levels (error, error, warning, note), and
#   what passed and what is incomplete are told apart from violations.
# Behavior: each violation has the level error, and no rank or property. Passed and incomplete elements are results,
#   too, of the kinds pass and open; a reader that counts results counts each of them.
# Output:
#     critical: fail error
#     serious: fail error
#     moderate: fail error
#     minor: fail error
#     passed: pass none
#     incomplete: open none
#     results: 6, impact in the text: none
# Why it matters: the critical one cannot be found among the minor ones, a gate on errors fails for each, and a count
#   of results is above that of violations. Take the impact from axe's own JSON.
set -eu
packages="axe-sarif-converter@3.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'END'
const { convertAxeToSarif } = require('axe-sarif-converter');

const IMPACTS = ['critical', 'serious', 'moderate', 'minor'];
const rule = (id, impact) => ({
  id, impact, tags: ['wcag2a'], description: 'd', help: 'h', helpUrl: 'https://example.com/rule',
  nodes: [{ html: '<a>', impact, target: ['a'], all: [], none: [], failureSummary: 'f',
    any: [{ id: 'check', data: null, relatedNodes: [], impact, message: 'm' }] }],
});
const log = convertAxeToSarif({
  url: 'https://shop.example/', timestamp: '2026-11-10T12:00:00.000Z', toolOptions: {},
  testEngine: { name: 'axe-core', version: '4.11.0' }, testRunner: { name: 'axe' },
  testEnvironment: { userAgent: 'u', windowWidth: 800, windowHeight: 600 },
  violations: IMPACTS.map((impact, index) => rule(`rule-${index}`, impact)),
  passes: [rule('rule-4', null)], incomplete: [rule('rule-5', 'serious')], inapplicable: [],
});
const names = [...IMPACTS, 'passed', 'incomplete'];
const { results } = log.runs[0];
for (const { ruleId, kind, level } of results) console.log(`${names[ruleId.slice(5)]}: ${kind} ${level}`);
const found = IMPACTS.filter((impact) => JSON.stringify(log).includes(impact));
console.log(`results: ${results.length}, impact in the text: ${found.join(' ') || 'none'}`);
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
