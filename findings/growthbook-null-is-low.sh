#!/bin/sh
# Library: growthbook 4.0.0 (PyPI) and @growthbook/growthbook 1.8.0 (npm), of one service's feature flags
# Summary: A host without a score meets `{"score": {"$lt": 7}}` in JavaScript and not in Python, and one with the text
#   "9.8" is above 7 in JavaScript alone.
# Guess: the same variation for each of 1,000 hosts, and conditions of null, missing and text that is a number alike.
# Behavior: the variations are alike. A comparison is JavaScript's in the one, where null counts as 0, a boolean as a
#   number and text as a number if it is one; in the other it holds for values of one type alone.
# Output:
#     {"score":{"$lt":7}} of {}: Python false, JavaScript true
#     {"score":{"$lt":7}} of {"score":null}: Python false, JavaScript true
#     {"score":{"$lt":7}} of {"score":""}: Python false, JavaScript true
#     {"score":{"$gt":7}} of {"score":9.8}: Python true, JavaScript true
#     {"score":{"$gt":7}} of {"score":"9.8"}: Python false, JavaScript true
#     {"score":{"$gt":7}} of {"score":"10"}: Python false, JavaScript true
#     {"score":{"$gt":"7"}} of {"score":9.8}: Python false, JavaScript true
#     {"port":443} of {"port":"443"}: Python false, JavaScript true
#     {"count":0} of {"count":false}: Python false, JavaScript true
#     {"score":null} of {}: Python true, JavaScript true
#     {"version":{"$vgt":"1.9.0"}} of {"version":"v1.10.0"}: Python true, JavaScript true
#     hosts with another variation: 0
# Why it matters: a rule such as "scan less often what has a score below 7" is kept in one place and takes in hosts
#   that were never scored in the services of one language. Ask for `$exists` or `$type` in each condition.
set -eu
packages="growthbook==4.0.0"
node_packages="@growthbook/growthbook@1.8.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/conditions.json" <<'END'
[
  [{"score": {"$lt": 7}}, {}],
  [{"score": {"$lt": 7}}, {"score": null}],
  [{"score": {"$lt": 7}}, {"score": ""}],
  [{"score": {"$gt": 7}}, {"score": 9.8}],
  [{"score": {"$gt": 7}}, {"score": "9.8"}],
  [{"score": {"$gt": 7}}, {"score": "10"}],
  [{"score": {"$gt": "7"}}, {"score": 9.8}],
  [{"port": 443}, {"port": "443"}],
  [{"count": 0}, {"count": false}],
  [{"score": null}, {}],
  [{"version": {"$vgt": "1.9.0"}}, {"version": "v1.10.0"}]
]
END
cat >"$dir/flags.py" <<'END'
import json
import sys

from growthbook import GrowthBook

with open(sys.argv[1]) as file:
    conditions = json.load(file)


def value(attributes, rule, default):
    features = {"flag": {"defaultValue": default, "rules": [rule]}}
    return GrowthBook(attributes=attributes, features=features).get_feature_value("flag", default)


for condition, attributes in conditions:
    print(json.dumps(value(attributes, {"condition": condition, "force": True}, False)))
rule = {"variations": [1, 2, 3], "hashAttribute": "id"}
print("".join(str(value({"id": f"host-{i}"}, rule, 0)) for i in range(1000)))
END
cat >"$dir/flags.mjs" <<'END'
import fs from 'node:fs';
import { GrowthBook } from '@growthbook/growthbook';

const [conditions, python] = process.argv.slice(2).map((name) => fs.readFileSync(name, 'utf8'));
const lines = python.trim().split('\n');
const value = (attributes, rule, defaultValue) => new GrowthBook({
  attributes, features: { flag: { defaultValue, rules: [rule] } },
}).getFeatureValue('flag', defaultValue);
JSON.parse(conditions).forEach(([condition, attributes], i) => {
  const holds = value(attributes, { condition, force: true }, false);
  console.log(`${JSON.stringify(condition)} of ${JSON.stringify(attributes)}: Python ${lines[i]}, JavaScript ${holds}`);
});
const rule = { variations: [1, 2, 3], hashAttribute: 'id' };
const hosts = Array.from({ length: 1000 }, (_, i) => value({ id: `host-${i}` }, rule, 0));
console.log(`hosts with another variation: ${hosts.filter((host, i) => `${host}` !== lines.at(-1)[i]).length}`);
END
"$dir/bin/python" "$dir/flags.py" "$dir/conditions.json" >"$dir/python" 2>"$dir/errors"
node "$dir/flags.mjs" "$dir/conditions.json" "$dir/python" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
