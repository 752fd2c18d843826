#!/bin/sh
# Library: bigquery-schema-generator 1.6.1 (PyPI)
# Summary: Text in quotes is a number or a truth if it looks like one, so ids such as "0443" are INTEGER and versions
#   such as "1.10" FLOAT, until a page has one that does not.
# Guess: JSON strings "0443", "1.10" and "true" stay STRING as they are in quotes, and integers beyond INT64 become
#   NUMERIC, BIGNUMERIC or STRING.
# Behavior: all text is read for its type. `quoted_values_are_strings` is False by default, for JSON too. Integers
#   beyond INT64 are FLOAT, which has 53 bits. A type that was deduced becomes STRING once another text is there.
# Output:
#     first page: count FLOAT, hash FLOAT, id INTEGER, note BOOLEAN, version FLOAT; 0 errors
#     first page, quoted are strings: count FLOAT, hash STRING, id STRING, note STRING, version STRING; 0 errors
#     and one more: count FLOAT, hash STRING, id STRING, note STRING, version STRING; 0 errors
#     and one more, quoted are strings: count FLOAT, hash STRING, id STRING, note STRING, version STRING; 0 errors
# Why it matters: a table made from the first page has 443 for 0443 and 1.1 for 1.10, which is another version, and the
#   next page does not fit into it. Set `quoted_values_are_strings`, or write the schema.
set -eu
packages="bigquery-schema-generator==1.6.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from bigquery_schema_generator.generate_schema import SchemaGenerator

for name, rows in {
    "first page": [{"id": "0443", "version": "1.10", "hash": "12e3", "note": "true", "count": 2**63}],
    "and one more": [
        {"id": "0443", "version": "1.10", "hash": "12e3", "note": "true", "count": 2**63},
        {"id": "x443", "version": "1.10.1", "hash": "12ab", "note": "soon", "count": 1},
    ],
}.items():
    for setting in {}, {"quoted_values_are_strings": True}:
        generator = SchemaGenerator(input_format="dict", **setting)
        columns, errors = generator.deduce_schema(rows)
        types = ", ".join(f"{column['name']} {column['type']}" for column in generator.flatten_schema(columns))
        print(f"{name}{', quoted are strings' if setting else ''}: {types}; {len(errors)} errors")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
