#!/bin/sh
# Library: trivy-to-sonarqube 1.2.0 (npm)
# Summary: In SonarQube, what Trivy calls HIGH is a blocker and what it calls CRITICAL is one below; secrets are
#   not there at all.
# Guess: the five severities of Trivy become the five of SonarQube in their order, and each finding of the report
#   an issue.
# Behavior: the two highest are exchanged: CRITICAL has the name that SonarQube has for its second, and HIGH gets
#   the name of its first. Vulnerabilities and misconfigurations are read, secrets are not, and an issue does not
#   name its package.
# Output:
#     Trivy CRITICAL: SonarQube CRITICAL, the 2nd
#     Trivy HIGH: SonarQube BLOCKER, the 1st
#     Trivy MEDIUM: SonarQube MAJOR, the 3rd
#     Trivy LOW: SonarQube MINOR, the 4th
#     Trivy UNKNOWN: SonarQube INFO, the 5th
#     of 5 vulnerabilities and 1 secret: 5 issues, 0 name libexample
# Why it matters: a list that is sorted by severity begins with what is less severe, a gate on blockers stops for
#   HIGH and lets CRITICAL pass, and a leaked key is no issue.
set -eu
packages="trivy-to-sonarqube@1.2.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'EOF'
const fs = require('fs');
const { convertReport } = require('trivy-to-sonarqube');

const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'];
const ranks = ['BLOCKER', 'CRITICAL', 'MAJOR', 'MINOR', 'INFO'];
const places = ['1st', '2nd', '3rd', '4th', '5th'];
fs.writeFileSync('trivy.json', JSON.stringify({
  SchemaVersion: 2, ArtifactName: 'image', ArtifactType: 'container_image',
  Results: [
    {
      Target: 'image (debian 12)', Class: 'os-pkgs', Type: 'debian',
      Vulnerabilities: severities.map((Severity, i) => ({
        VulnerabilityID: `CVE-2026-${1000 + i}`, PkgName: 'libexample', InstalledVersion: '1.0', FixedVersion: '2.0',
        Severity, Title: 'One weakness', Description: 'd', PrimaryURL: 'https://example.org',
      })),
    },
    {
      Target: '/app/key.pem', Class: 'secret',
      Secrets: [{
        RuleID: 'private-key', Category: 'AsymmetricPrivateKey', Severity: 'HIGH', Title: 'Private key', Match: '***',
        StartLine: 1, EndLine: 1,
      }],
    },
  ],
}));
convertReport('trivy.json', 'sonarqube.json').then(() => {
  const { issues } = JSON.parse(fs.readFileSync('sonarqube.json', 'utf8'));
  severities.forEach((severity, i) => {
    const { severity: written } = issues.find(({ ruleId }) => ruleId === `CVE-2026-${1000 + i}`);
    console.log(`Trivy ${severity}: SonarQube ${written}, the ${places[ranks.indexOf(written)]}`);
  });
  const named = issues.filter((issue) => JSON.stringify(issue).includes('libexample')).length;
  console.log(`of 5 vulnerabilities and 1 secret: ${issues.length} issues, ${named} name libexample`);
});
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
