#!/bin/sh
# Library: spdx-python-model 0.0.6 (PyPI), SPDX's own, of SPDX 3.0.1
# Summary: CVSS scores and EPSS probabilities are text in the JSON that it writes, and 0.00004 is "4e-05", which
#   is no decimal of XML Schema.
# Guess: a score is a number in JSON, as in CycloneDX and CSAF, and small ones are written as decimals.
# Behavior: decimals are written as text, as JSON-LD allows, and by Python's `repr`: small ones with an exponent,
#   which the type `xsd:decimal` of both properties does not have. The model itself reads all of them as numbers
#   again.
# Output:
#     9.8: "9.8", a decimal True, read again 9.8
#     10.0: "10.0", a decimal True, read again 10.0
#     0.00043: "0.00043", a decimal True, read again 0.00043
#     0.00004: "4e-05", a decimal False, read again 4e-05
#     the highest of 9.8 and 10.0 in the document: 9.8
# Why it matters: whoever reads the document as JSON compares text, by which 9.8 is more than 10.0 and "4e-05"
#   more than "0.9", and a strict reader refuses the probabilities of the many CVEs that are hardly ever
#   exploited.
set -eu
packages="spdx-python-model==0.0.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import io
import json
import re
from datetime import datetime, timezone

from spdx_python_model import v3_0_1 as spdx

DECIMAL = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"  # the lexical form of xsd:decimal
created = spdx.CreationInfo(_id="_:created", specVersion="3.0.1", created=datetime(2026, 11, 2, tzinfo=timezone.utc))
scanner = spdx.Person(_id="https://example.org/scanner", name="Scanner", creationInfo=created)
created.createdBy = [scanner]
package = spdx.software_Package(_id="https://example.org/package", name="package", creationInfo=created)
weakness = spdx.security_Vulnerability(_id="https://example.org/weakness", name="CVE-2026-1234", creationInfo=created)


def cvss(score):
    return spdx.security_CvssV3VulnAssessmentRelationship(
        security_score=score,
        security_severity=spdx.security_CvssSeverityType.critical,
        security_vectorString="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    )


def epss(probability):
    return spdx.security_EpssVulnAssessmentRelationship(
        security_probability=probability, security_percentile=0.5, security_publishedTime=created.created
    )


def written(assessment, field):
    assessment._id = "https://example.org/assessment"
    assessment.creationInfo = created
    assessment.from_ = weakness
    assessment.to = [package]
    assessment.relationshipType = spdx.RelationshipType.hasAssessmentFor
    file = io.BytesIO()
    objects = spdx.SHACLObjectSet([created, scanner, package, weakness, assessment])
    spdx.JSONLDSerializer().write(objects, file)
    [text] = [each[field] for each in json.loads(file.getvalue())["@graph"] if field in each]
    again = spdx.SHACLObjectSet()
    spdx.JSONLDDeserializer().read(io.BytesIO(file.getvalue()), again)
    return text, getattr(again.find_by_id("https://example.org/assessment"), field)


texts = {}
for literal, of, field in (
    ("9.8", cvss, "security_score"),
    ("10.0", cvss, "security_score"),
    ("0.00043", epss, "security_probability"),
    ("0.00004", epss, "security_probability"),
):
    texts[literal], read = written(of(float(literal)), field)
    decimal = bool(re.fullmatch(DECIMAL, texts[literal]))
    print(f"{literal}: {json.dumps(texts[literal])}, a decimal {decimal}, read again {read}")
print("the highest of 9.8 and 10.0 in the document:", max(texts["9.8"], texts["10.0"]))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
