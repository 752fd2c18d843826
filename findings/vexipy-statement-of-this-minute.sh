#!/bin/sh
# Library: vexipy 0.3.0 (PyPI), of OpenVEX
# Summary: A statement that has no time of its own has, once read, the time at which it was read.
# Guess: a statement without a timestamp has the document's one, as the specification says.
# Behavior: the time of the reading is filled in, and written. A statement's own time is kept.
# Output:
#     CVE-2026-0001, no time of its own: the document's time False, the time of the reading True
#     CVE-2026-0002, its own time: 2026-11-09T12:00:00+00:00
#     written and read again: the same times
# Why it matters: what was said of a product in November is said again each time that the document is read, later than
#   each statement that has corrected it, so the old one wins. Read the document's time where a statement has none.
set -eu
packages="vexipy==0.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datetime
import json

from vexipy import Document


def statement(name, **more):
    product = {"@id": "pkg:npm/web@1.0"}
    return {
        "vulnerability": {"name": name}, "products": [product], "status": "under_investigation", **more,
    }


document = {
    "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Example", "version": 1,
    "timestamp": "2026-11-10T12:00:00Z",
    "statements": [statement("CVE-2026-0001"), statement("CVE-2026-0002", timestamp="2026-11-09T12:00:00Z")],
}
before = datetime.datetime.now(datetime.timezone.utc)
read = Document.from_json(json.dumps(document))
after = datetime.datetime.now(datetime.timezone.utc)
first, second = (statement.timestamp for statement in read.statements)
print(
    "CVE-2026-0001, no time of its own: the document's time", f"{first == read.timestamp},",
    "the time of the reading", before <= first <= after,
)
print("CVE-2026-0002, its own time:", second.isoformat())
again = Document.from_json(read.to_json(by_alias=True, exclude_none=True))
same = [statement.timestamp for statement in again.statements] == [first, second]
print("written and read again:", "the same times" if same else "other times")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
