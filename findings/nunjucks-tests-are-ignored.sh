#!/bin/sh
# Library: nunjucks 3.2.4 (npm, Mozilla's), "jinja2 inspired", beside jinja2 3.1.6 and minijinja 3.0.5 (PyPI)
# Summary: In nunjucks `selectattr('severity', 'equalto', 'high')` ignores the test and gives each finding that has a
#   severity, and an empty list is true.
# Guess: selectattr with a test, sum, sort, groupby, round(1) and length give the same as in Jinja2, or nunjucks, which
#   has less, raises an error.
# Behavior: nunjucks looks at the first argument alone, also of rejectattr. It has no `attribute=` and sums to NaN,
#   groups by the letters' case, rounds halves up, and what `set` does in a loop stays after it. Unknown filters are
#   errors.
# Output:
#     {{ findings | selectattr('severity', 'equalto', 'high') | list | length }}
#       jinja2 2; minijinja 2; nunjucks 4
#     {{ findings | rejectattr('severity', 'equalto', 'high') | list | length }}
#       jinja2 3; minijinja 3; nunjucks 1
#     {{ findings | selectattr('score', 'gt', 7) | list | length }}
#       jinja2 2; minijinja 2; nunjucks 4
#     {% for host, of_host in findings | groupby('host') %}{{ host }} {{ of_host | length }} {% endfor %}
#       jinja2 db 3 web 2; minijinja db 3 web 2; nunjucks db 2 web 2 DB 1
#     {{ findings[2].score | round(1) }}
#       jinja2 8.2; minijinja 8.2; nunjucks 8.3
#     {% if [] %}some are left{% else %}none is left{% endif %}
#       jinja2 none is left; minijinja none is left; nunjucks some are left
#     {% set n = 0 %}{% for finding in findings %}{% set n = n + 1 %}{% endfor %}{{ n }}
#       jinja2 0; minijinja 0; nunjucks 5
#     {{ findings | sum(attribute='score') }}
#       jinja2 23.650000000000002; minijinja 23.650000000000002; nunjucks NaN
# Why it matters: one template for tickets or mails is used from Python and from JavaScript, or taken over by a move,
#   and the number of high findings is then that of all with a severity. Count in code, and give the template numbers.
set -eu
packages="jinja2==3.1.6 minijinja==3.0.5"
node_packages="nunjucks@3.2.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/findings.json" <<'END'
[
  {"id": 1, "severity": "high", "score": 9.8, "host": "db"},
  {"id": 2, "severity": "low", "score": 2.5, "host": "web"},
  {"id": 3, "severity": "high", "score": 8.25, "host": "DB"},
  {"id": 4, "severity": "low", "score": 3.1, "host": "web"},
  {"id": 5, "severity": "", "score": 0, "host": "db"}
]
END
cat >"$dir/templates" <<'END'
{{ findings | selectattr('severity', 'equalto', 'high') | list | length }}
{{ findings | rejectattr('severity', 'equalto', 'high') | list | length }}
{{ findings | selectattr('score', 'gt', 7) | list | length }}
{% for host, of_host in findings | groupby('host') %}{{ host }} {{ of_host | length }} {% endfor %}
{{ findings[2].score | round(1) }}
{% if [] %}some are left{% else %}none is left{% endif %}
{% set n = 0 %}{% for finding in findings %}{% set n = n + 1 %}{% endfor %}{{ n }}
{{ findings | sum(attribute='score') }}
END
cat >"$dir/render.py" <<'END'
import json
import sys

import jinja2
import minijinja

findings = json.load(open(sys.argv[1] + "/findings.json"))
with open(sys.argv[1] + "/templates") as file:
    for template in file.read().splitlines():
        first = jinja2.Environment().from_string(template).render(findings=findings).strip()
        second = minijinja.Environment().render_str(template, findings=findings).strip()
        print(f"jinja2 {first}; minijinja {second}")
END
cat >"$dir/render.mjs" <<'END'
import fs from 'node:fs';
import nunjucks from 'nunjucks';

const read = (name) => fs.readFileSync(`${process.argv[2]}/${name}`, 'utf8');
const findings = JSON.parse(read('findings.json'));
const others = read('others').trimEnd().split('\n');
read('templates').trimEnd().split('\n').forEach((template, i) => {
  console.log(template);
  console.log(`  ${others[i]}; nunjucks ${nunjucks.renderString(template, { findings }).trim()}`);
});
END
"$dir/bin/python" "$dir/render.py" "$dir" >"$dir/others"
node "$dir/render.mjs" "$dir" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
