#!/bin/sh
# Library: cpeparser 0.0.2 and cpe_utils 0.1.0 beside cpe 1.3.1 (PyPI), @thefaultvault/tfv-cpe-parser 1.3.0 (npm)
# Summary: A CPE name with an escaped colon, as of Perl's `net::ping`, is split at it: the vendor is `net\` and the
#   version another part of the name.
# Guess: of names with an escaped colon (a\:b), the four read the same vendor, product and version.
# Behavior: three take each colon for the next attribute, so all that follow are out of place, and what is beyond the
#   last is dropped. npm's also makes spaces of the underscores in a version or update.
# Output:
#     cpe:2.3:a:net\:\:ping_external_project:net\:\:ping_external:0.11:*:*:*:*:perl:*:*
#       cpe: vendor net\:\:ping_external_project, product net\:\:ping_external, version 0.11
#       cpeparser: vendor net\, product \, version ping_external_project
#       cpe_utils: vendor net\, product \, version ping_external_project
#       tfv-cpe-parser: vendor net\, product \, version ping external project
#     cpe:2.3:a:vendor:product:1.2_3:update_1:*:*:*:*:*:*
#       cpe: vendor vendor, product product, version 1.2_3
#       cpeparser: vendor vendor, product product, version 1.2_3
#       cpe_utils: vendor vendor, product product, version 1.2_3
#       tfv-cpe-parser: vendor vendor, product product, version 1.2 3
# Why it matters: modules of Perl, Ruby and C++ have such names in NVD. Their findings are filed under a product that is
#   not there, with a version that is a word. Nothing is refused, though a name has eleven attributes and no more.
set -eu
packages="cpeparser==0.0.2 cpe_utils==0.1.0 cpe==1.3.1"
node_packages="@thefaultvault/tfv-cpe-parser@1.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/names" <<'END'
cpe:2.3:a:net\:\:ping_external_project:net\:\:ping_external:0.11:*:*:*:*:perl:*:*
cpe:2.3:a:vendor:product:1.2_3:update_1:*:*:*:*:*:*
END
cat >"$dir/read.py" <<'END'
import json
import sys

import cpe
import cpe_utils
import cpeparser

for name in sys.stdin.read().splitlines():
    by_cpe, by_utils = cpe.CPE(name), cpe_utils.CPE(name)
    by_parser = cpeparser.CpeParser().parser(name)
    print(json.dumps({
        "cpe": [*by_cpe.get_vendor(), *by_cpe.get_product(), *by_cpe.get_version()],
        "cpeparser": [by_parser["vendor"], by_parser["product"], by_parser["version"]],
        "cpe_utils": [by_utils.vendor, by_utils.product, by_utils.version],
    }))
END
cat >"$dir/read.cjs" <<'END'
const fs = require('fs');
const { CpeParser } = require('@thefaultvault/tfv-cpe-parser');

const [names, found] = process.argv.slice(2).map((file) => fs.readFileSync(file, 'utf8').trim().split('\n'));
names.forEach((name, i) => {
  const { vendor, product, version } = new CpeParser().parse(name);
  console.log(name);
  const all = { ...JSON.parse(found[i]), 'tfv-cpe-parser': [vendor, product, version] };
  for (const [reader, values] of Object.entries(all))
    console.log(`  ${reader}: vendor ${values[0]}, product ${values[1]}, version ${values[2]}`);
});
END
"$dir/bin/python" "$dir/read.py" <"$dir/names" >"$dir/found"
NODE_PATH="$dir/node_modules" node "$dir/read.cjs" "$dir/names" "$dir/found" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
