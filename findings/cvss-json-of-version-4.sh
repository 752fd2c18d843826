#!/bin/sh
# Library: cvss 3.6 with cvelib 1.8.0 and jsonschema 4.26.0 (PyPI)
# Summary: Its JSON of a CVSS 4.0 vector has other names and values than the schema; of a plain 2.0 vector it has
#   two scores of 0.
# Guess: `as_json` gives what FIRST's schema describes, as it does for 3.1, and leaves out the scores of metrics
#   that a vector lacks.
# Behavior: for 4.0 it writes version 4, severities in other letters and names that the schema does not know, and
#   it leaves out the ones that it does. For 2.0 the temporal and the environmental score of a vector without such
#   metrics are 0; that of 3.1 is right.
# Output:
#     cvssV3_1 valid 3.1 CRITICAL
#        attackVector attackComplexity confidentialityImpact
#     cvssV4_0 invalid 4 Critical
#        attackVector attackComplexity attackRequirement vulnerableSystemImpactConfidentiality confidentialityRequirements
#     cvssV2_0 baseScore 7.5 temporalScore 0.0 environmentalScore 0.0
# Why it matters: a CVE record with it is refused when it is sent, or by whoever reads it next. Who takes the
#   environmental score where there is one ranks each finding of CVSS 2 at 0. Take the scores, and write the JSON
#   yourself.
set -eu
packages="cvss==3.6 cvelib==1.8.0 jsonschema==4.26.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
from importlib.resources import files

import jsonschema
from cvss import CVSS2, CVSS3, CVSS4

SCHEMA = json.loads((files("cvelib") / "schemas/CVE_JSON_cnaPublishedContainer_5.1.1.json").read_text())
CONTAINER = {
    "providerMetadata": {"orgId": "3c1d8aa1-5a33-4ea4-8992-aadd6440af75"},
    "affected": [{"vendor": "v", "product": "p", "versions": [{"version": "1", "status": "affected"}]}],
    "descriptions": [{"lang": "en", "value": "A vulnerability."}],
    "references": [{"url": "https://example.com/"}],
}
for name, vector in {
    "cvssV3_1": CVSS3("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
    "cvssV4_0": CVSS4("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"),
}.items():
    written = vector.as_json(minimal=True)
    record = CONTAINER | {"metrics": [{name: written}]}
    validator = jsonschema.Draft7Validator(SCHEMA)
    print(name, "valid" if validator.is_valid(record) else "invalid", written["version"], written["baseSeverity"])
    print("  ", *(key for key in written if key.startswith(("attack", "conf", "vulnerableSystemImpactC"))))
written = CVSS2("AV:N/AC:L/Au:N/C:P/I:P/A:P").as_json()
print("cvssV2_0", *(f"{key} {value}" for key, value in written.items() if key.endswith("Score")))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
