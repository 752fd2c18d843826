#!/bin/sh
# Library: pandas 3.1.1 with lxml 6.1.3 (PyPI) beside tabletojson 4.1.15 (npm)
# Summary: read_html makes 75 of a cell 7,5 and 310 of the version 3,10, and 1234 of 1,234; its read_csv leaves the same
#   texts as text.
# Guess: cells "7,5", "1.10", "0443", "10%" stay text or are numbers as read_csv would make of them ("7,5" stays text).
# Behavior: thousands="," is read_html's default and not read_csv's, and a comma may stand before any number of digits.
#   With thousands=None, and with decimal=",", it is 7.5 or text. 0443 and 1.10 are numbers for both, as usual.
# Output:
#     html, read_html: score 75, version 1.1, port 443, share 10%, ids 12, total 1234
#     html, read_html with thousands=None: score 7,5, version 1.1, port 443, share 10%, ids 1,2, total 1,234
#     html, read_html with decimal=",", thousands=".": score 7.5, version 110, port 443, share 10%, ids 1.2, total 1.234
#     csv, read_csv: score 7,5, version 1.1, port 443, share 10%, ids 1,2, total 1,234
#     html, tabletojson: score 7,5, version 1.10, port 0443, share 10%, ids 1,2, total 1,234
# Why it matters: a scanner's report in German or French has scores ten times as high, in a column of numbers that looks
#   right, and lists such as ids 1,2 are one number. Pass thousands=None, or read text with converters.
set -eu
packages="pandas==3.1.1 lxml==6.1.3"
node_packages="tabletojson@4.1.15"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/report.html" <<'END'
<table>
  <tr><th>score</th><th>version</th><th>port</th><th>share</th><th>ids</th><th>total</th></tr>
  <tr><td>7,5</td><td>1.10</td><td>0443</td><td>10%</td><td>1,2</td><td>1,234</td></tr>
</table>
END
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import io
import sys

import pandas


def show(name, frame):
    print(f"{name}: {', '.join(f'{column} {frame[column][0]}' for column in frame)}")


path = f"{sys.argv[1]}/report.html"
show("html, read_html", pandas.read_html(path)[0])
show("html, read_html with thousands=None", pandas.read_html(path, thousands=None)[0])
show('html, read_html with decimal=",", thousands="."', pandas.read_html(path, decimal=",", thousands=".")[0])
text = "score;version;port;share;ids;total\n7,5;1.10;0443;10%;1,2;1,234\n"
show("csv, read_csv", pandas.read_csv(io.StringIO(text), sep=";"))
END
cat >"$dir/read.mjs" <<'END'
import fs from 'node:fs';
import { tabletojson } from 'tabletojson';

const [[row]] = tabletojson.convert(fs.readFileSync(`${process.argv[2]}/report.html`, 'utf8'));
console.log(`html, tabletojson: ${Object.entries(row).map(([name, value]) => `${name} ${value}`).join(', ')}`);
END
node "$dir/read.mjs" "$dir" >>"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
