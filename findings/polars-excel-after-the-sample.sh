#!/bin/sh
# Library: polars 2.1.0 with fastexcel 0.21.0, of a file by xlsxwriter 3.3.1 (PyPI)
# Summary: In a sheet whose first 100 rows have numbers, `read_excel` makes NULL of later text such as "1.2.3", 443 of
#   "0443", and leaves out a row that has text only.
# Guess: a column whose first 1,500 rows are whole numbers and whose later ones are text or fractions keeps all values,
#   or raises.
# Behavior: the type of a column is that of its first 100 cells, which `infer_schema_length` says. A cell of another
#   type is converted if it can be, and is NULL if not, and a row of NULLs is left out as an empty one. Nothing is said.
# Output:
#     93 of 93 rows by default: [('1500', '1.2.3', 'any'), ('00017', '2', '0443'), ('x', 'x', 'x')]
#     93 of 93 rows by a sample of all: [('1500', '1.2.3', 'any'), ('00017', '2', '0443'), ('x', 'x', 'x')]
#     152 of 153 rows by default: [(1500, None, None), (17, 2.0, 443)]
#     153 of 153 rows by a sample of all: [('1500', '1.2.3', 'any'), ('00017', '2', '0443'), ('x', 'x', 'x')]
#     1502 of 1503 rows by default: [(1500, None, None), (17, 2.0, 443)]
#     1503 of 1503 rows by a sample of all: [('1500', '1.2.3', 'any'), ('00017', '2', '0443'), ('x', 'x', 'x')]
# Why it matters: exports of scanners and lists of assets are sheets, in which a column of ports or versions has text in
#   a few rows. The larger the sheet, the more is lost, and a join by id finds less. Give `infer_schema_length=None` or
#   `schema_overrides`.
set -eu
packages="polars==2.1.0 fastexcel==0.21.0 xlsxwriter==3.3.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/assets.xlsx" >"$dir/output" 2>"$dir/log" <<'END'
import sys

import polars
import xlsxwriter

[_, path] = sys.argv
later = [[1500, "1.2.3", "any"], ["00017", 2, "0443"], ["x", "x", "x"]]
for rows in (90, 150, 1500):
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate([["id", "version", "port"], *([i, 1.1, 443] for i in range(rows)), *later]):
            sheet.write_row(number, 0, row)
    for said, options in (("default", {}), ("a sample of all", {"infer_schema_length": None})):
        table = polars.read_excel(path, **options)
        print(f"{table.height} of {rows + 3} rows by {said}: {table[rows:].rows()}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
