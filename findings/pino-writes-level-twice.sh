#!/bin/sh
# Library: pino 10.4.0 (npm), read by duckdb 2.0.1, polars 2.1.0, pyarrow 26.0.1 and Python's json
# Summary: A field called level, msg or host that is given twice stands twice in the JSON line, and one line is of
#   severity 30 for duckdb's functions and "critical" for Python.
# Guess: a field level, msg or time in the object of a log call does not come out as a second key of the line.
# Behavior: pino writes its own fields, those of the child logger and those of the call one behind the other, and looks
#   for no name that is there. What a reader makes of it is its own decision: the first, the last, or an error.
# Output:
#     {"level":30,"host":"scanner","level":"critical","host":"web","msg":"Log4Shell","msg":"found"}
#     Python: critical, web, found
#     duckdb's functions: 30, scanner, Log4Shell
#     duckdb's read_json: InvalidInputException
#     polars: 30, scanner, Log4Shell
#     pyarrow: ArrowInvalid
# Why it matters: findings have a level and a host, and alerts count lines by them. A pipeline that reads the same file
#   by two tools counts different ones. Give such fields an object of their own: `nestedKey`.
set -eu
packages="duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1"
node_packages="pino@10.4.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/log.cjs" <<'END'
const pino = require('pino');

const logger = pino({ base: null, timestamp: false }).child({ host: 'scanner' });
logger.info({ level: 'critical', host: 'web', msg: 'Log4Shell' }, 'found');
END
NODE_PATH="$dir/node_modules" node "$dir/log.cjs" >"$dir/lines.jsonl"
"$dir/bin/python" - "$dir/lines.jsonl" >"$dir/output" <<'END'
import json
import sys

import duckdb
import polars
import pyarrow.json

[_, path] = sys.argv
line = open(path).read().strip()
print(line)
fields = ("level", "host", "msg")
paths = ", ".join(f"'{line}'::JSON ->> '{field}'" for field in fields)
for name, read in {
    "Python": lambda: [json.loads(line)[field] for field in fields],
    "duckdb's functions": lambda: duckdb.sql(f"SELECT {paths}").fetchall()[0],
    "duckdb's read_json": lambda: duckdb.sql(f"SELECT {', '.join(fields)} FROM '{path}'").fetchall()[0],
    "polars": lambda: polars.read_ndjson(path).select(fields).row(0),
    "pyarrow": lambda: [pyarrow.json.read_json(path)[field][0].as_py() for field in fields],
}.items():
    try:
        print(f"{name}: {', '.join(map(str, read()))}")
    except Exception as error:
        print(f"{name}: {type(error).__name__}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
