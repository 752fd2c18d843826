#!/bin/sh
# Library: norm-findings 0.4.3 (PyPI), the parsers of DefectDojo as a tool
# Summary: One vulnerability with a CVSS 3.1 score of 9.8 is Critical in a report of Trivy, Medium in one of pip-audit
#   and Low in one of OSV-Scanner; of two ratings in CycloneDX the first counts.
# Guess: what has a vector of 9.8 is Critical in each format that has the vector, and without one it is unknown or
#   Info.
# Behavior: of OSV's records it reads `database_specific.severity`, which those of PyPI's own database do not have,
#   and no vector, and takes Low without it; of pip-audit it takes Medium for all. Aliases, with the CVE, are not
#   read.
# Output:
#     trivy: Critical, CVE-2026-0001
#     osv_scanner, of PyPI: Low, PYSEC-2026-1
#     osv_scanner, of GitHub: Critical, GHSA-aaaa-bbbb-cccc
#     pip_audit: Medium, PYSEC-2026-1
#     cyclonedx, critical and low: Critical, CVE-2026-0001
#     cyclonedx, low and critical: Low, CVE-2026-0001
# Why it matters: the same library of one version is due in a week or in half a year, by the tool that found it, and
#   is two findings, as the names differ. Compare severities by CVE before reports of several tools are put together.
set -eu
packages="norm-findings==0.4.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import subprocess
import sys
import tempfile
from pathlib import Path

VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
CVE, TIME = "CVE-2026-0001", "2026-11-10T00:00:00Z"
COMMON = {
    "aliases": [CVE], "modified": TIME, "published": TIME, "summary": "Weakness", "details": "Weakness",
    "severity": [{"type": "CVSS_V3", "score": VECTOR}], "references": [],
    "affected": [{"package": {"ecosystem": "PyPI", "name": "web"}, "versions": ["1.0"]}],
}
PYPI = COMMON | {"id": "PYSEC-2026-1"}
GITHUB = COMMON | {"id": "GHSA-aaaa-bbbb-cccc", "database_specific": {"severity": "CRITICAL"}}


def osv(record):
    package = {"name": "web", "version": "1.0", "ecosystem": "PyPI"}
    source = {"path": "requirements.txt", "type": "lockfile"}
    return {"results": [{"source": source, "packages": [{"package": package, "vulnerabilities": [record]}]}]}


def cyclonedx(*severities):
    ratings = [{"severity": severity} for severity in severities]
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "components": [{"type": "library", "bom-ref": "web", "name": "web", "version": "1.0"}],
        "vulnerabilities": [{"id": CVE, "ratings": ratings, "affects": [{"ref": "web"}]}],
    }


trivy = {
    "VulnerabilityID": CVE, "PkgName": "web", "InstalledVersion": "1.0", "Severity": "CRITICAL",
    "CVSS": {"ghsa": {"V3Vector": VECTOR, "V3Score": 9.8}},
}
pip_audit = {"id": "PYSEC-2026-1", "fix_versions": ["2.0"], "aliases": [CVE], "description": "Weakness"}
REPORTS = {
    "trivy": {"SchemaVersion": 2, "ArtifactName": ".", "Results": [
        {"Target": "requirements.txt", "Class": "lang-pkgs", "Type": "pip", "Vulnerabilities": [trivy]},
    ]},
    "osv_scanner, of PyPI": osv(PYPI),
    "osv_scanner, of GitHub": osv(GITHUB),
    "pip_audit": {"dependencies": [{"name": "web", "version": "1.0", "vulns": [pip_audit]}], "fixes": []},
    "cyclonedx, critical and low": cyclonedx("critical", "low"),
    "cyclonedx, low and critical": cyclonedx("low", "critical"),
}
for name, report in REPORTS.items():
    with tempfile.TemporaryDirectory() as folder:
        report_file, found_file = Path(folder, "report.json"), Path(folder, "found.json")
        report_file.write_text(json.dumps(report))
        command = Path(sys.executable).with_name("norm-findings")
        files = ["--input-file", report_file, "--output-file", found_file]
        subprocess.run(
            [command, "convert", "--parser", name.split(",")[0], *files], check=True, stdout=subprocess.DEVNULL
        )
        [finding] = json.loads(found_file.read_text())
    print(f"{name}: {finding['severity']},", *finding["unsaved_vulnerability_ids"])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
