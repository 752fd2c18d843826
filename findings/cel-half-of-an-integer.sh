#!/bin/sh
# Library: cel-js 0.8.2 beside @marcbachmann/cel-js 8.0.0 (npm) and cel-expr-python 0.1.3, Google's own (PyPI)
# Summary: In cel-js 7 / 2 is 3.5 and two ids beyond 53 bits are equal; whether 7 >= 6.5 and 1 == 1.0 are true or errors
#   depends on the library, too.
# Guess: 1 == 1.0, the division of integers and comparisons of ids are alike in each, by the specification.
# Behavior: cel-js computes as JavaScript does: all numbers are doubles, so a division has fractions and a sum beyond 64
#   bits is no error. The other two keep integers, and refuse some comparisons with doubles that were written as such.
# Output:
#     7 / 2: cel-js 3.5, @marcbachmann's 3, Google's 3
#     7 / 2 == 3: cel-js false, @marcbachmann's true, Google's true
#     9007199254740993 == 9007199254740992: cel-js true, @marcbachmann's false, Google's false
#     9223372036854775807 + 1 > 0: cel-js true, @marcbachmann's an error, Google's an error
#     1 == 1.0: cel-js true, @marcbachmann's an error, Google's an error
#     7 >= 6.5: cel-js true, @marcbachmann's true, Google's an error
#     score > 7.0 of 9: cel-js true, @marcbachmann's true, Google's true
#     score > 7.0 of null: cel-js an error, @marcbachmann's an error, Google's an error
# Why it matters: CEL is the language of conditions in IAM, Kubernetes and policies, and a rule is tried in one library
#   and run by another: "within half of the days allowed" and "another account than this" are true in one only.
set -eu
node_packages="cel-js@0.8.2 @marcbachmann/cel-js@8.0.0"
packages="cel-expr-python==0.1.3"
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
  ["7 / 2", {}],
  ["7 / 2 == 3", {}],
  ["9007199254740993 == 9007199254740992", {}],
  ["9223372036854775807 + 1 > 0", {}],
  ["1 == 1.0", {}],
  ["7 >= 6.5", {}],
  ["score > 7.0", {"score": 9}],
  ["score > 7.0", {"score": null}]
]
END
cat >"$dir/evaluate.py" <<'END'
import json
import sys

from cel_expr_python import cel

for rule, data in json.load(open(sys.argv[1])):
    env = cel.NewEnv(variables={name: cel.Type.DYN for name in data})
    try:
        value = env.compile(rule).eval(data=data)
        error = value.type() == cel.Type.ERROR
        print("an error" if error else json.dumps(value.plain_value()))
    except Exception:
        print("an error")
END
cat >"$dir/evaluate.mjs" <<'END'
import fs from 'node:fs';
import * as other from '@marcbachmann/cel-js';
import * as celjs from 'cel-js';

const [rules, found] = process.argv.slice(2).map((file) => fs.readFileSync(file, 'utf8'));
const run = (evaluate, rule, data) => {
  try {
    return String(evaluate(rule, data));
  } catch {
    return 'an error';
  }
};
JSON.parse(rules).forEach(([rule, data], i) => {
  const values = [celjs.evaluate, other.evaluate].map((evaluate) => run(evaluate, rule, data));
  const given = 'score' in data ? ` of ${data.score}` : '';
  console.log(`${rule}${given}: cel-js ${values[0]}, @marcbachmann's ${values[1]}, Google's ${found.split('\n')[i]}`);
});
END
"$dir/bin/python" "$dir/evaluate.py" "$dir/rules.json" >"$dir/found"
node "$dir/evaluate.mjs" "$dir/rules.json" "$dir/found" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
