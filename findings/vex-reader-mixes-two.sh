#!/bin/sh
# Library: vex-reader 0.9.5.2 (PyPI), of CSAF VEX
# Summary: Of a document with two vulnerabilities it makes one: the CVE of the last, the weakness of the first,
#   and a product that is affected and not affected.
# Guess: each vulnerability is read with its own weakness, dates and products, or a document with two of them is
#   an error.
# Behavior: it goes through all of them and keeps one value of each field. What the last one does not have stays
#   from those before, and the products of all are put together.
# Output:
#     CVE-2026-2222, weakness CWE-787, published 2026-09-15
#     affected: server-1.0
#     not affected: server-1.0 server-2.0
# Why it matters: an advisory on two CVEs says of the harmless one what the other is. CSAF's `vulnerabilities` is
#   a list, and vendors do use it. Split a document by vulnerability before it is read.
set -eu
packages="vex-reader==0.9.5.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from vex.package import VexPackages
from vex.vex import Vex

TIME = "2026-11-02T02:00:00Z"


def advisory(*vulnerabilities):
    products = [
        {
            "category": "product_version",
            "name": number,
            "product": {
                "name": f"Server {number}",
                "product_id": f"server-{number}",
                "product_identification_helper": {"purl": f"pkg:generic/server@{number}"},
            },
        }
        for number in ("1.0", "2.0")
    ]
    server = {"category": "product_name", "name": "Server", "branches": products}
    return {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "title": "Server",
            "publisher": {"category": "vendor", "name": "Example", "namespace": "https://example.org"},
            "tracking": {
                "id": "EX-1",
                "status": "final",
                "version": "1",
                "initial_release_date": TIME,
                "current_release_date": TIME,
                "revision_history": [{"date": TIME, "number": "1", "summary": "First."}],
            },
        },
        "product_tree": {"branches": [{"category": "vendor", "name": "Example", "branches": [server]}]},
        "vulnerabilities": list(vulnerabilities),
    }


document = advisory(
    {
        "cve": "CVE-2026-1111",
        "cwe": {"id": "CWE-787", "name": "Out-of-bounds Write"},
        "release_date": "2026-09-15T12:00:00Z",
        "notes": [{"category": "description", "text": "Code can be executed."}],
        "product_status": {"known_affected": ["server-1.0"]},
    },
    {
        "cve": "CVE-2026-2222",
        "notes": [{"category": "description", "text": "A component that is not there."}],
        "product_status": {"known_not_affected": ["server-1.0", "server-2.0"]},
        "flags": [{"label": "component_not_present", "product_ids": ["server-1.0", "server-2.0"]}],
    },
)
read = Vex(document)
packages = VexPackages(document)
print(f"{read.cve}, weakness {read.cwe_id}, published {read.release_date}")
print("affected:", *(each.pid for each in packages.affected))
print("not affected:", *(each.pid for each in packages.not_affected))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
