#!/bin/sh
# Library: ntia-conformance-checker 6.0.0 (PyPI), of SPDX
# Summary: A package without version and supplier is not checked if it is linked by DEPENDENCY_OF in place of
#   DEPENDS_ON, and the document conforms.
# Guess: SPDX's relationships can be written from either end, so a list of components conforms or does not,
#   whichever end it is written from.
# Behavior: only links that lead away from what the document describes are followed. A package that is linked by
#   DEPENDENCY_OF or CONTAINED_BY, or not at all, is set aside with a warning in the log, and the minimum elements
#   hold without it. NOASSERTION is a version, and is no supplier.
# Output:
#     a DEPENDS_ON b: conforms False, without a version ['b'], not checked 0 of 2
#     b DEPENDENCY_OF a: conforms True, without a version [], not checked 1 of 2
#     a CONTAINS b: conforms False, without a version ['b'], not checked 0 of 2
#     b CONTAINED_BY a: conforms True, without a version [], not checked 1 of 2
#     no relationship: conforms True, without a version [], not checked 1 of 2
#     version NOASSERTION: conforms True
#     supplier NOASSERTION: conforms False
# Why it matters: generators differ in which end they write from. One list passes with any gaps, and the same list
#   from the other end fails. Look at the number of floating components first.
set -eu
packages="ntia-conformance-checker==6.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" 2>"$dir/log" <<'EOF'
import json
import sys
from pathlib import Path

from ntia_conformance_checker import SbomChecker

FULL = {"versionInfo": "1.0", "supplier": "Organization: Example"}


def check(first, second=None, relationship=None):
    packages = {"a": first} if second is None else {"a": first, "b": second}
    links = [("DOCUMENT", "DESCRIBES", "a"), *([relationship] if relationship else [])]
    path = Path(sys.argv[1], "list.spdx.json")
    path.write_text(json.dumps({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "list",
        "documentNamespace": "https://example.org/list",
        "creationInfo": {"created": "2026-11-02T08:00:00Z", "creators": ["Tool: example-1.0"]},
        "packages": [
            {"SPDXID": f"SPDXRef-{name}", "name": name, "downloadLocation": "NOASSERTION", "filesAnalyzed": False, **of}
            for name, of in packages.items()
        ],
        "relationships": [
            {"spdxElementId": f"SPDXRef-{start}", "relationshipType": kind, "relatedSpdxElement": f"SPDXRef-{end}"}
            for start, kind, end in links
        ],
    }))
    checker = SbomChecker(str(path), compliance="ntia")
    assert not checker.parsing_error
    return checker.compliant, checker.output_json()


for link in (
    ("a", "DEPENDS_ON", "b"),
    ("b", "DEPENDENCY_OF", "a"),
    ("a", "CONTAINS", "b"),
    ("b", "CONTAINED_BY", "a"),
    None,
):
    conforms, report = check(FULL, {}, link)
    missing = report["componentVersions"]["nonconformantComponents"]
    floating = report["graphValidation"]["floatingComponents"]["floatingComponentCount"]
    print(f"{' '.join(link or ['no relationship'])}: conforms {conforms}, without a version {missing},", end=" ")
    print(f"not checked {floating} of {report['totalNumberComponents']}")
print("version NOASSERTION: conforms", check({**FULL, "versionInfo": "NOASSERTION"})[0])
print("supplier NOASSERTION: conforms", check({**FULL, "supplier": "NOASSERTION"})[0])
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
