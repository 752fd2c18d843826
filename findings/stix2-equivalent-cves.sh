#!/bin/sh
# Library: stix2 3.0.2 (PyPI) with rapidfuzz 3.14.6
# Summary: Vulnerabilities named CVE-2026-1234 and CVE-2026-1235 are equivalent, unless both have references.
# Guess: the name of a vulnerability is an identifier, so two CVEs are not equivalent.
# Behavior: `object_equivalence` compares names by how similar their text is: with one other digit it is 92 of 100, and
#   70 are enough. A property that only one of the two has is left out, so references help only if both have them.
# Output:
#     CVE-2026-1235, references in 0 of 2: equivalent, 92 of 100
#     CVE-2026-1235, references in 1 of 2: equivalent, 92 of 100
#     CVE-2026-1235, references in 2 of 2: different, 28 of 100
#     CVE-2025-1234, references in 0 of 2: equivalent, 92 of 100
#     CVE-2025-1234, references in 1 of 2: equivalent, 92 of 100
#     CVE-2025-1234, references in 2 of 2: different, 28 of 100
#     CVE-2026-4321, references in 0 of 2: equivalent, 77 of 100
#     CVE-2026-4321, references in 1 of 2: equivalent, 77 of 100
#     CVE-2026-4321, references in 2 of 2: different, 23 of 100
# Why it matters: whoever removes duplicates by it merges vulnerabilities of which one is fixed and the other is not.
#   Compare the ids in `external_references`.
set -eu
packages="stix2[semantic]==3.0.2 rapidfuzz==3.14.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from stix2 import Environment, Vulnerability


def vulnerability(name, with_reference):
    reference = {"source_name": "cve", "external_id": name}
    return Vulnerability(name=name, external_references=[reference] if with_reference else [])


environment = Environment()
for other in ("CVE-2026-1235", "CVE-2025-1234", "CVE-2026-4321"):
    for references in ((False, False), (True, False), (True, True)):
        first, second = (
            vulnerability(name, with_reference)
            for name, with_reference in zip(("CVE-2026-1234", other), references)
        )
        similar, equivalent = (
            compare(first, second)
            for compare in (environment.object_similarity, environment.object_equivalence)
        )
        word = "equivalent" if equivalent else "different"
        print(f"{other}, references in {sum(references)} of 2: {word}, {similar:.0f} of 100")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
