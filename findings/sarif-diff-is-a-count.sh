#!/bin/sh
# Library: sarif-tools 3.0.5 (PyPI)
# Summary: `sarif diff` reports nothing where one finding is gone and another of the same rule is new.
# Guess: a comparison of two scans tells what is new and what is gone, by fingerprint, by `baselineState` or by place.
# Behavior: it counts the results of each rule and message, and compares the counts. A new finding beside one that is
#   gone is no difference. Where there are more than before, they are listed, while "+" stays 0: it counts the kinds
#   that were not there at all. Fingerprints and `baselineState` are not looked at.
# Output:
#     old and new: all {'+': 0, '-': 0}, errors by rule []
#     old and more: all {'+': 0, '-': 0}, errors by rule [{'<': 2, '>': 3, '+@': [{'Location': 'c.py', 'Line': 1}]}]
# Why it matters: a weekly report of what is new and fixed, made by it, shows quiet weeks in which everything was
#   exchanged. Compare the fingerprints.
set -eu
packages="sarif-tools==3.0.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import os
import subprocess
import sys
import tempfile


def log_of(*results):
    rule = {"id": "sql-injection"}
    return {
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "example", "rules": [rule]}},
            "results": [
                {
                    "ruleId": rule["id"], "level": "error", "message": {"text": "Query from input"},
                    "partialFingerprints": {"primaryLocationLineHash": name}, "baselineState": state,
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": name}, "region": {"startLine": 1}}}
                    ],
                }
                for name, state in results
            ],
        }],
    }


with tempfile.TemporaryDirectory() as folder:
    sarif = os.path.join(os.path.dirname(sys.executable), "sarif")
    logs = {
        "old": log_of(("a.py", "new"), ("b.py", "new")),
        "new": log_of(("a.py", "unchanged"), ("c.py", "new")),
        "more": log_of(("a.py", "unchanged"), ("b.py", "unchanged"), ("c.py", "new")),
    }
    for name, log in logs.items():
        with open(os.path.join(folder, name + ".sarif"), "w") as file:
            json.dump(log, file)
    for name in ("new", "more"):
        command = [sarif, "diff", "old.sarif", name + ".sarif", "-o", "diff.json"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        with open(os.path.join(folder, "diff.json")) as file:
            found = json.load(file)
        print(f"old and {name}: all {found['all']}, errors by rule {list(found['error']['codes'].values())}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
