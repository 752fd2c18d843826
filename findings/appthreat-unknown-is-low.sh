#!/bin/sh
# Library: appthreat-vulnerability-db 7.0.3 (PyPI), of OWASP dep-scan
# Summary: An OSV record without a CVSS 3 or 4 vector gets a CVSS 3 score of 2.0 and is low, also one of CVSS 2
#   with 10.0.
# Guess: a record without a score has none, or its severity is unknown, and a CVSS 2 vector is scored.
# Behavior: what has no vector that it knows gets made-up CVSS 3 metrics: 2.0 and low if there is no word for the
#   severity, and 9.0, 7.5, 5.0 or 2.0 for the words that GitHub's advisories have. Nothing says which scores were
#   made up.
# Output:
#     CVSS 3 vector of 9.8: 9.8 CRITICAL
#     no severity, as malicious packages have: 2.0 LOW
#     CVSS 2 vector of 10.0: 2.0 LOW
#     Ubuntu's high: 2.0 LOW
#     GitHub's CRITICAL: 9.0 CRITICAL
#     GitHub's HIGH: 7.5 HIGH
# Why it matters: OSV's records of malicious packages have no severity, and those of distributions have words. A
#   gate that fails from medium on lets all of them pass. Keep what is unknown apart from what is low.
set -eu
packages="appthreat-vulnerability-db==7.0.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
VDB_HOME="$dir/vdb" "$dir/bin/python" - >"$dir/output" <<'EOF'
from vdb.lib.osv import OSVSource


def record(severity=None, word=None):
    return {
        "schema_version": "1.7.4",
        "id": "EX-2026-1",
        "published": "2026-11-01T08:00:00Z",
        "modified": "2026-11-02T08:00:00Z",
        "summary": "One weakness",
        "details": "Code can be executed.",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "example", "purl": "pkg:pypi/example"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
            }
        ],
        **({"severity": [severity]} if severity else {}),
        **({"database_specific": {"severity": word}} if word else {}),
    }


vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
for name, of in {
    "CVSS 3 vector of 9.8": record({"type": "CVSS_V3", "score": vector}),
    "no severity, as malicious packages have": record(),
    "CVSS 2 vector of 10.0": record({"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C"}),
    "Ubuntu's high": record({"type": "Ubuntu", "score": "high"}),
    "GitHub's CRITICAL": record(word="CRITICAL"),
    "GitHub's HIGH": record(word="HIGH"),
}.items():
    [read] = OSVSource().convert(of)
    assert float(read.score) == read.cvss_v3.base_score
    print(f"{name}: {read.cvss_v3.base_score} {read.severity}")
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
