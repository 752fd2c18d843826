#!/bin/sh
# Library: rfc3339-validator 0.1.4, strict-rfc3339 0.7, jsonschema 4.26.0 (PyPI)
# Summary: They refuse the leap seconds that RFC 3339 gives as examples.
# Guess: validators of RFC 3339 accept the examples of RFC 3339.
# Behavior: both refuse its leap seconds, and the lower-case letters that it allows. jsonschema, which asks the
#   first one for `format: date-time`, refuses the leap seconds with it.
# Output:
#     1985-04-12T23:20:50.52Z True True True
#     1990-12-31T23:59:60Z False False False
#     1990-12-31T15:59:60-08:00 False False False
#     1985-04-12t23:20:50z False False True
# Why it matters: a schema of this field (CSAF, OCSF, CVE records) with that format rejects whole documents for
#   a time that the standard prints as an example.
set -eu
packages="rfc3339-validator==0.1.4 strict-rfc3339==0.7 jsonschema==4.26.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from jsonschema import Draft202012Validator, FormatChecker
from rfc3339_validator import validate_rfc3339
from strict_rfc3339 import validate_rfc3339 as strict

schema = Draft202012Validator({"format": "date-time"}, format_checker=FormatChecker(["date-time"]))
for text in ("1985-04-12T23:20:50.52Z", "1990-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00", "1985-04-12t23:20:50z"):
    print(text, validate_rfc3339(text), strict(text), schema.is_valid(text))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
