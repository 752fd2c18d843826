#!/bin/sh
# Library: sbomdiff 0.6.0 (PyPI)
# Summary: Of a package that is there in two versions, a change of the second is no difference, and neither is npm's
#   package in place of PyPI's of one name.
# Guess: what one document lists and the other does not is a difference, as each component has a package URL of its
#   own.
# Behavior: packages are compared by name, the first of a name with the first. What else has the name is not looked
#   at.
# Output:
#     an update: lodash from 4.17.20 to 4.17.21
#     the second of two is updated: no difference
#     the second of two is gone: no difference
#     the same two in another order: minimist from 0.2.0 to 1.2.5
#     of npm in place of PyPI: no difference
# Why it matters: trees of npm have most libraries several times, so the list of what a release has changed lacks
#   updates, also those of vulnerable versions, and has some that are none. Compare sets of package URLs.
set -eu
packages="sbomdiff==0.6.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = {
    "an update": (["npm/lodash@4.17.20"], ["npm/lodash@4.17.21"]),
    "the second of two is updated": (
        ["npm/minimist@0.2.0", "npm/minimist@1.2.5"], ["npm/minimist@0.2.0", "npm/minimist@1.2.8"],
    ),
    "the second of two is gone": (["npm/minimist@0.2.0", "npm/minimist@1.2.5"], ["npm/minimist@0.2.0"]),
    "the same two in another order": (
        ["npm/minimist@0.2.0", "npm/minimist@1.2.5"], ["npm/minimist@1.2.5", "npm/minimist@0.2.0"],
    ),
    "of npm in place of PyPI": (["pypi/requests@2.0.0"], ["npm/requests@2.0.0"]),
}


def write(path, packages):
    components = []
    for package in packages:
        name, version = package.split("/")[1].split("@")
        purl = f"pkg:{package}"
        components.append({"type": "library", "bom-ref": purl, "purl": purl, "name": name, "version": version})
    path.write_text(
        json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components})
    )
    return path


command = Path(sys.executable).with_name("sbomdiff")
for case, (before, after) in CASES.items():
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder, "before.json"), before), write(Path(folder, "after.json"), after)
        printed = subprocess.run([command, "--format", "json", *files], capture_output=True, text=True).stdout
    found = [
        f"{difference['package']} from {difference['version']['from']} to {difference['version']['to']}"
        for difference in json.loads(printed)["differences"]
    ]
    print(f"{case}:", ", ".join(found) or "no difference")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
