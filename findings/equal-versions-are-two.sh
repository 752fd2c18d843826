#!/bin/sh
# Library: python-debian 1.1.1, debian-inspector 31.1.1, rpm-version 0.5.1, univers 32.0.1 beside packaging 26.4
#   (PyPI)
# Summary: Versions that compare as the same are two in a set, and in two of the libraries not `==` either.
# Guess: two versions of which neither is less are equal, and equal ones are one in a set, as with packaging.
# Behavior: python-debian's 0:1.0-1 and 1.0-1 and univers' 1.0 and 1.0.0 of Maven are equal and have other hashes.
#   1.0-1 and 1.00-1 of debian-inspector, and 1.05-1 and 1.5-1 of rpm-version, are neither less nor greater and
#   not equal.
# Output:
#     packaging 1.0 and 1.0.0: less False, greater False, equal True, in a set 1
#     python-debian 0:1.0-1 and 1.0-1: less False, greater False, equal True, in a set 2
#     univers, Maven 1.0 and 1.0.0: less False, greater False, equal True, in a set 2
#     debian-inspector 1.0-1 and 1.00-1: less False, greater False, equal False, in a set 2
#     rpm-version 1.05-1 and 1.5-1: less False, greater False, equal False, in a set 2
# Why it matters: packages of an inventory and an advisory are joined by a dictionary or counted in a set. What a
#   comparison finds is not found there, and one installed version counts twice.
set -eu
packages="python-debian==1.1.1 debian-inspector==31.1.1 rpm-version==0.5.1 univers==32.0.1 packaging==26.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from debian.debian_support import NativeVersion
from debian_inspector.version import Version as DebianVersion
from packaging.version import Version
from rpm_version import Evr
from univers.versions import MavenVersion

for name, version, one, other in (
    ("packaging", Version, "1.0", "1.0.0"),
    ("python-debian", NativeVersion, "0:1.0-1", "1.0-1"),
    ("univers, Maven", MavenVersion, "1.0", "1.0.0"),
    ("debian-inspector", DebianVersion.from_string, "1.0-1", "1.00-1"),
    ("rpm-version", Evr.parse, "1.05-1", "1.5-1"),
):
    left, right = version(one), version(other)
    print(f"{name} {one} and {other}: less {left < right}, greater {left > right}, equal {left == right},", end=" ")
    print("in a set", len({left, right}))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
