#!/bin/sh
# Library: cyclonedx-bom 7.5.0 (PyPI)
# Summary: A package that a lock names with an extra and without is two components with one package URL.
# Guess: both lines of `requirements.txt` are one component, as pip installs one package.
# Behavior: each line is a component, with its line as its `bom-ref` and the same package URL. Nothing is said of it.
# Output:
#     requirements-L1 pkg:pypi/requests@2.32.3 extra: socks
#     requirements-L2 pkg:pypi/requests@2.32.3
# Why it matters: tools that count components, or find one by its package URL, count the package twice or take the one or
#   the other. This project's lock names such packages twice, for plain pip, so it merges them in the list of a release.
# Used in: docs/design.md#a-release-that-anybody-can-build-again, local/dist.py,
#   tests/test_release.py::test_the_list_of_packages_is_the_lock
set -eu
packages="cyclonedx-bom==7.5.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
printf '%s\n' 'requests[socks]==2.32.3' 'requests==2.32.3' >"$dir/requirements.txt"
"$dir/bin/python" -m cyclonedx_py requirements --output-reproducible --output-file "$dir/bom.json" \
    "$dir/requirements.txt"
"$dir/bin/python" - "$dir/bom.json" >"$dir/output" <<'END'
import json
import sys

for component in json.load(open(sys.argv[1]))["components"]:
    extras = [f"extra: {each['value']}" for each in component.get("properties", [])]
    print(component["bom-ref"], component["purl"], *extras)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
