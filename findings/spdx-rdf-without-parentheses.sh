#!/bin/sh
# Library: spdx-tools 0.8.5 (PyPI), SPDX's own
# Summary: Written to RDF and read again, the license `MIT AND (Apache-2.0 OR BSD-3-Clause)` has lost its parentheses,
#   so MIT is no longer needed.
# Guess: a document that is written in one of its five formats and read again is the same document.
# Behavior: RDF has the nested sets of licenses, and the reader joins them to text without parentheses, in any order,
#   and reads that text. JSON, YAML and XML have the text. Without a nested set nothing changes.
# Output:
#     JSON: the same license, each choice has MIT: True
#     YAML: the same license, each choice has MIT: True
#     XML: the same license, each choice has MIT: True
#     RDF: another license, each choice has MIT: False
#     RDF, MIT AND Apache-2.0: the same license
# Why it matters: what a component's license asks for is another thing after a conversion, without a warning, and the
#   document is valid. Compare license expressions after one, or take JSON.
set -eu
packages="spdx-tools==0.8.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime
import os
import tempfile

from license_expression import get_spdx_licensing
from spdx_tools.spdx.model import (
    Actor, ActorType, CreationInfo, Document, Package, Relationship, RelationshipType, SpdxNoAssertion,
)
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.writer.write_anything import write_file

licensing = get_spdx_licensing()
NAMES = {"JSON": "bom.spdx.json", "YAML": "bom.spdx.yaml", "XML": "bom.spdx.xml", "RDF": "bom.spdx.rdf.xml"}


def after(license_text, file_name):
    created = CreationInfo(
        "SPDX-2.3", "SPDXRef-DOCUMENT", "Example", "https://example.com/bom", [Actor(ActorType.TOOL, "example")],
        datetime.datetime(2026, 11, 10),
    )
    package = Package(
        "SPDXRef-web", "web", SpdxNoAssertion(), version="1.0", files_analyzed=False,
        license_concluded=licensing.parse(license_text),
    )
    described = Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, "SPDXRef-web")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, file_name)
        write_file(Document(created, packages=[package], relationships=[described]), path)
        return parse_file(path).packages[0].license_concluded


def said(before, read):
    return "the same license" if licensing.is_equivalent(before, read) else "another license"


NESTED, FLAT = "MIT AND (Apache-2.0 OR BSD-3-Clause)", "MIT AND Apache-2.0"
for name, file_name in NAMES.items():
    read = after(NESTED, file_name)
    choices = licensing.dnf(read).args
    print(f"{name}: {said(NESTED, read)}, each choice has MIT:", all("MIT" in choice.objects for choice in choices))
print(f"RDF, {FLAT}:", said(FLAT, after(FLAT, NAMES["RDF"])))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
