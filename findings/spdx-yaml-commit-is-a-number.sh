#!/bin/sh
# Library: spdx-tools 0.8.5 (PyPI), SPDX's own, whose YAML is read by yaml 2.9.1 and js-yaml 5.5.0 (npm)
# Summary: In the YAML that it writes, a version 08 is 8 for JavaScript, and a short commit such as 1234e56 a number:
#   45 of 2,000 commits.
# Guess: the YAML that spdx-tools writes is the same document when read again, and npm's yaml reads it with the same
#   versions.
# Behavior: spdx-tools writes by YAML 1.1, in which 7e5 and 08 are text without quotes, and the others read by YAML
#   1.2, in which they are numbers. The other way the `created` that yaml writes is an error to spdx-tools.
# Output:
#     yaml: 1.10 8 700000 1.234e+59 Infinity
#       of 2,000 commits 45 are numbers, of which 18 are infinite
#     js-yaml: 1.10 8 700000 1.234e+59 71e4030
#       of 2,000 commits 27 are numbers, of which 0 are infinite
#     spdx-tools of own.spdx.yaml: 2005 packages
#     spdx-tools of yaml.spdx.yaml: 'Could not convert str to datetime, invalid type: datetime'
# Why it matters: an SBOM goes from Python to a page or a service in JavaScript, where some packages have another
#   version, or Infinity: none that an advisory names. Exchange SBOMs as JSON.
set -eu
packages="spdx-tools==0.8.5"
node_packages="yaml@2.9.1 js-yaml@5.5.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/write.py" <<'END'
import datetime
import hashlib
import sys

from spdx_tools.spdx.model import Actor, ActorType, CreationInfo, Document, Package, SpdxNone
from spdx_tools.spdx.writer.write_anything import write_file

versions = ["1.10", "08", "7e5", "1234e56", "71e4030"]
versions += [hashlib.sha1(str(i).encode()).hexdigest()[:7] for i in range(2000)]
created = datetime.datetime(2026, 11, 10, 12)
tool = Actor(ActorType.TOOL, "example-1.0")
info = CreationInfo(
    "SPDX-2.3", "SPDXRef-DOCUMENT", "app", "https://example.com/app-1", [tool], created
)
packages = [
    Package(f"SPDXRef-{i}", f"package-{i}", SpdxNone(), version=version, files_analyzed=False)
    for i, version in enumerate(versions)
]
write_file(Document(info, packages), sys.argv[1], validate=False)
END
cat >"$dir/read.mjs" <<'END'
import fs from 'node:fs';
import * as other from 'js-yaml';
import yaml from 'yaml';

const [from, to] = process.argv.slice(2);
const text = fs.readFileSync(from, 'utf8');
for (const [name, parse] of [['yaml', yaml.parse], ['js-yaml', other.load]]) {
  const versions = parse(text).packages.map(({ versionInfo }) => versionInfo);
  const numbers = versions.slice(5).filter((version) => typeof version === 'number');
  const infinite = numbers.filter((number) => number === Infinity);
  console.log(`${name}:`, ...versions.slice(0, 5));
  console.log(`  of 2,000 commits ${numbers.length} are numbers, of which ${infinite.length} are infinite`);
}
fs.writeFileSync(to, yaml.stringify(yaml.parse(text)));
END
cat >"$dir/read.py" <<'END'
import sys

from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.parse_anything import parse_file

for file in sys.argv[1:]:
    try:
        print(f"spdx-tools of {file.split('/')[-1]}: {len(parse_file(file).packages)} packages")
    except SPDXParsingError as error:
        [message, *_] = error.get_messages()
        print(f"spdx-tools of {file.split('/')[-1]}: {message.partition('[')[2].strip(']')}")
END
"$dir/bin/python" "$dir/write.py" "$dir/own.spdx.yaml"
node "$dir/read.mjs" "$dir/own.spdx.yaml" "$dir/yaml.spdx.yaml" >"$dir/output"
"$dir/bin/python" "$dir/read.py" "$dir/own.spdx.yaml" "$dir/yaml.spdx.yaml" >>"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
