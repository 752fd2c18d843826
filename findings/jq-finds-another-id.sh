#!/bin/sh
# Library: jq 1.13.0 (PyPI), with jq's own library in it
# Summary: A search for the id 9007199254740993 finds its row, whose id is then 9007199254740992; the two ids are told
#   apart by ==, unique and as text, and are one number as soon as one reads them.
# Guess: two ids beyond 53 bits are two in unique, group_by and ==, and are given exactly, as jq prints them since 1.7.
# Behavior: jq compares and prints the digits that were read, also in `tostring`, `tojson` and `@csv`. The package reads
#   the numbers that a program returns as doubles, so they have been rounded.
# Output:
#     .[0].id: 9007199254740992
#     .[0].id == .[1].id: false
#     [.[].id] | unique: [9007199254740992, 9007199254740992]
#     .[] | select(.id == 9007199254740993): {"id": 9007199254740992, "title": "a"}
#     .[0].id | tostring: "9007199254740993"
#     .[0] | tojson: "{\"id\":9007199254740993,\"title\":\"a\"}"
#     [.[].id] | @csv: "9007199254740993,9007199254740992"
# Why it matters: an id is found, its row is handed on, and the next request asks for another finding. Let the program
#   return `tostring` of each id.
set -eu
packages="jq==1.13.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json

import jq

rows = '[{"id": 9007199254740993, "title": "a"}, {"id": 9007199254740992, "title": "b"}]'
for program in (
    ".[0].id",
    ".[0].id == .[1].id",
    "[.[].id] | unique",
    ".[] | select(.id == 9007199254740993)",
    ".[0].id | tostring",
    ".[0] | tojson",
    "[.[].id] | @csv",
):
    print(f"{program}: {json.dumps(jq.compile(program).input_text(rows).first())}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
