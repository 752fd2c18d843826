#!/bin/sh
# Library: datamodel-code-generator 0.89.0 with pydantic 2.14.4 and jsonschema 4.26.0 (PyPI)
# Summary: What its model writes is refused by the schema that the model was made from: null for each field that is
#   missing, and other names.
# Guess: a model that is made from a JSON schema takes what the schema takes, and writes what the schema takes.
# Behavior: a field that is not required becomes one that may be None, and None is written as null, which the schema
#   does not allow. `first-seen` is written as `first_seen`. The model also takes null for them, a repeated item where
#   items are to be unique, and text for a number.
# Output:
#     read: {"id": 7, "first-seen": "2026-11-10"} valid
#     written: {"id":7,"port":null,"first_seen":"2026-11-10","cves":null} invalid
#     written: {"id":7,"port":null,"first-seen":"2026-11-10","cves":null} invalid
#     written: {"id":7,"first-seen":"2026-11-10"} valid
#     taken: {"id": "7"} invalid
#     taken: {"id": 7, "port": null} invalid
#     taken: {"id": 7, "cves": ["CVE-2026-1001", "CVE-2026-1001"]} invalid
# Why it matters: whoever checks a model's output by the schema, or sends it to an API that does, is refused each
#   finding that lacks a field. Write with `by_alias` and `exclude_none`.
set -eu
packages="datamodel-code-generator==0.89.0 pydantic==2.14.4 jsonschema==4.26.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import os
import subprocess
import sys
import tempfile

from jsonschema import Draft202012Validator

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Finding", "type": "object",
    "required": ["id"], "additionalProperties": False,
    "properties": {
        "id": {"type": "integer"}, "port": {"type": "integer"}, "first-seen": {"type": "string", "format": "date"},
        "cves": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    },
}
with tempfile.TemporaryDirectory() as folder:
    schema, model = os.path.join(folder, "schema.json"), os.path.join(folder, "model.py")
    with open(schema, "w") as file:
        json.dump(SCHEMA, file)
    subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "datamodel-codegen"), "--input", schema, "--output", model,
         "--input-file-type", "jsonschema", "--output-model-type", "pydantic_v2.BaseModel"],
        check=True, capture_output=True,
    )
    sys.path.insert(0, folder)
    from model import Finding

validator = Draft202012Validator(SCHEMA)
read = {"id": 7, "first-seen": "2026-11-10"}
print("read:", json.dumps(read), "valid" if validator.is_valid(read) else "invalid")
finding = Finding.model_validate(read)
for options in ({}, {"by_alias": True}, {"by_alias": True, "exclude_none": True}):
    written = finding.model_dump_json(**options)
    print("written:", written, "valid" if validator.is_valid(json.loads(written)) else "invalid")
for other in ({"id": "7"}, {"id": 7, "port": None}, {"id": 7, "cves": ["CVE-2026-1001", "CVE-2026-1001"]}):
    Finding.model_validate(other)
    print("taken:", json.dumps(other), "valid" if validator.is_valid(other) else "invalid")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
