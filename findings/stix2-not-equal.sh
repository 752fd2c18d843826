#!/bin/sh
# Library: stix2 3.0.2 (PyPI), OASIS's own
# Summary: A filter for labels other than "accepted" returns what has that label if it has another label too, and
#   nothing without labels.
# Guess: `Filter("labels", "!=", "accepted")` is the opposite of `=`: together they return each object once.
# Behavior: a filter on a list holds if it holds for any item, also with `!=`, and an object without the property
#   matches neither. So one object matches both, and others none.
# Output:
#     labels = accepted: accepted
#     labels != accepted: accepted, other
#     external_references.external_id != CVE-2026-1: accepted
#     confidence = 5:
#     confidence != 5:
# Why it matters: a list of what is left to do has what was accepted, and lacks what nobody has given a label yet.
#   Fetch without the filter, and leave out in Python.
set -eu
packages="stix2==3.0.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from stix2 import Filter, MemoryStore, Vulnerability

references = [
    {"source_name": "cve", "external_id": "CVE-2026-1"},
    {"source_name": "vendor", "external_id": "EX-1"},
]
store = MemoryStore([
    Vulnerability(name="accepted", labels=["accepted", "internet"], external_references=references),
    Vulnerability(name="other", labels=["internet"]),
    Vulnerability(name="without labels"),
])
for filter in (
    Filter("labels", "=", "accepted"),
    Filter("labels", "!=", "accepted"),
    Filter("external_references.external_id", "!=", "CVE-2026-1"),
    Filter("confidence", "=", 5),
    Filter("confidence", "!=", 5),
):
    found = ", ".join(sorted(each.name for each in store.query([filter])))
    print(f"{filter.property} {filter.op} {filter.value}: {found}".rstrip())
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
