#!/bin/sh
# Library: lib4sbom 0.10.4 (PyPI)
# Summary: Of components of one name and version, such as of npm and PyPI, only the last is read.
# Guess: each component of a CycloneDX document is a package: they have purls and references of their own.
# Behavior: packages are kept by name and version. Of two libraries that share both, from two ecosystems or two
#   Maven groups, the first is gone, without a warning. Of a vulnerability that affects two components the first is
#   kept, which here is the one that is gone.
# Output:
#     written pkg:pypi/requests@2.0.0 pkg:npm/requests@2.0.0 pkg:maven/org.a/core@1 pkg:maven/org.b/core@1
#     read    pkg:npm/requests@2.0.0 pkg:maven/org.b/core@1
#     affects pkg:pypi/requests@2.0.0
# Why it matters: a component that is not read is not looked up, and its vulnerability belongs to nothing.
#   `requests`, `core` and `utils` of the same version are common in one document. Count the packages that were
#   read.
set -eu
packages="lib4sbom==0.10.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import os
import tempfile

from lib4sbom.parser import SBOMParser

PURLS = ["pkg:pypi/requests@2.0.0", "pkg:npm/requests@2.0.0", "pkg:maven/org.a/core@1", "pkg:maven/org.b/core@1"]
components = [
    {"type": "library", "bom-ref": purl, "purl": purl, "name": purl.split("/")[-1].split("@")[0],
     "group": purl.split("/")[1] if "maven" in purl else "", "version": purl.split("@")[1]}
    for purl in PURLS
]
document = {
    "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components,
    "vulnerabilities": [{"id": "CVE-2026-0001", "affects": [{"ref": PURLS[0]}, {"ref": PURLS[1]}]}],
}
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "bom.json")
    with open(path, "w") as file:
        json.dump(document, file)
    parser = SBOMParser()
    parser.parse_file(path)
print("written", *PURLS)
print("read   ", *(package["bom-ref"] for package in parser.get_packages()))
print("affects", *(found["bom_link"] for found in parser.get_vulnerabilities()))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
