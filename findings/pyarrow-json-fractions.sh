#!/bin/sh
# Library: pyarrow 26.0.1 (PyPI), its JSON reader
# Summary: Times in whole seconds are timestamps without a zone; one fraction in the column makes all of it text.
# Guess: text that is a time stays text, or becomes a timestamp whether its seconds have a fraction or not.
# Behavior: a column is a timestamp in seconds, moved to UTC and without a zone, if all its values have whole
#   seconds; days alone are timestamps, too. With one fraction among them every value is text. Nothing is logged.
# Output:
#     2026-11-30T10:00:00Z 2026-11-30T10:00:00+02:00 -> timestamp[s] 2026-11-30 10:00:00 2026-11-30 08:00:00
#     2026-11-30 2026-11-30T10:00:00Z -> timestamp[s] 2026-11-30 00:00:00 2026-11-30 10:00:00
#     2026-11-30T10:00:00Z 2026-11-30T10:00:00.250Z -> string 2026-11-30T10:00:00Z 2026-11-30T10:00:00.250Z
#     Unable to merge: Field seen has incompatible types: timestamp[s] vs string
# Why it matters: the same field has two types in two pages of one listing, depending on whether a time fell on a
#   whole second, and tables of the two cannot be joined to one. Give the reader a schema.
set -eu
packages="pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import io
import json

import pyarrow
import pyarrow.json

pages = [
    ["2026-11-30T10:00:00Z", "2026-11-30T10:00:00+02:00"],
    ["2026-11-30", "2026-11-30T10:00:00Z"],
    ["2026-11-30T10:00:00Z", "2026-11-30T10:00:00.250Z"],
]
tables = []
for page in pages:
    lines = "".join(json.dumps({"seen": seen}) + "\n" for seen in page)
    tables.append(pyarrow.json.read_json(io.BytesIO(lines.encode())))
    print(*page, "->", tables[-1].schema.field("seen").type, *tables[-1]["seen"].to_pylist())
try:
    pyarrow.concat_tables(tables, promote_options="permissive")
except pyarrow.ArrowTypeError as error:
    print(error)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
