#!/bin/sh
# Library: cyclonedx-python-lib 11.12.0 (PyPI)
# Summary: Reading and writing a document loses `rejected`, `proofOfConcept`, the prefix of vectors and the order
#   of ratings.
# Guess: a CycloneDX 1.6 document that is read and written again says the same.
# Behavior: the date of a rejection and the steps to reproduce are gone, the vector has lost its prefix and with
#   it its version, and the ratings have another order.
# Output:
#     lost: ['proofOfConcept', 'rejected']
#     vendor 9.8 AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H
#     NVD 5.0 None
# Why it matters: a rejected CVE comes back to life, "AV:N/..." can no longer be told to be 3.0, 3.1 or 4.0, and
#   a reader of the first rating gets another source's.
set -eu
packages="cyclonedx-python-lib==11.12.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import json

from cyclonedx.model.bom import Bom
from cyclonedx.output.json import JsonV1Dot6

vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
vulnerability = {
    "bom-ref": "v",
    "id": "CVE-2026-0001",
    "ratings": [
        {"method": "CVSSv31", "score": 5.0, "severity": "medium", "source": {"name": "NVD"}},
        {"method": "CVSSv31", "score": 9.8, "severity": "critical", "source": {"name": "vendor"}, "vector": vector},
    ],
    "rejected": "2026-11-03T00:00:00+00:00",
    "proofOfConcept": {"reproductionSteps": "..."},
}
bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "vulnerabilities": [vulnerability]}
written = json.loads(JsonV1Dot6(Bom.from_json(bom)).output_as_string())["vulnerabilities"][0]
print("lost:", sorted(vulnerability.keys() - written.keys()))
for rating in written["ratings"]:
    print(rating["source"]["name"], rating["score"], rating.get("vector"))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
