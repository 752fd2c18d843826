#!/bin/sh
# Library: airbyte-cdk 7.39.1 (PyPI), its transformation AddFields
# Summary: A field that is copied by a template is read as a Python literal: version "1.10" becomes 1.1, "12e3"
#   12000.0.
# Guess: `{{ record['version'] }}` copies the value, so text stays text.
# Behavior: the text that the template gives is read as a Python literal, if it is one. "1.10" and "1.20" become
#   floats, "True" a boolean, "None" null and "[1]" a list, while "007", "true" and "1.2.3" stay text.
#   `value_type="string"` keeps them.
# Output:
#     version: copied, and with value_type str
#     "1.2.3": '1.2.3' '1.2.3'
#     "1.10": 1.1 '1.10'
#     "12e3": 12000.0 '12e3'
#     "1_000": 1000 '1_000'
#     "0x1F": 31 '0x1F'
#     "True": True 'True'
#     "true": 'true' 'true'
#     "None": None 'None'
#     "null": 'null' 'null'
#     "[1]": [1] '[1]'
#     "007": '007' '007'
# Why it matters: two releases of a package, 1.1 and 1.10, become one number, and a column gets values of three types.
#   Set `value_type` for each field that is added.
set -eu
packages="airbyte-cdk==7.39.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from airbyte_cdk.sources.declarative.transformations.add_fields import AddedFieldDefinition, AddFields

print("version: copied, and with value_type str")
for version in ("1.2.3", "1.10", "12e3", "1_000", "0x1F", "True", "true", "None", "null", "[1]", "007"):
    copied = []
    for value_type in (None, str):
        field = AddedFieldDefinition(
            path=["copy"], value="{{ record['version'] }}", value_type=value_type, parameters={}
        )
        record = {"version": version}
        AddFields(fields=[field], parameters={}).transform(record, config={})
        copied.append(record["copy"])
    print(f'"{version}":', *map(repr, copied))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
