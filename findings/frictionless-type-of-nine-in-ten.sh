#!/bin/sh
# Library: frictionless 5.21.0 (PyPI)
# Summary: Of a column in which nine of ten values are whole numbers, `extract` gives None for the others, without an
#   error, and numbers without their zeros for the rest.
# Guess: it takes a column with 95 whole numbers and 5 texts as text, as not all are numbers, and leading zeros stay.
# Behavior: it guesses types from the first 100 rows, and a type needs nine tenths of them. What is not of that type
#   becomes None; `validate` reports it, `extract` does not. Below nine tenths the column is text.
# Output:
#     88 of 100 are digits: 0007 is '0007', X99 is 'X99', None is 0 times, validate has 0 errors
#     95 of 100 are digits: 0007 is 7, X99 is None, None is 5 times, validate has 5 errors
#     100 of 100 are digits: 0007 is 7, 0099 is 99, None is 0 times, validate has 0 errors
# Why it matters: build numbers, plugin ids and versions are mostly digits, and those that are not, such as X96 or
#   10.2a, are what is lost. Give a schema, or validate before extracting.
set -eu
packages="frictionless==5.21.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/extract.py" <<'END'
from pathlib import Path

from frictionless import extract, validate

for digits in 88, 95, 100:
    codes = [f"{number:04d}" if number < digits else f"X{number}" for number in range(100)]
    Path("findings.csv").write_text("id,code\n" + "".join(f"a{number},{code}\n" for number, code in enumerate(codes)))
    read = [row["code"] for row in extract("findings.csv")["findings"]]
    errors = len(validate("findings.csv").flatten(["rowNumber"]))
    print(f"{digits} of 100 are digits: {codes[7]} is {read[7]!r}, {codes[99]} is {read[99]!r}, "
          f"None is {read.count(None)} times, validate has {errors} errors")
END
(cd "$dir" && bin/python extract.py) >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
