#!/bin/sh
# Library: great-tables 1.1.0 with pandas 3.1.1 and polars 2.1.0 (PyPI)
# Summary: A table that is formatted by `fmt_integer` shows id 9007199254740993 as 9,007,199,254,740,992, and so two
#   findings with one id.
# Guess: as_raw_html with fmt_integer keeps an id beyond 53 bits.
# Behavior: a format makes floats of the integers first, so beyond 53 bits each has a neighbor's digits, of pandas and
#   of polars. Without a format the column is as it was.
# Output:
#     pandas: 9007199254740992 9007199254740993 1234567890123456789
#       fmt_integer: 9,007,199,254,740,992 9,007,199,254,740,992 1,234,567,890,123,456,768
#       fmt_integer without separators: 9007199254740992 9007199254740992 1234567890123456768
#       fmt_number: 9,007,199,254,740,992 9,007,199,254,740,992 1,234,567,890,123,456,768
#     polars: 9007199254740992 9007199254740993 1234567890123456789
#       fmt_integer: 9,007,199,254,740,992 9,007,199,254,740,992 1,234,567,890,123,456,768
#       fmt_integer without separators: 9007199254740992 9007199254740992 1234567890123456768
#       fmt_number: 9,007,199,254,740,992 9,007,199,254,740,992 1,234,567,890,123,456,768
# Why it matters: ids of 64 bits, such as those of BigQuery's FARM_FINGERPRINT or of messages, are in a report as those
#   of other findings. Leave columns of ids without a format, or make text of them first.
set -eu
packages="great-tables==1.1.0 pandas==3.1.1 polars==2.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import re

import great_tables
import pandas
import polars

IDS = [9007199254740992, 9007199254740993, 1234567890123456789]


def cells(table):
    return " ".join(re.findall(r"<td[^>]*>(.*?)</td>", table.as_raw_html()))


for library in (pandas, polars):
    frame = library.DataFrame({"id": IDS})
    table = great_tables.GT(frame)
    print(f"{library.__name__}: {cells(table)}")
    print(f"  fmt_integer: {cells(table.fmt_integer('id'))}")
    print(f"  fmt_integer without separators: {cells(table.fmt_integer('id', use_seps=False))}")
    print(f"  fmt_number: {cells(table.fmt_number('id', decimals=0))}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
