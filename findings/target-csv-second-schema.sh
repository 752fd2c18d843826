#!/bin/sh
# Library: meltanolabs-target-csv 0.5.0 with singer-sdk 0.54.9, of Meltano (PyPI)
# Summary: When a stream's schema changes while it is read, the file gets the new heading and keeps the old rows as
#   they were, so their scores stand under another column.
# Guess: the columns of the CSV are those of the SCHEMA message; a later SCHEMA with one more column adds it.
# Behavior: the file begins with the last schema's columns, and the rows that were written before keep those of theirs,
#   which are fewer and in other places. Nothing is said.
# Output:
#     id,epss,score,title
#     1,9.8,Log4Shell
#     2,5.3,Open port
#     3,0.97,7.5,Weak TLS
# Why it matters: a tap may send a new schema when it meets a field that it did not know. All that was read before then
#   has values under wrong headings: a score of 9.8 is a probability. Rows shorter than the heading give it away.
set -eu
packages="meltanolabs-target-csv==0.5.0 singer-sdk==0.54.9"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/messages" <<'END'
import json


def schema(**properties):
    properties = {name: {"type": ["null", kind]} for name, kind in properties.items()}
    message = {"type": "SCHEMA", "stream": "issues", "key_properties": ["id"]}
    print(json.dumps(message | {"schema": {"type": "object", "properties": properties}}))


def record(**fields):
    print(json.dumps({"type": "RECORD", "stream": "issues", "record": fields}))


schema(id="integer", score="number", title="string")
record(id=1, score=9.8, title="Log4Shell")
record(id=2, score=5.3, title="Open port")
schema(id="integer", epss="number", score="number", title="string")
record(id=3, epss=0.97, score=7.5, title="Weak TLS")
END
(cd "$dir" && bin/target-csv <messages >log 2>&1)
tr -d "\r" <"$dir/issues.csv" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
