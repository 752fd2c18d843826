#!/bin/sh
# Library: python-liquid 2.3.6 (PyPI) and liquidjs 10.30.1 (npm), of Liquid, the templates of Shopify
# Summary: Of one template, 1 of 8 in percent is 12 in Python and 12.5 in JavaScript, or 0 and 12.5; and a time with an
#   offset is 23:30 in one, and the next day's 04:30 in the other.
# Guess: one template gives the same text: divided_by, sort by a score with null, comparisons with null, round, date.
# Behavior: python-liquid divides integers as Shopify's Liquid does, and rounds halves to even; liquidjs divides as
#   JavaScript. liquidjs turns times into the machine's zone, compares text with numbers and sorts null last, which are
#   errors in python-liquid. An id beyond 53 bits is one lower in liquidjs.
# Output:
#     {{ critical | times: 100 | divided_by: total }}
#       Python 12; JavaScript 12.5
#     {{ critical | divided_by: total | times: 100 }}
#       Python 0; JavaScript 12.5
#     {{ critical | times: 100.0 | divided_by: total }}
#       Python 12.5; JavaScript 12.5
#     {{ 2.5 | round }} and {{ 8.25 | round: 1 }}
#       Python 2 and 8.2; JavaScript 3 and 8.3
#     {{ '2026-11-10T23:30:00-05:00' | date: '%Y-%m-%d %H:%M' }}
#       Python 2026-11-10 23:30; JavaScript 2026-11-11 04:30
#     {% if text > 7 %}urgent{% else %}later{% endif %}
#       Python an error; JavaScript urgent
#     {{ findings | sort: 'score' | map: 'id' | join: ' ' }}
#       Python an error; JavaScript 3 1 2
#     {{ id }}
#       Python 9007199254740993; JavaScript 9007199254740992
# Why it matters: tickets and mails from one template have other percentages and days from the worker than from the
#   page. Compute before the template, and write `times: 100.0` and dates in UTC.
set -eu
packages="python-liquid==2.3.6"
node_packages="liquidjs@10.30.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/templates" <<'END'
{{ critical | times: 100 | divided_by: total }}
{{ critical | divided_by: total | times: 100 }}
{{ critical | times: 100.0 | divided_by: total }}
{{ 2.5 | round }} and {{ 8.25 | round: 1 }}
{{ '2026-11-10T23:30:00-05:00' | date: '%Y-%m-%d %H:%M' }}
{% if text > 7 %}urgent{% else %}later{% endif %}
{{ findings | sort: 'score' | map: 'id' | join: ' ' }}
{{ id }}
END
echo '{"critical": 1, "total": 8, "text": "9.8", "id": 9007199254740993,
  "findings": [{"id": 1, "score": 9.8}, {"id": 2, "score": null}, {"id": 3, "score": 5}]}' >"$dir/values.json"
cat >"$dir/render.py" <<'END'
import json
import sys

import liquid

with open(f"{sys.argv[1]}/values.json") as file:
    values = json.load(file)
with open(f"{sys.argv[1]}/templates") as file:
    for template in file.read().splitlines():
        try:
            print(liquid.render(template, **values))
        except liquid.exceptions.LiquidError:
            print("an error")
END
cat >"$dir/render.mjs" <<'END'
import fs from 'node:fs';
import { Liquid } from 'liquidjs';

const read = (name) => fs.readFileSync(`${process.argv[2]}/${name}`, 'utf8');
const values = JSON.parse(read('values.json'));
const python = read('python').trimEnd().split('\n');
read('templates').trimEnd().split('\n').forEach((template, i) => {
  console.log(template);
  console.log(`  Python ${python[i]}; JavaScript ${new Liquid().parseAndRenderSync(template, values)}`);
});
END
"$dir/bin/python" "$dir/render.py" "$dir" >"$dir/python"
TZ=UTC node "$dir/render.mjs" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
