#!/bin/sh
# Library: google-cloud-securitycenter 1.48.0, google-cloud-websecurityscanner 1.22.0, grafeas 1.25.0 and
#   google-cloud-os-config 1.26.0 (PyPI), Google's own
# Summary: The highest number of a severity is CRITICAL in one of Google's APIs and LOW in two others, and a score of
#   9.8 is not 9.8 in two of them.
# Guess: numbers of the severities rise with the severity in each, so that max() of them is the worst; CVSS scores are
#   doubles, so 9.8 == 9.8.
# Behavior: Security Command Center and Web Security Scanner count from CRITICAL, which is 1, down to LOW, 4; Grafeas,
#   on which Artifact Analysis is built, counts up. Scores have 64 bits in the first, and 32 in Grafeas and OS Config.
# Output:
#     securitycenter: of CRITICAL 1 and LOW 4 the highest is LOW
#     websecurityscanner: of CRITICAL 1 and LOW 4 the highest is LOW
#     grafeas: of CRITICAL 5 and LOW 2 the highest is CRITICAL
#     securitycenter: a score of 9.8 is 9.8; at most 9.8: True
#     grafeas: a score of 9.8 is 9.800000190734863; at most 9.8: False
#     os-config: a score of 9.8 is 9.800000190734863; at most 9.8: False
# Why it matters: the client gives the number, `max(finding.severity for ...)` works without an error, and of a
#   critical and a low finding it is LOW. A score that is read back is not in a set of scores, and a join by it finds
#   nothing. Sort by a list of names of your own, and round scores to a decimal.
set -eu
packages="google-cloud-securitycenter==1.48.0 google-cloud-websecurityscanner==1.22.0 grafeas==1.25.0"
packages="$packages google-cloud-os-config==1.26.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from google.cloud import osconfig_v1, securitycenter_v2, websecurityscanner_v1
from grafeas import grafeas

severities = {
    "securitycenter": securitycenter_v2.Finding.Severity,
    "websecurityscanner": websecurityscanner_v1.Finding.Severity,
    "grafeas": grafeas.Severity,
}
for name, severity in severities.items():
    worst = max(severity.CRITICAL, severity.LOW)
    numbers = f"CRITICAL {severity.CRITICAL.value} and LOW {severity.LOW.value}"
    print(f"{name}: of {numbers} the highest is {worst.name}")
scores = {
    "securitycenter": securitycenter_v2.Cvssv3(base_score=9.8),
    "grafeas": grafeas.CVSS(base_score=9.8),
    "os-config": osconfig_v1.CVSSv3(base_score=9.8),
}
for name, cvss in scores.items():
    print(f"{name}: a score of 9.8 is {cvss.base_score}; at most 9.8: {cvss.base_score <= 9.8}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
