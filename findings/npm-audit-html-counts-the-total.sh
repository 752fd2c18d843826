#!/bin/sh
# Library: npm-audit-html 1.5.0 (npm), a page of `npm audit --json`
# Summary: Three vulnerabilities are "6 Known vulnerabilities", and none of them is listed.
# Guess: the counts of one npm audit JSON are those of its `metadata.vulnerabilities`.
# Behavior: it adds up all numbers there, and since npm 7 `total` is one of them. It lists `advisories`, which npm 7 and
#   later call `vulnerabilities`.
# Output:
#     npm audit, version 2: total 3, critical 1, high 2
#     page: 6 known vulnerabilities, critical 1, high 2, GHSA-2222-2222-2222 is in it: false
# Why it matters: the number at the top of a report is twice the real one, and grows and falls twice as fast, while its
#   table says that there is nothing. Take the numbers of the single severities.
set -eu
packages="npm-audit-html@1.5.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/audit.json" <<'END'
{
  "auditReportVersion": 2,
  "vulnerabilities": {
    "base": {
      "name": "base", "severity": "critical", "isDirect": false, "effects": ["one", "two"], "range": "<2.0.0",
      "nodes": ["node_modules/base"], "fixAvailable": true,
      "via": [
        {
          "source": 1100001, "name": "base", "dependency": "base", "title": "Code can be executed",
          "url": "https://github.com/advisories/GHSA-2222-2222-2222", "severity": "critical", "cwe": ["CWE-94"],
          "cvss": {"score": 9.8, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}, "range": "<2.0.0"
        }
      ]
    },
    "one": {
      "name": "one", "severity": "high", "isDirect": true, "via": ["base"], "effects": [], "range": "*",
      "nodes": ["node_modules/one"], "fixAvailable": true
    },
    "two": {
      "name": "two", "severity": "high", "isDirect": true, "via": ["base"], "effects": [], "range": "*",
      "nodes": ["node_modules/two"], "fixAvailable": true
    }
  },
  "metadata": {
    "vulnerabilities": {"info": 0, "low": 0, "moderate": 0, "high": 2, "critical": 1, "total": 3},
    "dependencies": {"prod": 4, "dev": 0, "optional": 0, "peer": 0, "peerOptional": 0, "total": 3}
  }
}
END
(cd "$dir" && node_modules/.bin/npm-audit-html --input audit.json --output audit.html) >"$dir/log"
(cd "$dir" && node -) >"$dir/output" <<'END'
const { readFileSync } = require('node:fs');
const { total, critical, high } = JSON.parse(readFileSync('audit.json', 'utf8')).metadata.vulnerabilities;
console.log(`npm audit, version 2: total ${total}, critical ${critical}, high ${high}`);
const html = readFileSync('audit.html', 'utf8');
const text = html.replace(/<(script|style)[^]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
const number = (pattern) => pattern.exec(text)[1];
console.log(
  `page: ${number(/(\d+) Known vulnerabilities/)} known vulnerabilities,`,
  `critical ${number(/(\d+) critical/)}, high ${number(/(\d+) high/)},`,
  `GHSA-2222-2222-2222 is in it: ${html.includes('GHSA-2222-2222-2222')}`,
);
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
