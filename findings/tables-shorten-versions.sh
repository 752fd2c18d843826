#!/bin/sh
# Library: tabulate 0.10.0, texttable 1.7.2, agate 1.14.2, prettytable 3.18.0 (PyPI)
# Summary: Text that is a version or a hash is printed as a number by three of them: 1.10 as 1.1 or 1.100, 12e3 as
#   12000.
# Guess: a cell that is a `str` is printed as it is.
# Behavior: tabulate turns a column of text into numbers if each value looks like one, texttable does so for each
#   cell, and agate for a column, when the table is made. prettytable prints the text. One value such as 1.10.1 in the
#   column, and the others are right again in tabulate and agate.
# Output:
#     of_tabulate | web / 1.1 / 12000 | web / 1.10 / 12e3
#     of_texttable | web / 1.100 / 12000 | web / 1.100 / 12000
#     of_agate | web / 1.1 / 12,000 | web / 1.10 / 12e3
#     of_prettytable | web / 1.10 / 12e3 | web / 1.10 / 12e3
# Why it matters: a report says that a finding is fixed in 1.1, which is older than the vulnerable 1.9, and whether it
#   does depends on the other rows. Set `disable_numparse=True` in tabulate, `set_cols_dtype` in texttable, and types
#   for agate's columns.
set -eu
packages="tabulate==0.10.0 texttable==1.7.2 agate==1.14.2 prettytable==3.18.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import io

import agate
import prettytable
import tabulate
import texttable


def of_texttable(rows):
    table = texttable.Texttable()
    table.set_deco(0)
    table.add_rows(rows, header=False)
    return table.draw()


def of_agate(rows):
    out = io.StringIO()
    agate.Table(rows, ["package", "fixed", "commit"]).print_table(output=out)
    return "\n".join(out.getvalue().replace("|", " ").splitlines()[2:])


def of_prettytable(rows):
    table = prettytable.PrettyTable(header=False, border=False)
    table.add_rows(rows)
    return table.get_string()


def of_tabulate(rows):
    return tabulate.tabulate(rows, tablefmt="plain")


one = [["web", "1.10", "12e3"], ["cli", "1.9", "4711"]]
two = [*one, ["api", "1.10.1", "c0ffee"]]
for show in (of_tabulate, of_texttable, of_agate, of_prettytable):
    print(show.__name__, *(" / ".join(show(rows).split("\n")[0].split()) for rows in (one, two)), sep=" | ")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
