#!/bin/sh
# Library: rich 15.0.0 (PyPI)
# Summary: In a narrow terminal a column that may wrap vanishes with its heading, and one with no_wrap is cut.
# Guess: where a table is too wide, a column that may wrap is wrapped, with at least a character in each line, and
#   one with `no_wrap` is whole.
# Behavior: beside columns with `no_wrap`, the column that may wrap shrinks to no width: neither its heading nor
#   its values are there, and no ellipsis says so. If all have `no_wrap`, all are cut, numbers as well: 1,234,567 is
#   `1,2…`.
# Output:
#     34 characters, host may wrap: True
#     | id             | … | count     |
#     | CVE-2026-12345 | … | 1,234,567 |
#     31 characters, host may wrap: True
#     | id             || count     |
#     | CVE-2026-12345 || 1,234,567 |
#     31 characters, host may wrap: False
#     | id        | host     | cou… |
#     | CVE-2026… | host.ex… | 1,2… |
# Why it matters: a table in a small window lacks the column with the host and looks complete, and a number is
#   another one. Give such columns `min_width`. This program works the
#   widths out itself.
# Used in: scanner_sync/terminal.py
set -eu
packages="rich==15.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from rich import box
from rich.console import Console
from rich.table import Table


def show(width, wraps):
    table = Table(box=box.ASCII)
    for name in ("id", "host", "count"):
        table.add_column(name, no_wrap=not (wraps and name == "host"))
    table.add_row("CVE-2026-12345", "host.example", "1,234,567")
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table)
    lines = capture.get().splitlines()
    print(f"{width} characters, host may wrap: {wraps}", lines[1], lines[3], sep="\n")


show(34, True)
show(31, True)
show(31, False)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
