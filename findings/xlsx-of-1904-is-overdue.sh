#!/bin/sh
# Library: xlsx 0.18.5 (SheetJS), xlsx-populate 1.21.0 and exceljs 4.4.0 (npm) beside openpyxl 3.1.5, python-calamine
#   0.9.1 (PyPI), of a file by xlsxwriter 3.3.1
# Summary: From a workbook with dates since 1904, a due date in 2026 is one in 2022 for two of three in JavaScript, and
#   a duration of 30 hours is six hours past midnight of a day in 1899 or 1904.
# Guess: a duration of 30 hours, a date in a workbook of 1904 and a percentage are the same value or instant for each.
# Behavior: xlsx and xlsx-populate give the number of days and take it as since 1900, while the text that xlsx formats
#   from it has the right date. exceljs knows 1904. None of the three has durations: they are dates or parts of days.
# Output:
#     1900, openpyxl: due 2026-11-10, took 30.0 hours
#     1900, calamine: due 2026-11-10, took 30.0 hours
#     1904, openpyxl: due 2026-11-10, took 30.0 hours
#     1904, calamine: due 2026-11-10, took 30.0 hours
#     1900, exceljs: due 2026-11-10T00:00, took 1899-12-31T06:00
#     1900, xlsx with cellDates: due 2026-11-10T00:00, took 1899-12-31T06:00
#     1900, xlsx, its text: due 2026-11-10, took 30:00
#     1900, xlsx-populate: due 2026-11-10T00:00, took 1.25
#     1904, exceljs: due 2026-11-10T00:00, took 1904-01-02T06:00
#     1904, xlsx with cellDates: due 2022-11-09T00:00, took 1899-12-31T06:00
#     1904, xlsx, its text: due 2026-11-10, took 30:00
#     1904, xlsx-populate: due 2022-11-09T00:00, took 1.25
# Why it matters: workbooks that began on an old Mac keep 1904 for ever, by copies and templates, and in them all
#   deadlines are overdue by four years and a day. Read the text (`raw: false`), or look at `date1904` of the workbook.
set -eu
packages="xlsxwriter==3.3.1 openpyxl==3.1.5 python-calamine==0.9.1"
node_packages="xlsx@0.18.5 xlsx-populate@1.21.0 exceljs@4.4.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import datetime
import sys

import openpyxl
import python_calamine
import xlsxwriter

for system in (1900, 1904):
    path = f"{sys.argv[1]}/{system}.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": system == 1904}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["due", "took"])
        sheet.write_datetime(1, 0, datetime.date(2026, 11, 10), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_datetime(1, 1, datetime.timedelta(hours=30), book.add_format({"num_format": "[h]:mm"}))
    due, took = (cell.value for cell in openpyxl.load_workbook(path).active[2])
    print(f"{system}, openpyxl: due {due:%Y-%m-%d}, took {took.total_seconds() / 3600} hours")
    book = python_calamine.CalamineWorkbook.from_path(path)
    due, took = book.get_sheet_by_index(0).to_python()[1]
    print(f"{system}, calamine: due {due:%Y-%m-%d}, took {took.total_seconds() / 3600} hours")
END
cat >"$dir/read.cjs" <<'END'
const exceljs = require('exceljs');
const xlsx = require('xlsx');
const populate = require('xlsx-populate');

const show = (value) => (value instanceof Date ? value.toISOString().slice(0, 16) : value);
const print = (system, name, due, took) => console.log(`${system}, ${name}: due ${show(due)}, took ${show(took)}`);

(async () => {
  for (const system of [1900, 1904]) {
    const path = `${process.argv[2]}/${system}.xlsx`;
    const book = new exceljs.Workbook();
    await book.xlsx.readFile(path);
    print(system, 'exceljs', ...book.worksheets[0].getRow(2).values.slice(1));
    for (const [name, options] of [['xlsx with cellDates', {}], ['xlsx, its text', { raw: false }]]) {
      const { Sheets, SheetNames } = xlsx.readFile(path, { cellDates: !('raw' in options) });
      const [{ due, took }] = xlsx.utils.sheet_to_json(Sheets[SheetNames[0]], options);
      print(system, name, due, took);
    }
    const [due, took] = (await populate.fromFileAsync(path)).sheet(0).usedRange().value()[1];
    print(system, 'xlsx-populate', populate.numberToDate(due), took);
  }
})();
END
TZ=UTC node "$dir/read.cjs" "$dir" >>"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
