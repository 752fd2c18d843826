#!/bin/sh
# Library: sarif-tools 3.0.5 (PyPI), sarif-junit 1.1.4 (npm)
# Summary: Accepted and absent results are failures, and an error whose level comes from its rule is a success for
#   one of them.
# Guess: what was accepted, what is gone since the baseline and what passed is no error, and a result without a
#   level has its rule's.
# Behavior: both count accepted and absent results as failures. sarif-junit also takes an error whose level
#   comes from its rule for a success.
# Output:
#     sarif-tools accepted error
#     sarif-tools gone error
#     sarif-tools level-of-its-rule error
#     sarif-tools plain error
#     sarif-tools rejected error
#     sarif-tools passed none
#     sarif-junit plain failure
#     sarif-junit level-of-its-rule success
#     sarif-junit accepted failure
#     sarif-junit rejected failure
#     sarif-junit gone failure
#     sarif-junit passed success
# Why it matters: a risk that was accepted fails one build, and an open critical passes another. Write `level`
#   into each result, and filter by `suppressions` and `baselineState` before a gate.
set -eu
packages="sarif-tools==3.0.5"
node_packages="sarif-junit@1.1.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"$dir/bin/python" - >"$dir/a.sarif" <<'EOF'
import json

cases = {
    "plain": {"level": "error"},
    "level-of-its-rule": {},
    "accepted": {"level": "error", "suppressions": [{"kind": "external", "status": "accepted"}]},
    "rejected": {"level": "error", "suppressions": [{"kind": "external", "status": "rejected"}]},
    "gone": {"level": "error", "baselineState": "absent"},
    "passed": {"kind": "pass"},
}
place = {"physicalLocation": {"artifactLocation": {"uri": "a.tf"}, "region": {"startLine": 1}}}
result = {"message": {"text": "found"}, "locations": [place]}
results = [{"ruleId": name, **result, **case} for name, case in cases.items()]
rules = [{"id": name, "defaultConfiguration": {"level": "error"}} for name in cases]
run = {"tool": {"driver": {"name": "scanner", "rules": rules}}, "results": results}
print(json.dumps({"version": "2.1.0", "runs": [run]}))
EOF
"$dir/bin/sarif" csv --output "$dir/a.csv" "$dir/a.sarif" >"$dir/log"
"$dir/node_modules/.bin/sarif-junit" -i "$dir/a.sarif" -o "$dir/a.xml" >"$dir/log"
"$dir/bin/python" - "$dir" >"$dir/output" <<'EOF'
import csv
import sys
import xml.etree.ElementTree as etree

for row in csv.DictReader(open(sys.argv[1] + "/a.csv")):
    print("sarif-tools", row["Code"], row["Severity"])
for case in etree.parse(sys.argv[1] + "/a.xml").iter("testcase"):
    print("sarif-junit", case.get("classname"), "failure" if len(case) else "success")
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
