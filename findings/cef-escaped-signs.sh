#!/bin/sh
# Library: pycef 1.11 (PyPI) and nsyslog-parser 0.10.1 (npm), readers of CEF
# Summary: Neither takes CEF's escapes away: a link with `\=` keeps the backslash or ends at it, and a name with `\|`
#   is lost with the severity.
# Guess: a pipe in the head and an equals sign in a value, escaped as CEF says, come back as they were.
# Behavior: pycef leaves each backslash in a value and splits the head at escaped pipes too, after which the rest of
#   it is a field's name; of two fields with one label it keeps the later. nsyslog-parser ends a value at its escaped
#   equals sign, or makes a field with the name of a backslash.
# Output:
#     pycef: name 'Flaw', severity 8, fields request=https://a.example/?id\=1; CVE=CVE-2026-0001
#     pycef: name '', severity None, fields b|8|src=10.0.0.1
#     pycef: name 'Flaw', severity 8, fields msg=id \= 1; tag=db
#     pycef: name 'Old file', severity 3, fields filePath=C:\\temp\\new.txt
#     nsyslog-parser: name 'Flaw', severity 8, fields request=https://a.example/?id\; cs1Label=CVE; cs1=CVE-2026-0001
#     nsyslog-parser: name 'input a \| b', severity 8, fields src=10.0.0.1
#     nsyslog-parser: name 'Flaw', severity 8, fields cs1Label=tag; cs1=web; cs2Label=tag; cs2=db; msg=id; \= 1
#     nsyslog-parser: name 'Old file', severity 3, fields filePath=C:\\temp\\new.txt
# Why it matters: each link with a query has an equals sign, so no URL of a finding is the one that the scanner sent,
#   and a finding whose name has a pipe has no severity. Take the escapes away before values are compared.
set -eu
packages="pycef==1.11"
node_packages="nsyslog-parser@0.10.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/events" <<'END'
CEF:0|Scanner|Web|1.0|100|Flaw|8|request=https://a.example/?id\=1 cs1Label=CVE cs1=CVE-2026-0001
CEF:0|Scanner|Web|1.0|100|input a \| b|8|src=10.0.0.1
CEF:0|Scanner|Web|1.0|100|Flaw|8|cs1Label=tag cs1=web cs2Label=tag cs2=db msg=id \= 1
CEF:0|Scanner|Web|1.0|100|Old file|3|filePath=C:\\temp\\new.txt
END
"$dir/bin/python" - "$dir/events" >"$dir/output" <<'END'
import sys

import pycef

HEAD = {"CEFVersion", "Name", "Severity"}
HEAD |= {"DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "DeviceName", "DeviceSeverity"}
for line in open(sys.argv[1]):
    read = pycef.parse(line.rstrip())
    values = [f"{name}={value}" for name, value in read.items() if name not in HEAD]
    print(f"pycef: name {read['Name']!r}, severity {read.get('Severity')}, fields", "; ".join(values))
END
(cd "$dir" && node -) >>"$dir/output" <<'END'
const parse = require('nsyslog-parser');
for (const line of require('fs').readFileSync('events', 'utf8').trim().split('\n')) {
  const { cef, fields } = parse(`<134>Nov 10 12:00:00 scanner ${line}`);
  const values = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  console.log(`nsyslog-parser: name '${cef.name}', severity ${cef.severity}, fields`, values.join('; '));
}
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
