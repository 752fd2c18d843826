#!/bin/sh
# Library: faraday-plugins 1.31.0 (PyPI), which reads reports of scanners for Faraday; here of Trivy and SARIF
# Summary: Of a CVE in two packages one is left, without the package and the score; a check that passed is open, a
#   secret is nothing; of two errors in a file one is left, as "info".
# Guess: one vulnerability for each finding of Trivy and SARIF, with the severity of the report, all CVEs, and the
#   CVSS scores as they are.
# Behavior: two findings of one host with the same title and text are one, and what tells them apart (package, line,
#   message) is not read. The level of a SARIF result is read from the result alone, and the first one counts. Trivy's
#   `Status`, `Secrets` and `CVSS` are not read.
# Output:
#     Trivy: CVE-2026-12345 in libc6, CRITICAL, 9.8
#     Trivy: CVE-2026-12345 in libc-bin, CRITICAL, 9.8
#     Trivy: Runs as root, HIGH FAIL
#     Trivy: Port 22 is exposed, HIGH PASS
#     Trivy: Private key, HIGH found
#     SARIF: On line 10, the level of its rule, error
#     SARIF: On line 20, error
#     Faraday: Overflow in glibc, critical, open, ['CVE-2026-12345'], no score
#     Faraday: Runs as root, high, open, [], no score
#     Faraday: Port 22 is exposed, high, open, [], no score
#     Faraday: SqlInjection, info, open, [], no score
# Why it matters: counts by severity, and what is closed by the next report, are of these. The second package may be
#   updated alone, and an error on line 20 is not there at all. Count in the scanner's own report.
set -eu
packages="faraday-plugins==1.31.0"
# Of what it requires, what is imported here: pandas is left out.
required="beautifulsoup4==4.15.0 click==8.5.1 colorama==0.4.6 html2text==2025.4.15 lxml==6.1.3 markdown==3.11.3"
required="$required packaging==26.4 python-dateutil==4.0.0 pytz==2026.6 requests==2.34.2 simplejson==4.3.0"
required="$required tabulate==0.10.0 tldextract==5.4.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check --no-deps $packages
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $required
"$dir/bin/python" - "$dir" <<'END'
import json
import sys

LINK = "https://avd.aquasec.com/nvd/cve-2026-12345"
cvss = {"nvd": {"V3Score": 9.8, "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}
flaw = {"VulnerabilityID": "CVE-2026-12345", "InstalledVersion": "2.36", "Severity": "CRITICAL", "CVSS": cvss}
flaw |= {"Title": "Overflow in glibc", "Description": "An overflow.", "PrimaryURL": LINK, "References": [LINK]}
check = {"Type": "Dockerfile Security Check", "Severity": "HIGH", "Resolution": "Add USER", "References": [LINK]}
check |= {"CauseMetadata": {"Code": {"Lines": None}}}
secret = {"RuleID": "private-key", "Category": "AsymmetricPrivateKey", "Severity": "HIGH", "Title": "Private key"}
secret |= {"StartLine": 1, "EndLine": 1, "Match": "-----BEGIN"}
trivy = {"SchemaVersion": 2, "ArtifactName": "app:1.0", "ArtifactType": "container_image", "Results": [
    {"Target": "app (debian 12)", "Class": "os-pkgs", "Type": "debian",
     "Vulnerabilities": [flaw | {"PkgName": name} for name in ("libc6", "libc-bin")]},
    {"Target": "Dockerfile", "Class": "config", "Type": "dockerfile", "Misconfigurations": [
        check | {"ID": "DS002", "Title": "Runs as root", "Message": "No USER", "Status": "FAIL"},
        check | {"ID": "DS004", "Title": "Port 22 is exposed", "Message": "No port 22", "Status": "PASS"}]},
    {"Target": "key.pem", "Class": "secret", "Secrets": [secret]},
]}


def result(line, **fields):
    place = {"artifactLocation": {"uri": "app.py"}, "region": {"startLine": line}}
    return {"ruleId": "R1", "message": {"text": f"On line {line}"}, "locations": [{"physicalLocation": place}]} | fields


texts = {name: {"text": "SQL from input"} for name in ("shortDescription", "fullDescription", "help")}
rule = {"id": "R1", "name": "SqlInjection", "defaultConfiguration": {"level": "error"}} | texts
sarif = {"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": [
    {"tool": {"driver": {"name": "scanner", "rules": [rule]}}, "results": [result(10), result(20, level="error")]},
]}
for name, report in {"trivy.json": trivy, "log.sarif": sarif}.items():
    with open(f"{sys.argv[1]}/{name}", "w") as file:
        json.dump(report, file)
END
(cd "$dir" && bin/faraday-plugins process-report trivy.json --plugin_id Trivy_Json --output-file trivy.read &&
    bin/faraday-plugins process-report log.sarif --plugin_id Sarif --output-file sarif.read) >"$dir/log" 2>&1
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import json
import sys


def load(name):
    return json.load(open(f"{sys.argv[1]}/{name}"))


for result in load("trivy.json")["Results"]:
    for each in result.get("Vulnerabilities", []):
        score = each["CVSS"]["nvd"]["V3Score"]
        print(f"Trivy: {each['VulnerabilityID']} in {each['PkgName']}, {each['Severity']}, {score}")
    for each in result.get("Misconfigurations", []) + result.get("Secrets", []):
        print(f"Trivy: {each['Title']}, {each['Severity']} {each.get('Status', 'found')}")
for result in load("log.sarif")["runs"][0]["results"]:
    print(f"SARIF: {result['message']['text']}, {result.get('level', 'the level of its rule, error')}")
for name in ("trivy", "sarif"):
    for host in load(f"{name}.read")["hosts"]:
        for found in host["vulnerabilities"]:
            score = found["cvss3"].get("base_score", "no score")
            print(f"Faraday: {found['name']}, {found['severity']}, {found['status']}, {found['cve']}, {score}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
