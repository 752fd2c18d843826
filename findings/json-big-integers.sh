#!/bin/sh
# Library: orjson 3.13.0 beside json, msgspec 0.23.0, simplejson 4.3.0, pysimdjson 7.0.2 (PyPI)
# Summary: It reads an integer of more than 64 bits as a float, and refuses to write it.
# Guess: orjson, which refuses to write an integer of more than 64 bits, refuses to read one.
# Behavior: it reads it as a float, without an error. pysimdjson refuses it, and the others give the integer.
# Output:
#     json 18446744073709551616 18446744073709551617 two ids
#     simplejson 18446744073709551616 18446744073709551617 two ids
#     msgspec 18446744073709551616 18446744073709551617 two ids
#     orjson 1.8446744073709552e+19 1.8446744073709552e+19 one id
#     simdjson NUMBER_ERROR: Problem while parsing a number
#     orjson Integer exceeds 64-bit range
# Why it matters: two ids become one: 2**64 and 2**64 + 1 are equal as floats. Which library runs is often
#   chosen by what is installed: dlt takes orjson where it can.
# Used in: scanner_sync/source/pagination.py,
#   tests/source/test_values.py::test_long_numbers_do_not_change_how_a_page_is_parsed
set -eu
packages="orjson==3.13.0 msgspec==0.23.0 simplejson==4.3.0 pysimdjson==7.0.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import json

import msgspec
import orjson
import simdjson
import simplejson

text = "[18446744073709551616, 18446744073709551617]"
for name, read in (
    ("json", json.loads),
    ("simplejson", simplejson.loads),
    ("msgspec", msgspec.json.decode),
    ("orjson", orjson.loads),
    ("simdjson", simdjson.loads),
):
    try:
        a, b = read(text)
        print(name, a, b, "one id" if a == b else "two ids")
    except ValueError as error:
        print(name, error)
try:
    orjson.dumps(2**64)
except TypeError as error:
    print("orjson", error)
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
