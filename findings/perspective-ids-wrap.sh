#!/bin/sh
# Library: perspective-python 5.6.1, of the Perspective data grid (PyPI)
# Summary: A table of rows whose ids are small has a column of 32 bits: of later rows, 3,000,000,000 becomes
#   -1,294,967,296 and 9,007,199,254,740,993 becomes 1, without an error.
# Guess: a column of integers that is made from small numbers keeps later ids exact, or raises.
# Behavior: the type "integer" has 32 bits. It is what the first rows are given, and what a schema gets that says
#   integer; only an Arrow table brings 64 bits. What does not fit wraps, and text is cut where it stops to be a number.
# Output:
#     from rows, then an update: 1, -1294967296, 1
#     from a schema: 1, -1294967296, 1
#     from Arrow: 1, 3000000000, 9007199254740993
#     by an index on the id: another
#     scores "7.5", "7,5" and "9 of 10": 7.5, 7.0, 9.0
# Why it matters: the table is filled as rows arrive, with an index on the id: two findings become one row, or one row's
#   link leads to another finding. Give ids as text, or load the first rows as Arrow.
set -eu
packages="perspective-python==5.6.1 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json

import perspective
import pyarrow

client = perspective.Server().new_local_client()


def show(said, table, column):
    values = [row[column] for row in json.loads(table.view().to_json_string())]
    print(f"{said}: {', '.join(map(str, values))}")


ids = [1, 3_000_000_000, 9_007_199_254_740_993]
table = client.table([{"id": ids[0]}])
table.update([{"id": i} for i in ids[1:]])
show("from rows, then an update", table, "id")

table = client.table({"id": "integer"})
table.update([{"id": i} for i in ids])
show("from a schema", table, "id")

sink = pyarrow.BufferOutputStream()
with pyarrow.ipc.new_stream(sink, pyarrow.schema({"id": pyarrow.int64()})) as stream:
    stream.write_table(pyarrow.table({"id": ids}))
show("from Arrow", client.table(sink.getvalue().to_pybytes()), "id")

table = client.table([{"id": ids[0], "title": "first"}], index="id")
table.update([{"id": ids[2], "title": "another"}])
show("by an index on the id", table, "title")

table = client.table({"score": "float"})
table.update([{"score": "7.5"}, {"score": "7,5"}, {"score": "9 of 10"}])
show('scores "7.5", "7,5" and "9 of 10"', table, "score")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
