#!/bin/sh
# Library: pandas 3.1.1 and polars 2.1.0 with xlsxwriter 3.3.1, pandas with openpyxl 3.1.5 (PyPI)
# Summary: A link of more than 2,079 characters is an empty cell in files that are written by xlsxwriter.
# Guess: text that looks like a link is text at least; text beyond the 32,767 characters of a cell is cut with a
#   warning, or an error.
# Behavior: xlsxwriter makes links of what begins with https://, and leaves out what is too long for one: the cell is
#   empty, with a UserWarning. openpyxl has no such limit. Text that is too long for a cell is cut by all; polars gives
#   no warning.
# Output:
#     pandas, openpyxl: link 2079 2080 2080
#     pandas, openpyxl: output 32767 32767 100
#       warnings: Cell
#     pandas, xlsxwriter: link 2079 empty empty
#     pandas, xlsxwriter: output 32767 32767 100
#       warnings: Cell, Ignoring
#     polars: link 2079 empty empty
#     polars: output 32767 32767 100
#       warnings: Ignoring
# Why it matters: the evidence of a web scanner is a request with its parameters, and the longest are the ones that are
#   missing. Give xlsxwriter the option `strings_to_urls`: False.
set -eu
packages="pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 xlsxwriter==3.3.1 openpyxl==3.1.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import os
import tempfile
import warnings

import openpyxl
import pandas
import polars

LINK = "https://scanner.example/evidence?request="
rows = {
    "link": [LINK.ljust(length, "a") for length in (2_079, 2_080, 2_080)],
    "output": ["x" * length for length in (32_767, 32_768, 100)],
}
writers = {
    "pandas, openpyxl": lambda path: pandas.DataFrame(rows).to_excel(path, index=False, engine="openpyxl"),
    "pandas, xlsxwriter": lambda path: pandas.DataFrame(rows).to_excel(path, index=False, engine="xlsxwriter"),
    "polars": lambda path: polars.DataFrame(rows).write_excel(path),
}
for name, write in writers.items():
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = os.path.join(folder, "findings.xlsx")
        write(path)
        told = sorted({str(warning.message).split(" ")[0] for warning in caught})
        sheet = openpyxl.load_workbook(path).active
        for number, column in enumerate(rows, 1):
            lengths = [len(cell) if (cell := sheet.cell(row, number).value) else "empty" for row in (2, 3, 4)]
            print(f"{name}: {column}", *lengths)
        print(f"  warnings: {', '.join(told) or 'none'}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
