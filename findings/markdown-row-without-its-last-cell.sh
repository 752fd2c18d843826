#!/bin/sh
# Library: tabulate 0.10.0, pandas 3.1.1 and polars 2.1.0 beside pytablewriter 1.2.1, read by markdown-it-py 4.3.0
# Summary: A title with a pipe makes one cell more in a Markdown table, so its end stands under severity and the
#   severity is not shown at all.
# Guess: a pipe in a cell is escaped, so the table that is shown has the same cells.
# Behavior: tabulate, pandas by it and polars write it as it is. A reader of GitHub's Markdown takes it for a border,
#   and leaves out cells beyond the number of columns. pytablewriter escapes it.
# Output:
#     tabulate, pipe: ['1', 'XSS by q=a', 'b'] ['2', 'SSH is open', 'low']
#     tabulate, github: ['1', 'XSS by q=a', 'b'] ['2', 'SSH is open', 'low']
#     pandas: ['1', 'XSS by q=a', 'b'] ['2', 'SSH is open', 'low']
#     polars: ['1', 'XSS by q=a', 'b'] ['2', 'SSH is open', 'low']
#     pytablewriter: ['1', 'XSS by q=a|b', 'critical'] ['2', 'SSH is open', 'low']
# Why it matters: titles and payloads have pipes, and a report in a pull request then shows something else as the
#   severity, without the real one. The other rows are right. Escape pipes before.
set -eu
packages="tabulate==0.10.0 pandas==3.1.1 polars==2.1.0 pytablewriter==1.2.1 markdown-it-py==4.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import re

import markdown_it
import pandas
import polars
import pytablewriter
import tabulate

rows = {"id": [1, 2], "title": ["XSS by q=a|b", "SSH is open"], "severity": ["critical", "low"]}
writer = pytablewriter.MarkdownTableWriter(headers=list(rows), value_matrix=list(zip(*rows.values())))
with polars.Config(tbl_formatting="MARKDOWN", tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
    by_polars = str(polars.DataFrame(rows))
for name, text in {
    "tabulate, pipe": tabulate.tabulate(rows, headers="keys", tablefmt="pipe"),
    "tabulate, github": tabulate.tabulate(rows, headers="keys", tablefmt="github"),
    "pandas": pandas.DataFrame(rows).to_markdown(index=False),
    "polars": by_polars,
    "pytablewriter": writer.dumps(),
}.items():
    html = markdown_it.MarkdownIt().enable("table").render(text)
    print(f"{name}:", *[re.findall("<td[^>]*>(.*?)</td>", row) for row in html.split("<tr>")[2:]])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
