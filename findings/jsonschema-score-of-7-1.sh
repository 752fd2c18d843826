#!/bin/sh
# Library: jsonschema 4.26.0, fastjsonschema 2.22.3, jsonschema-rs 0.61.2 (PyPI), ajv 8.20.0 and
#   @secvisogram/csaf-validator-lib 2.0.10 (npm)
# Summary: By `"multipleOf": 0.1`, as the schema of CVSS 4.0 has it, 33 of the 101 scores are invalid for jsonschema
#   and ajv, and so for the validator of CSAF 2.1.
# Guess: each score from 0.0 to 10.0 is a multiple of 0.1 for each validator.
# Behavior: jsonschema and ajv divide in binary, and 7.1 / 0.1 is no integer there. fastjsonschema and
#   jsonschema-rs take all scores. jsonschema does, too, if schema and document are read with
#   `parse_float=Decimal`, and ajv with `multipleOfPrecision`.
# Output:
#     jsonschema: 33 refused, 0.3 0.6 0.7 1.2 1.4 ... 9.1 9.2 9.6 9.7
#     jsonschema with Decimal: 0 refused
#     fastjsonschema: 0 refused
#     jsonschema-rs: 0 refused
#     ajv: 33 refused, 0.3 0.6 0.7 1.2 1.4 ... 9.1 9.2 9.6 9.7
#     ajv with multipleOfPrecision: 0 refused
#     CSAF 2.1: 33 refused, 0.3 0.6 0.7 1.2 1.4 ... 9.1 9.2 9.6 9.7
# Why it matters: a third of the scores, always the same ones, is refused by a check of validity: 7.5 and 9.8 pass,
#   7.1 and 9.1 do not. A pipeline that drops what is invalid loses critical findings.
set -eu
packages="jsonschema==4.26.0 fastjsonschema==2.22.3 jsonschema-rs==0.61.2"
node_packages="ajv@8.20.0 @secvisogram/csaf-validator-lib@2.0.10"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import json
from decimal import Decimal

import fastjsonschema
import jsonschema
import jsonschema_rs

schema = '{"type": "number", "minimum": 0, "maximum": 10, "multipleOf": 0.1}'
scores = [f"{tenths // 10}.{tenths % 10}" for tenths in range(101)]
fast = fastjsonschema.compile(json.loads(schema))


def fastjsonschema_takes(score):
    try:
        fast(score)
    except fastjsonschema.JsonSchemaException:
        return False
    return True


binary = jsonschema.Draft7Validator(json.loads(schema))
exact = jsonschema.Draft7Validator(json.loads(schema, parse_float=Decimal))
for name, takes in {
    "jsonschema": lambda score: binary.is_valid(json.loads(score)),
    "jsonschema with Decimal": lambda score: exact.is_valid(json.loads(score, parse_float=Decimal)),
    "fastjsonschema": lambda score: fastjsonschema_takes(json.loads(score)),
    "jsonschema-rs": lambda score: jsonschema_rs.validator_for(schema).is_valid(json.loads(score)),
}.items():
    refused = [score for score in scores if not takes(score)]
    some = f", {' '.join([*refused[:5], '...', *refused[-4:]])}" if refused else ""
    print(f"{name}: {len(refused)} refused{some}")
EOF
cat >"$dir/validate.mjs" <<'EOF'
import { csaf_2_1 } from '@secvisogram/csaf-validator-lib/csaf_2_1/schemaTests.js';
import Ajv from 'ajv';

const schema = { type: 'number', minimum: 0, maximum: 10, multipleOf: 0.1 };
const time = '2026-11-02T08:00:00Z';
const severities = ['NONE', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];
const severity = (score) => severities[[0.1, 4, 7, 9].filter((from) => score >= from).length];
const advisory = (score) => ({
  $schema: 'https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json',
  document: {
    category: 'csaf_security_advisory', csaf_version: '2.1', title: 'One weakness',
    distribution: { tlp: { label: 'CLEAR' } },
    publisher: { category: 'vendor', name: 'Example', namespace: 'https://example.org' },
    tracking: {
      id: 'EX-1', status: 'final', version: '1', initial_release_date: time, current_release_date: time,
      revision_history: [{ date: time, number: '1', summary: 'First.' }],
    },
  },
  product_tree: { full_product_names: [{ name: 'product', product_id: 'P' }] },
  vulnerabilities: [{
    cve: 'CVE-2026-1234',
    product_status: { known_affected: ['P'] },
    metrics: [{ products: ['P'], content: { cvss_v4: {
      version: '4.0', baseScore: score, baseSeverity: severity(score),
      vectorString: 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N',
    } } }],
  }],
});
for (const [name, takes] of [
  ['ajv', new Ajv().compile(schema)],
  ['ajv with multipleOfPrecision', new Ajv({ multipleOfPrecision: 6 }).compile(schema)],
  ['CSAF 2.1', (score) => csaf_2_1(advisory(score)).isValid],
]) {
  const refused = [...Array(101).keys()].map((tenths) => tenths / 10).filter((score) => !takes(score));
  const some = refused.length ? `, ${[...refused.slice(0, 5), '...', ...refused.slice(-4)].join(' ')}` : '';
  console.log(`${name}: ${refused.length} refused${some}`);
}
EOF
node "$dir/validate.mjs" >>"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
