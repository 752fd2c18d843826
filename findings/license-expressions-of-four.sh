#!/bin/sh
# Library: license-expression 30.4.4, packaging 26.4 (PyPI), spdx-expression-parse 5.0.0, license-expressions 0.8.0 (npm)
# Summary: Of seven valid license expressions each of the four takes another set, and GPL-2.0 is GPL-2.0-only for
#   one.
# Guess: the same expressions are valid in each, by SPDX 3.0.1: a reference to another document's license, an addition
#   to a license, and operators in lower case among them.
# Behavior: license-expression has no `LicenseRef-`, and no `+` but of the GNU licenses. packaging has no
#   `DocumentRef-`. license-expressions alone reads `AdditionRef-`, which is new in SPDX 3, and no lower case.
# Output:
#     LicenseRef-Example: -, LicenseRef-Example, valid, valid
#     DocumentRef-a:LicenseRef-b: -, -, valid, valid
#     Apache-2.0+: -, Apache-2.0+, valid, valid
#     GPL-2.0-only WITH AdditionRef-x: -, -, -, valid
#     MIT and ISC: MIT AND ISC, MIT AND ISC, valid, -
#     mit OR isc: MIT OR ISC, MIT OR ISC, -, valid
#     GPL-2.0: GPL-2.0-only, GPL-2.0, valid, valid
# Why it matters: what one tool has written the next one takes for no license or an unknown one, and a count by license
#   depends on who has counted. Make each expression canonical with one library before it is stored.
set -eu
packages="license-expression==30.4.4 packaging==26.4"
node_packages="spdx-expression-parse@5.0.0 license-expressions@0.8.0"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/expressions" <<'END'
LicenseRef-Example
DocumentRef-a:LicenseRef-b
Apache-2.0+
GPL-2.0-only WITH AdditionRef-x
MIT and ISC
mit OR isc
GPL-2.0
END
cat >"$dir/read.py" <<'END'
from license_expression import ExpressionError, get_spdx_licensing
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

licensing = get_spdx_licensing()
for line in open("expressions"):
    text = line.strip()
    try:
        one = licensing.parse(text, validate=True).render()
    except ExpressionError:
        one = "-"
    try:
        other = canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        other = "-"
    print(f"{text}: {one}, {other}")
END
cat >"$dir/read.mjs" <<'END'
import { readFileSync } from 'node:fs';
import { parse as other } from 'license-expressions';
import one from 'spdx-expression-parse';

const said = (read) => {
  try {
    read();
    return 'valid';
  } catch {
    return '-';
  }
};
const lines = readFileSync('by-python', 'utf8').trim().split('\n');
readFileSync('expressions', 'utf8').trim().split('\n').forEach((text, index) => {
  console.log(`${lines[index]}, ${said(() => one(text))}, ${said(() => other(text, { strictSyntax: true }))}`);
});
END
(cd "$dir" && bin/python read.py >by-python && node read.mjs >output)
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
