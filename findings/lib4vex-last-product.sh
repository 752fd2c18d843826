#!/bin/sh
# Library: lib4vex 0.2.3 (PyPI)
# Summary: Of an OpenVEX statement on three products it reads the last, and a document without optional fields is
#   a KeyError.
# Guess: a statement that three products are not affected is read for three products, and what OpenVEX leaves
#   optional may be missing.
# Behavior: the last of the products is read, without a warning. `role` and the time of a statement, which OpenVEX
#   makes optional, must be there.
# Output:
#     written pkg:pypi/web@1 pkg:pypi/worker@1 pkg:pypi/cli@1
#     without role KeyError 'role'
#     with all fields pkg:pypi/cli@1
# Why it matters: a scanner goes on to report what the vendor has said is no risk, for two products of three, and
#   nothing tells why. Read OpenVEX with a JSON parser: it is small.
set -eu
packages="lib4vex==0.2.3"
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

from lib4vex.parser import VEXParser

TIME = "2026-11-30T00:00:00Z"
products = [{"@id": f"pkg:pypi/{name}@1"} for name in ("web", "worker", "cli")]
statement = {
    "vulnerability": {"name": "CVE-2026-0001"}, "products": products,
    "status": "not_affected", "justification": "vulnerable_code_not_present",
}
document = {
    "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex-1", "author": "Example",
    "timestamp": TIME, "version": 1, "statements": [statement],
}
whole = document | {
    "role": "Supplier", "last_updated": TIME, "tooling": "none", "statements": [statement | {"timestamp": TIME}]
}
print("written", *(product["@id"] for product in products))
for name, vex in ("without role", {key: whole[key] for key in whole if key != "role"}), ("with all fields", whole):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "vex.openvex.json")
        with open(path, "w") as file:
            json.dump(vex, file)
        parser = VEXParser(vex_type="openvex")
        try:
            parser.parse(path)
            print(name, *(found["purl"] for found in parser.get_vulnerabilities()))
        except KeyError as error:
            print(name, "KeyError", error)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
