#!/bin/sh
# Library: aniso8601 10.0.1 beside ciso8601 2.4.1 and python-dateutil 4.0.0 (PyPI)
# Summary: It reads 24:00 as the start of its day, 24 hours too early.
# Guess: 24:00 is the end of its day, as ISO 8601 has it, or an error.
# Behavior: for aniso8601 it is the start of its day, 24 hours too early.
# Output:
#     aniso8601 2026-11-29T00:00:00+00:00
#     ciso8601 2026-11-30T00:00:00+00:00
#     dateutil 2026-11-30T00:00:00+00:00
# Why it matters: a window that ends at 24:00 is empty, and a deadline is over a day before it ends.
set -eu
packages="aniso8601==10.0.1 ciso8601==2.4.1 python-dateutil==4.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from aniso8601 import parse_datetime as aniso
from ciso8601 import parse_datetime as ciso
from dateutil.parser import isoparse

text = "2026-11-29T24:00:00Z"
for name, parse in (("aniso8601", aniso), ("ciso8601", ciso), ("dateutil", isoparse)):
    print(name, parse(text).isoformat())
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
