#!/bin/sh
# Library: vex-reader 0.9.5.2 (PyPI), of CSAF VEX
# Summary: What was released at midnight of 15 September, UTC, is of 14 September, and a time printed with "UTC"
#   is one in New York.
# Guess: a time that a document gives in UTC is on that day, and what is printed with "UTC" is in UTC.
# Behavior: all times are moved to US Eastern time, by four hours in summer and five in winter, before they are
#   cut to days. The time of the last update is moved, too, and then gets the suffix "UTC".
# Output:
#     released 2026-09-15T00:00:00Z: 2026-09-14
#     first published 2026-11-02T02:00:00Z: 2026-11-01
#     updated 2026-11-02T02:00:00Z: November 01, 2026 at 09:00:00 PM UTC
# Why it matters: many advisories carry midnight in UTC, and each of them is a day early: deadlines that count
#   from the release, and joins with another reader's dates, are off by one.
set -eu
packages="vex-reader==0.9.5.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from vex.vex import Vex

released, published = "2026-09-15T00:00:00Z", "2026-11-02T02:00:00Z"
read = Vex({
    "document": {
        "category": "csaf_vex",
        "csaf_version": "2.0",
        "title": "One weakness",
        "publisher": {"category": "vendor", "name": "Example", "namespace": "https://example.org"},
        "tracking": {
            "id": "EX-1",
            "status": "final",
            "version": "1",
            "initial_release_date": published,
            "current_release_date": published,
            "revision_history": [{"date": published, "number": "1", "summary": "First."}],
        },
    },
    "product_tree": {"full_product_names": [{"name": "Server 1.0", "product_id": "server"}]},
    "vulnerabilities": [
        {
            "cve": "CVE-2026-1234",
            "release_date": released,
            "notes": [{"category": "description", "text": "Code can be executed."}],
            "product_status": {"known_affected": ["server"]},
        }
    ],
})
print(f"released {released}: {read.release_date}")
print(f"first published {published}: {read.initial_date}")
print(f"updated {published}: {read.updated}")
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
