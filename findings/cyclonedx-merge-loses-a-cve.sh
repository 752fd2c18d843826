#!/bin/sh
# Library: cyclonedx-editor-validator 1.0.3 (PyPI), which merges CycloneDX documents
# Summary: Of a CVE on `lib` in one document and on `web` in the other, the latter is lost if the first document has
#   another CVE on `web`, after that one.
# Guess: vulnerabilities of both are in the result, and of one CVE in both the `affects` of both.
# Behavior: whether the second document's statement is kept depends on the order of the first one's vulnerabilities, and
#   on that of the documents. It warns of the components that are in both, not of this.
# Output:
#     first [A lib, B web], second [A web]: A lib, B web
#     first [B web, A lib], second [A web]: B web, A lib, A web
#     first [A lib], second [A web]: A lib, A web
#     first [A web], second [A lib, B web]: A web, A lib, B web
# Why it matters: a component is free of a CVE that one of the documents has, and the next run, with the same
#   findings in another order, has it again. Compare the pairs of CVE and component before and after.
set -eu
packages="cyclonedx-editor-validator==1.0.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/merge.py" <<'END'
import json
import subprocess


def write(path, number, pairs):
    components = [
        {"type": "library", "bom-ref": name, "name": name, "version": "1.0", "purl": f"pkg:npm/{name}@1.0"}
        for name in ("web", "lib")
    ]
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "serialNumber": f"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b7{number}",
        "metadata": {
            "timestamp": "2026-11-10T12:00:00Z",
            "component": {"type": "application", "bom-ref": "shop", "name": "shop", "version": "1.0"},
        },
        "components": components,
        "vulnerabilities": [{"id": CVES[letter], "affects": [{"ref": name}]} for letter, name in pairs],
    }
    with open(path, "w") as file:
        json.dump(document, file)


CVES = {"A": "CVE-2026-0001", "B": "CVE-2026-0002"}
LETTERS = {cve: letter for letter, cve in CVES.items()}
for first, second in [
    (["A lib", "B web"], ["A web"]), (["B web", "A lib"], ["A web"]), (["A lib"], ["A web"]),
    (["A web"], ["A lib", "B web"]),
]:
    write("1.json", 1, [pair.split() for pair in first])
    write("2.json", 2, [pair.split() for pair in second])
    command = ["bin/cdx-ev", "merge", "1.json", "2.json", "--output", "merged.json"]
    subprocess.run(command, check=True, capture_output=True)
    with open("merged.json") as file:
        merged = json.load(file)["vulnerabilities"]
    pairs = [f"{LETTERS[one['id']]} {affected['ref']}" for one in merged for affected in one["affects"]]
    print(f"first [{', '.join(first)}], second [{', '.join(second)}]: {', '.join(pairs)}")
END
(cd "$dir" && bin/python merge.py >output)
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
