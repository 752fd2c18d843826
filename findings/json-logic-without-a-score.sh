#!/bin/sh
# Library: json-logic-js 2.0.5 (npm) beside json-logic-qubit 0.9.1 (PyPI)
# Summary: One JSON Logic rule decides differently in JavaScript and Python: a finding without a score is below 7 in one
#   and not in the other, and 7.5 is equal to "7.50" in one.
# Guess: {">": [{"var": "score"}, 7]} and the like treat the text "9.8", null, 0 and "" alike in JavaScript and Python.
# Behavior: JavaScript's takes what is missing or null for 0 by `<`, `<=` and `>=`, though not by `==`; Python's takes a
#   comparison with it for false. `==` compares numbers in JavaScript and text in Python. A remainder of -7 has
#   another sign, and text that is no number is an error in Python.
# Output:
#     {">":[{"var":"score"},7]} of {"score":"9.8"}: JavaScript true, Python true
#     {"<":[{"var":"score"},7]} of {}: JavaScript true, Python false
#     {"<=":[{"var":"score"},0]} of {"score":null}: JavaScript true, Python false
#     {">=":[{"var":"score"},0]} of {"score":null}: JavaScript true, Python false
#     {"==":[{"var":"score"},0]} of {"score":null}: JavaScript false, Python false
#     {"==":[{"var":"score"},"7.50"]} of {"score":7.5}: JavaScript true, Python false
#     {"==":[{"var":"port"},0]} of {"port":""}: JavaScript true, Python false
#     {"<":[{"var":"score"},7]} of {"score":"N/A"}: JavaScript false, Python an error
#     {"%":[-7,3]} of {}: JavaScript -1, Python 2
# Why it matters: such rules are stored as data, to be run by a page and by a service: which findings are accepted, and
#   who is told. Say in the rule what is to be done without a score: {"!!": {"var": "score"}}.
set -eu
node_packages="json-logic-js@2.0.5"
packages="json-logic-qubit==0.9.1"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/rules.json" <<'END'
[
  [{">": [{"var": "score"}, 7]}, {"score": "9.8"}],
  [{"<": [{"var": "score"}, 7]}, {}],
  [{"<=": [{"var": "score"}, 0]}, {"score": null}],
  [{">=": [{"var": "score"}, 0]}, {"score": null}],
  [{"==": [{"var": "score"}, 0]}, {"score": null}],
  [{"==": [{"var": "score"}, "7.50"]}, {"score": 7.5}],
  [{"==": [{"var": "port"}, 0]}, {"port": ""}],
  [{"<": [{"var": "score"}, 7]}, {"score": "N/A"}],
  [{"%": [-7, 3]}, {}]
]
END
cat >"$dir/apply.py" <<'END'
import json
import sys

from json_logic import jsonLogic

for rule, data in json.load(open(sys.argv[1])):
    try:
        print(json.dumps(jsonLogic(rule, data)))
    except ValueError:
        print("an error")
END
cat >"$dir/apply.cjs" <<'END'
const fs = require('fs');
const jsonLogic = require('json-logic-js');

const [rules, found] = process.argv.slice(2).map((file) => fs.readFileSync(file, 'utf8'));
JSON.parse(rules).forEach(([rule, data], i) => {
  const value = JSON.stringify(jsonLogic.apply(rule, data));
  const byPython = found.split('\n')[i];
  console.log(`${JSON.stringify(rule)} of ${JSON.stringify(data)}: JavaScript ${value}, Python ${byPython}`);
});
END
"$dir/bin/python" "$dir/apply.py" "$dir/rules.json" >"$dir/found"
NODE_PATH="$dir/node_modules" node "$dir/apply.cjs" "$dir/rules.json" "$dir/found" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
