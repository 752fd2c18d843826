#!/bin/sh
# Library: nvdlib 0.9.0 (PyPI; released in September 2026)
# Summary: The score of a record with two metrics is another than in 0.8.5.
# Guess: `score` of one record is the same in two minor versions.
# Behavior: 0.8.5 gives the first metric of CVSS 3.1, and 0.9.0 the one that is marked Primary. Both prefer CVSS
#   4.0 to it, whoever wrote that.
# Output:
#     ['V31', 9.8] ['V40', 7.5]
#     ['V31', 7.5] ['V40', 7.5]
# Why it matters: a dashboard changes its severities with an upgrade, and no CVE has. Store the version, source
#   and type beside a score.
set -eu
packages="nvdlib==0.9.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/score.py" <<'EOF'
from nvdlib import classes

names = (
    "attackVector attackComplexity privilegesRequired userInteraction scope confidentialityImpact integrityImpact "
    "availabilityImpact baseSeverity vectorString"
).split()


def metric(score, kind):
    data = {**dict.fromkeys(names, "-"), "baseScore": score}
    return {"type": kind, "cvssData": data, "exploitabilityScore": 1.0, "impactScore": 1.0}


def score(metrics):
    record = {"id": "CVE-2026-0001", "metrics": metrics, "configurations": [{"nodes": [{"cpeMatch": []}]}]}
    record |= {"weaknesses": [], "references": [], "descriptions": []}
    return getattr(classes, "__convert")("cve", record).score[:2]


secondary, primary = metric(7.5, "Secondary"), metric(9.8, "Primary")
print(score({"cvssMetricV31": [secondary, primary]}), score({"cvssMetricV31": [primary], "cvssMetricV40": [secondary]}))
EOF
"$dir/bin/python" "$dir/score.py" >"$dir/output"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check nvdlib==0.8.5
"$dir/bin/python" "$dir/score.py" >>"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
