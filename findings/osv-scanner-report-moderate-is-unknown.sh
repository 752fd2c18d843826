#!/bin/sh
# Library: sec-report-kit 0.6.0 (PyPI), of a report of OSV-Scanner
# Summary: Five vulnerabilities are six findings, and of their severities GitHub's word for medium, "MODERATE", and
#   each CVSS vector are unknown.
# Guess: a group of two aliases is one finding, its severity from `max_severity`: 9.8 is critical.
# Behavior: each record of a group is a finding. Its severity is the word of the record's database, if it has one and
#   the word is one of four; the score that OSV-Scanner has worked out is not read.
# Output:
#     OSV-Scanner, by group and score: CRITICAL 2, HIGH 1, MEDIUM 1, LOW 1
#     sec-report-kit: CRITICAL 1, HIGH 1, MEDIUM 0, LOW 1, UNKNOWN 3
# Why it matters: no vulnerability of GitHub's is medium, those of Go and PyPI have no severity at all, 9.8 or not, and
#   what two databases know is counted twice. Take `groups` and their `max_severity`.
set -eu
packages="sec-report-kit==0.6.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/report.py" <<'END'
import ast
import collections
import json
import re
import subprocess


def record(name, severity=None, aliases=()):
    vector = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    return {
        "id": name, "modified": "2026-11-10T00:00:00Z", "summary": name, "aliases": list(aliases),
        **({"database_specific": {"severity": severity}} if severity else {"severity": vector}),
    }


vulnerabilities = [
    record("GHSA-2222-2222-2222", "CRITICAL", ["CVE-2026-0001"]),
    record("PYSEC-2026-1", aliases=["CVE-2026-0001", "GHSA-2222-2222-2222"]),
    record("GO-2026-1"),
    record("GHSA-3333-3333-3333", "HIGH"),
    record("GHSA-4444-4444-4444", "MODERATE"),
    record("GHSA-5555-5555-5555", "LOW"),
]
groups = [
    {"ids": ["GHSA-2222-2222-2222", "PYSEC-2026-1"], "max_severity": "9.8"},
    {"ids": ["GO-2026-1"], "max_severity": "9.8"},
    {"ids": ["GHSA-3333-3333-3333"], "max_severity": "8.1"},
    {"ids": ["GHSA-4444-4444-4444"], "max_severity": "6.5"},
    {"ids": ["GHSA-5555-5555-5555"], "max_severity": "3.1"},
]
package = {"name": "web", "version": "1.0.0", "ecosystem": "PyPI"}
packages = [{"package": package, "vulnerabilities": vulnerabilities, "groups": groups}]
with open("osv.json", "w") as file:
    json.dump({"results": [{"source": {"path": "/app/uv.lock", "type": "lockfile"}, "packages": packages}]}, file)

BANDS = {"CRITICAL": 9.0, "HIGH": 7.0, "MEDIUM": 4.0, "LOW": 0.1}
scores = [float(group["max_severity"]) for group in groups]
counts = collections.Counter(next(word for word, least in BANDS.items() if score >= least) for score in scores)
print("OSV-Scanner, by group and score:", ", ".join(f"{word} {counts[word]}" for word in BANDS))
command = ["bin/srk", "render", "osv-scanner", "--input", "osv.json", "--output", "osv.html", "--target", "web"]
said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
counts = ast.literal_eval(re.search(r"Severity counts: (\{.*\})", said)[1])
print("sec-report-kit:", ", ".join(f"{word} {number}" for word, number in counts.items()))
END
(cd "$dir" && bin/python report.py >output)
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
