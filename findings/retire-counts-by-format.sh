#!/bin/sh
# Library: retire 5.7.0 (npm), which finds vulnerable JavaScript files
# Summary: Of one scan, its JSON has three vulnerabilities, its CycloneDX VEX other three: one twice, and one not at
#   all. As Dependency-Check's XML each has a CVSS score of 7.5.
# Guess: of one scan the JSON and the CycloneDX report have the same number of vulnerabilities with the same severities.
# Behavior: in CycloneDX each CVE is a vulnerability of its own, and one that has neither a CVE nor a GHSA is
#   left out. The XML has one CVSS 2 score and vector beside each severity.
# Output:
#     json: high CVE-2026-0001 CVE-2026-0002, critical GHSA-2222-2222-2222, low issue 77
#     cyclonedxJSON1_6_VEX: high CVE-2026-0001, high CVE-2026-0002, critical GHSA-2222-2222-2222
#     cyclonedxJSON1_7_VEX: high CVE-2026-0001, high CVE-2026-0002, critical GHSA-2222-2222-2222
#     depcheck: high 7.5, critical 7.5, low 7.5
# Why it matters: a count depends on the format that was asked for, a library with an old issue alone is free of
#   findings, and what ranks by score ranks low as critical. Take JSON.
set -eu
packages="retire@5.7.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
mkdir "$dir/app"
echo 'void 0;' >"$dir/app/web-1.0.0.js"
cat >"$dir/list.json" <<'END'
{
  "web": {
    "npmname": "web",
    "vulnerabilities": [
      {
        "below": "2.0.0", "severity": "high", "cwe": ["CWE-79"], "info": ["https://example.com/1"],
        "identifiers": {"summary": "the first", "CVE": ["CVE-2026-0001", "CVE-2026-0002"]}
      },
      {
        "below": "2.0.0", "severity": "critical", "cwe": ["CWE-94"], "info": ["https://example.com/2"],
        "identifiers": {"summary": "the second", "githubID": "GHSA-2222-2222-2222"}
      },
      {
        "below": "2.0.0", "severity": "low", "cwe": ["CWE-20"], "info": ["https://example.com/3"],
        "identifiers": {"summary": "the third", "issue": "77"}
      }
    ],
    "extractors": {"filename": ["web-(§§version§§).js"]}
  }
}
END
for format in json cyclonedxJSON1_6_VEX cyclonedxJSON1_7_VEX depcheck; do
    (cd "$dir" && node_modules/.bin/retire --path app --jsrepo list.json --cachedir cache --exitwith 0 \
        --outputformat "$format" --outputpath "$format") >"$dir/log"
done
(cd "$dir" && node -) >"$dir/output" <<'END'
const { readFileSync } = require('node:fs');
const read = (name) => JSON.parse(readFileSync(name, 'utf8'));
const show = (name, found) => console.log(`${name}: ${found.join(', ')}`);

const named = ({ CVE = [], githubID, issue }) =>
  [...CVE, githubID, issue && `issue ${issue}`].filter(Boolean).join(' ');
const found = read('json').data.flatMap((file) => file.results).flatMap((result) => result.vulnerabilities);
show('json', found.map((one) => `${one.severity} ${named(one.identifiers)}`));
for (const name of ['cyclonedxJSON1_6_VEX', 'cyclonedxJSON1_7_VEX']) {
  show(name, read(name).vulnerabilities.map((one) => `${one.ratings[0].severity} ${one.id}`));
}
const xml = readFileSync('depcheck', 'utf8');
const of = (name) => [...xml.matchAll(new RegExp(`<${name}>(.*)</${name}>`, 'g'))].map((match) => match[1]);
const scores = of('score');
show('depcheck', of('severity').map((severity, index) => `${severity} ${scores[index]}`));
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
