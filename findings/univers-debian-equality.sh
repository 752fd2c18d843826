#!/bin/sh
# Library: univers 32.0.1 beside python-debian 1.1.1 (PyPI)
# Guess: of two Debian versions, one is less, equal or greater, as dpkg has it.
# Behavior: 1.0 and 1.00 are neither. `<` and `>` compare as dpkg does and find no difference; `==` compares the
#   text.
# Output:
#     DebianVersion < False == False > False <= True
#     NativeVersion < False == True > False <= True
# Why it matters: "fixed in 1.00" is not reached by 1.0 if somebody asks with `==` or looks a version up in a
#   set, and a sorted list has no place for it.
set -eu
packages="univers==32.0.1 python-debian==1.1.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from debian.debian_support import NativeVersion
from univers.versions import DebianVersion

for kind in (DebianVersion, NativeVersion):
    a, b = kind("1.0"), kind("1.00")
    print(kind.__name__, "<", a < b, "==", a == b, ">", a > b, "<=", a <= b)
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
