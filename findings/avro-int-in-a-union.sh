#!/bin/sh
# Library: fastavro 1.13.1 and avro 1.12.2 (PyPI)
# Summary: An int in a union of double and long is written as the first of them by fastavro and as the last by avro, so
#   ids lose digits in either order.
# Guess: an int goes into the branch for ints, wherever in the union that is.
# Behavior: both take a branch into which the value fits, and an int fits into a double: fastavro the first such
#   branch, avro, Apache's own, the last. An id beyond 2**53 comes back as another number, without an error.
# Output:
#     null, double, long
#       9007199254740993: fastavro 9007199254740992.0, avro 9007199254740993
#       7: fastavro 7.0, avro 7
#       7.5: fastavro 7.5, avro 7.5
#     null, long, double
#       9007199254740993: fastavro 9007199254740993, avro 9007199254740992.0
#       7: fastavro 7, avro 7.0
#       7.5: fastavro 7.5, avro 7.5
# Why it matters: a file for BigQuery's load jobs has another id for a finding than the scanner, and no order of the
#   union suits both libraries. Give ids a type of their own, without a double beside it.
set -eu
packages="fastavro==1.13.1 avro==1.12.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import io
import json

import avro.io
import avro.schema
import fastavro


def by_fastavro(schema, record):
    file = io.BytesIO()
    fastavro.schemaless_writer(file, schema, record)
    file.seek(0)
    return fastavro.schemaless_reader(file, schema)


def by_avro(schema, record):
    schema = avro.schema.parse(json.dumps(schema))
    file = io.BytesIO()
    avro.io.DatumWriter(schema).write(record, avro.io.BinaryEncoder(file))
    file.seek(0)
    return avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(file))


for union in (["null", "double", "long"], ["null", "long", "double"]):
    schema = {"type": "record", "name": "finding", "fields": [{"name": "id", "type": union}]}
    print(", ".join(union))
    for value in (2**53 + 1, 7, 7.5):
        read = {"fastavro": by_fastavro(schema, {"id": value}), "avro": by_avro(schema, {"id": value})}
        print(f"  {value}:", ", ".join(f"{name} {record['id']}" for name, record in read.items()))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
