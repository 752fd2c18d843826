#!/bin/sh
# Library: spdx3toopenvex 0.0.1 with spdx-python-model 0.0.1 (PyPI), of SPDX 3.0.1 and OpenVEX
# Summary: An assessment "not affected" that was withdrawn holds in OpenVEX, beside the "affected" that came after it,
#   and both have the time of the conversion.
# Guess: the statuses and times of an SPDX 3 document are those of the OpenVEX, and a not_affected has its
#   justification.
# Behavior: when an assessment was published, modified or withdrawn is not read, and statements have no time of their
#   own, so each has the document's, which is now. A vulnerability that has no CVE, but an identifier of another kind,
#   is left out.
# Output:
#     SPDX: CVE-2025-1234 doesNotAffect, published 2025-05-10T12:00:00Z, withdrawn 2025-06-10T12:00:00Z
#     SPDX: CVE-2025-1234 affects, published 2025-07-10T12:00:00Z
#     SPDX: GHSA-2345-6789-cfgh affects, published 2025-07-10T12:00:00Z
#     OpenVEX: CVE-2025-1234 affected, no justification, no time of its own
#     OpenVEX: CVE-2025-1234 not_affected, vulnerable_code_not_present, no time of its own
#     the document's time is later than all of these
# Why it matters: of two statements on one product, readers of OpenVEX take the later one. Here both are of one time,
#   and the one that was withdrawn stands last, so the product may be taken for safe. Leave out what is withdrawn or
#   older before.
set -eu
packages="spdx3toopenvex==0.0.1 spdx-python-model==0.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/app.spdx3.json" <<'END'
import io
import sys
from datetime import datetime, timezone

from spdx_python_model import v3_0_1 as spdx

HAS = spdx.RelationshipType
may, june, july = (datetime(2025, month, 10, 12, tzinfo=timezone.utc) for month in (5, 6, 7))
info = spdx.CreationInfo(_id="_:info", specVersion="3.0.1", created=july)
author = spdx.Person(_id="https://example.com/author", name="Author", creationInfo=info)
info.createdBy = [author]
lib = spdx.software_Package(_id="https://example.com/lib", name="lib", creationInfo=info)


def vulnerability(kind, name):
    known = spdx.ExternalIdentifier(externalIdentifierType=kind, identifier=name)
    made = spdx.security_Vulnerability(_id=f"https://example.com/{name}", creationInfo=info)
    made.externalIdentifier = [known]
    return made


cve = vulnerability(spdx.ExternalIdentifierType.cve, "CVE-2025-1234")
other = vulnerability(spdx.ExternalIdentifierType.securityOther, "GHSA-2345-6789-cfgh")
assessments = [
    spdx.security_VexNotAffectedVulnAssessmentRelationship(
        from_=cve, relationshipType=HAS.doesNotAffect, security_publishedTime=may, security_withdrawnTime=june,
        security_justificationType=spdx.security_VexJustificationType.vulnerableCodeNotPresent,
    ),
]
for affects in (cve, other):
    assessment = spdx.security_VexAffectedVulnAssessmentRelationship(
        from_=affects, relationshipType=HAS.affects, security_publishedTime=july
    )
    assessment.security_actionStatement = "Update to 2.0.0"
    assessments.append(assessment)
for number, assessment in enumerate(assessments):
    assessment._id = f"https://example.com/assessment-{number}"
    assessment.creationInfo = info
    assessment.to = [lib]
file = io.BytesIO()
objects = spdx.SHACLObjectSet([info, author, lib, cve, other, *assessments])
spdx.JSONLDSerializer().write(objects, file)
sys.stdout.write(file.getvalue().decode())
END
"$dir/bin/spdx3toopenvex" --author Author --spdx-in "$dir/app.spdx3.json" --openvex-out "$dir/app.openvex.json"
"$dir/bin/python" - "$dir/app.spdx3.json" "$dir/app.openvex.json" >"$dir/output" <<'END'
import json
import sys

spdx, openvex = (json.load(open(name)) for name in sys.argv[1:])
for each in spdx["@graph"]:
    if each["type"].startswith("security_Vex"):
        withdrawn = f", withdrawn {each['security_withdrawnTime']}" if "security_withdrawnTime" in each else ""
        name = each["from"].rpartition("/")[2]
        print(f"SPDX: {name} {each['relationshipType']}, published {each['security_publishedTime']}{withdrawn}")
for each in openvex["statements"]:
    why, time = each.get("justification", "no justification"), each.get("timestamp", "no time of its own")
    print(f"OpenVEX: {each['vulnerability']['name']} {each['status']}, {why}, {time}")
later = openvex["timestamp"] > max(each.get("security_publishedTime", "") for each in spdx["@graph"])
print("the document's time is", "later than all of these" if later else "one of these")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
