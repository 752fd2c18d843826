#!/bin/sh
# Library: stix2 3.0.2 (PyPI), OASIS's own
# Summary: A query for vulnerabilities that are not revoked returns the old version of one that is.
# Guess: a query of a store searches the latest version of each object, as `get` returns it.
# Behavior: it searches all versions. What was revoked matches as it was before, and so does a confidence that was
#   lowered since.
# Output:
#     get: version 3, revoked True
#     MemoryStore, revoked = False: versions [1, 2]
#     MemoryStore, confidence > 50: versions [1]
#     FileSystemStore, revoked = False: versions [1, 2]
#     FileSystemStore, confidence > 50: versions [1]
# Why it matters: a vulnerability that was withdrawn stays in lists that filter for what holds, and counts once
#   for each of its versions. Query, and then keep what equals `get` of its id.
set -eu
packages="stix2==3.0.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/stix" >"$dir/output" <<'EOF'
import sys
from pathlib import Path

from stix2 import FileSystemStore, Filter, MemoryStore, Vulnerability

identifier = "vulnerability--11111111-1111-4111-8111-111111111111"


def version(day, **properties):
    return Vulnerability(
        id=identifier,
        name="CVE-2026-1234",
        created="2026-11-01T00:00:00Z",
        modified=f"2026-11-{day:02}T00:00:00Z",
        **properties,
    )


Path(sys.argv[1]).mkdir()
versions = [version(1, confidence=90), version(2, confidence=10), version(3, confidence=10, revoked=True)]
memory = MemoryStore(versions)
files = FileSystemStore(sys.argv[1])
files.add(versions)
print(f"get: version {memory.get(identifier).modified.day}, revoked {memory.get(identifier).revoked}")
for store in (memory, files):
    for filter in (Filter("revoked", "=", False), Filter("confidence", ">", 50)):
        found = sorted(each.modified.day for each in store.query([filter]))
        print(f"{type(store).__name__}, {filter.property} {filter.op} {filter.value}: versions {found}")
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
