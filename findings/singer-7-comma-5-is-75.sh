#!/bin/sh
# Library: singer-python 6.8.0, Singer's own (PyPI)
# Summary: Its Transformer reads the text "7,5" in a property of numbers as 75, and 7.9 in one of integers as 7; "no" is
#   true.
# Guess: text in a property of type number or integer ("7,5", "1.10") is an error unless it is a number as JSON has it;
#   "no" for a boolean is an error.
# Behavior: commas are taken out of text before it is read, wherever they stand. A number is cut off to an integer, and
#   the same number as text is an error. Each text but "false" is true. "1_0" is ten, and "NaN" what JSON has not.
# Output:
#     number: '7,5' is 75.0, '80,443' is 80443.0, '1.10' is 1.1, '1_0' is 10.0, 'NaN' is nan, True is 1.0
#     integer: '7,5' is 75, 7.9 is 7, '7.9' is an error, '0443' is 443
#     boolean: 'no' is True, '0' is True, 'False' is False
# Why it matters: taps made with it send what it returns, so scores with a comma are ten times as high and more,
#   and a list of ports, "80,443", is one number. Nothing is logged. Parse such fields before the Transformer sees them.
set -eu
packages="singer-python==6.8.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from singer import Transformer
from singer.transform import SchemaMismatch

VALUES = {
    "number": ("7,5", "80,443", "1.10", "1_0", "NaN", True),
    "integer": ("7,5", 7.9, "7.9", "0443"),
    "boolean": ("no", "0", "False"),
}
for kind, values in VALUES.items():
    found = []
    for value in values:
        try:
            with Transformer() as transformer:
                schema = {"type": "object", "properties": {"x": {"type": ["null", kind]}}}
                result = repr(transformer.transform({"x": value}, schema)["x"])
        except SchemaMismatch:
            result = "an error"
        found.append(f"{value!r} is {result}")
    print(f"{kind}: {', '.join(found)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
