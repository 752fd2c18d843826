#!/bin/sh
# Library: csaf-lib 0.1.0b12 beside csaf 2026.10.25 (PyPI)
# Guess: a VEX document for which a CSAF validator prints "Verification PASSED" has passed the mandatory tests
#   of CSAF 2.0.
# Behavior: csaf-lib passes a product that has two scores of one version, a CWE under another name, and a
#   version that is not that of the newest revision. csaf refuses all three by the numbers of the mandatory
#   tests.
# Output:
#     good: csaf-lib PASSED csaf PASS
#     scores: csaf-lib PASSED csaf FAIL 6.1.7
#     cwe: csaf-lib PASSED csaf FAIL 6.1.11
#     version: csaf-lib PASSED csaf FAIL 6.1.16
# Why it matters: a receiver that validates refuses the document, or takes one of the two scores. Ask which
#   tests a validator runs, not whether it passes.
set -eu
packages="csaf-lib==0.1.0b12 csaf==2026.10.25"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" <<'EOF'
import copy
import json
import sys

time = "2026-11-01T00:00:00.000Z"
tracking = {"id": "EX-1", "status": "final", "version": "1", "current_release_date": time, "initial_release_date": time}
tracking["revision_history"] = [{"number": "1", "date": time, "summary": "first"}]
publisher = {"category": "vendor", "name": "Example", "namespace": "https://example.com"}
vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
cvss = {"version": "3.1", "vectorString": vector, "baseScore": 9.8, "baseSeverity": "CRITICAL"}
vulnerability = {
    "cve": "CVE-2026-0001",
    "notes": [{"category": "description", "text": "..."}],
    "product_status": {"known_affected": ["P1"]},
    "remediations": [{"category": "vendor_fix", "details": "Update.", "product_ids": ["P1"]}],
    "scores": [{"products": ["P1"], "cvss_v3": cvss}],
}
document = {"category": "csaf_vex", "csaf_version": "2.0", "publisher": publisher, "title": "t", "tracking": tracking}
products = {"full_product_names": [{"product_id": "P1", "name": "One"}]}
cases = {"good": {"document": document, "product_tree": products, "vulnerabilities": [vulnerability]}}
for name in ("scores", "cwe", "version"):
    cases[name] = copy.deepcopy(cases["good"])
cases["scores"]["vulnerabilities"][0]["scores"] *= 2
cases["cwe"]["vulnerabilities"][0]["cwe"] = {"id": "CWE-79", "name": "XSS"}
cases["version"]["document"]["tracking"]["version"] = "2"
for name, case in cases.items():
    with open(f"{sys.argv[1]}/{name}.json", "w") as file:
        json.dump(case, file)
EOF
for case in good scores cwe version; do
    one=$("$dir/bin/csaf-lib" validate "$dir/$case.json" 2>&1 | grep -oE 'PASSED|FAILED')
    other=$("$dir/bin/csaf" validate --no-network --spec-version v20 "$dir/$case.json" 2>&1 |
        grep -oE 'Overall: .*|FAIL\] [0-9.]+' | sed 's/.* //')
    echo "$case: csaf-lib $one csaf" $other
done >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
