#!/bin/sh
# Library: py-ocsf-models 0.10.0 (PyPI)
# Summary: Of one kind of OCSF time, milliseconds since 1970, it writes some fields as numbers and others as text.
# Guess: a vulnerability that is read from valid OCSF and written again has the same JSON, apart from nulls.
# Behavior: `first_seen_time` stays a number, `created_time` and `modified_time` of the CVE and of its EPSS score
#   become text, which OCSF has for the fields that end in `_dt`. And of EPSS, the percentile is a number and the
#   score has to be text, as OCSF has it: the number that the feed has is refused.
# Output:
#     read    first_seen_time 1795996800000 created_time 1795996800000 epss 1795996800000
#     written first_seen_time 1795996800000 created_time '2026-11-30T00:00:00Z' epss '2026-11-30T00:00:00Z'
#     score 0.94321 ValidationError
# Why it matters: a column that is INT64 with the events of one tool gets text from another, and a load stops or
#   makes a second column. Convert by the name of each field, and test a round trip.
set -eu
packages="py-ocsf-models==0.10.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json

from py_ocsf_models.objects.epss import EPSS
from py_ocsf_models.objects.vulnerability_details import VulnerabilityDetails
from pydantic import ValidationError

MILLISECONDS = 1_795_996_800_000
read = {
    "title": "One", "first_seen_time": MILLISECONDS,
    "cve": {
        "uid": "CVE-2026-0001", "created_time": MILLISECONDS,
        "epss": {"score": "0.94321", "created_time": MILLISECONDS},
    },
}


def show(name, of):
    print(
        f"{name:7} first_seen_time {of['first_seen_time']!r} created_time {of['cve']['created_time']!r}"
        f" epss {of['cve']['epss']['created_time']!r}"
    )


show("read", read)
show("written", json.loads(VulnerabilityDetails.model_validate(read).model_dump_json(exclude_none=True)))
try:
    EPSS(score=0.94321)
except ValidationError as error:
    print("score 0.94321", type(error).__name__)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
