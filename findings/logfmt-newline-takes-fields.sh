#!/bin/sh
# Library: logfmter 0.0.12 and logfmt 0.4 (PyPI), and logfmt 1.4.0 (npm)
# Summary: A log line with an escaped newline or tab in a field comes back without the fields behind it in Python, and
#   with an "n" in place of the newline in JavaScript; a field that is null is true.
# Guess: what logfmter writes, both read as it was written: null, "", 1.10, true, a quote, a newline and an = sign.
# Behavior: logfmter writes a newline as `\n` within quotes, as JSON does. The reader of npm drops each backslash, so it
#   has "n". That of PyPI does so too, and goes on to the next quote, so fields behind it are part of the value; an
#   empty field is true.
# Output:
#     path=C:\new id=7
#       Python {"path": "C:\\new", "id": "7"}
#       JavaScript {"path":"C:new","id":"7"}
#     error="line 1\nline 2" severity=high id=7
#       Python {"error": true}
#       JavaScript {"error":"line 1nline 2","severity":"high","id":"7"}
#     error="a\tb" query="a=b" id=7
#       Python {"error": "atb\" query=", "a": "b", "id": "7"}
#       JavaScript {"error":"atb","query":"a=b","id":"7"}
#     owner= note= id=7
#       Python {"owner": true, "note": true, "id": "7"}
#       JavaScript {"owner":null,"note":null,"id":"7"}
# Why it matters: the message of an error has newlines, and of such a line severity, host and id are gone or part of the
#   message, so a filter by them finds the lines without errors. Log JSON.
set -eu
packages="logfmter==0.0.12 logfmt==0.4"
node_packages="logfmt@1.4.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/write.py" <<'END'
import logging

from logfmter import Logfmter

handler = logging.StreamHandler()
handler.setFormatter(Logfmter(keys=[]))
logger = logging.getLogger("scanner")
logger.addHandler(handler)
for fields in (
    {"path": "C:\\new", "id": 7},
    {"error": "line 1\nline 2", "severity": "high", "id": 7},
    {"error": "a\tb", "query": "a=b", "id": 7},
    {"owner": None, "note": "", "id": 7},
):
    logger.warning(fields)
END
"$dir/bin/python" "$dir/write.py" 2>"$dir/lines"
cat >"$dir/read.py" <<'END'
import json
import sys

import logfmt

for line in open(sys.argv[1]):
    print(json.dumps(next(logfmt.parse([line]))))
END
cat >"$dir/read.cjs" <<'END'
const fs = require('fs');
const logfmt = require('logfmt');

const [lines, found] = process.argv.slice(2).map((file) => fs.readFileSync(file, 'utf8').trim().split('\n'));
lines.forEach((line, i) => {
  console.log(`${line}\n  Python ${found[i]}\n  JavaScript ${JSON.stringify(logfmt.parse(line))}`);
});
END
"$dir/bin/python" "$dir/read.py" "$dir/lines" >"$dir/found"
NODE_PATH="$dir/node_modules" node "$dir/read.cjs" "$dir/lines" "$dir/found" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
