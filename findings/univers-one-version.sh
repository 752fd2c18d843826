#!/bin/sh
# Library: univers 32.0.1 (PyPI)
# Summary: The range `>=1.0,<=1.0`, as advisories write one version, contains every version.
# Guess: `>=1.0,<=1.0` contains 1.0 and nothing else, as it does for packaging and npm's semver.
# Behavior: of two bounds with one version, `<=1.0` is put before `>=1.0`. So they are read as all that is at most 1.0, and
#   all that is at least 1.0. No error is raised, also not for the text of GitHub's advisories and of a VERS range.
# Output:
#     packaging >=1.0,<=1.0: 1.0
#     from_native >=1.0,<=1.0: 0.9 1.0 1.1 2.0
#     from_native >=1.0,<=1.1: 1.0 1.1
#     GitHub's >= 1.0, <= 1.0: 0.9 1.0 1.1 2.0
#     vers:npm/>=1.0.0|<=1.0.0: 0.9.0 1.0.0 1.1.0 2.0.0
# Why it matters: whoever asks whether an installed version is affected is told yes, for each version of a package of which
#   one release was bad.
set -eu
packages="univers==32.0.1 packaging==26.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from packaging.specifiers import SpecifierSet
from univers.version_range import (
    PypiVersionRange,
    VersionRange,
    build_range_from_github_advisory_constraint,
)

versions = ["0.9", "1.0", "1.1", "2.0"]


def show(name, affected, versions=versions):
    found = [each for each in versions if affected.version_class(each) in affected]
    print(f"{name}:", *found)


print("packaging >=1.0,<=1.0:", *SpecifierSet(">=1.0,<=1.0").filter(versions))
for native in (">=1.0,<=1.0", ">=1.0,<=1.1"):
    show(f"from_native {native}", PypiVersionRange.from_native(native))
show(
    "GitHub's >= 1.0, <= 1.0",
    build_range_from_github_advisory_constraint("pypi", [">= 1.0, <= 1.0"]),
)
vers = "vers:npm/>=1.0.0|<=1.0.0"
show(vers, VersionRange.from_string(vers), ["0.9.0", "1.0.0", "1.1.0", "2.0.0"])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
