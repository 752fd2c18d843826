#!/bin/sh
# Library: polars 2.1.0, duckdb 2.0.1, pandas 3.1.1, pyarrow 26.0.1 (PyPI)
# Summary: A field that no row has before the 101st is left out by polars without an error, of JSON lines and of
#   dicts.
# Guess: each field becomes a column, or one that comes late is an error.
# Behavior: polars takes the columns from the first 100 rows, and drops what is named otherwise in later ones. A late
#   value of another type, on the other hand, is an error. DuckDB looks at 20,480 rows and refuses the file; pandas
#   and pyarrow have the column.
# Output:
#     in row 100
#       polars of JSON: id, known_exploited
#       polars of dicts: id, known_exploited
#       duckdb: id, known_exploited
#       pandas: id, known_exploited
#       pyarrow: id, known_exploited
#     in row 101
#       polars of JSON: id
#       polars of dicts: id
#       duckdb: id, known_exploited
#       pandas: id, known_exploited
#       pyarrow: id, known_exploited
#     in row 20,481
#       polars of JSON: id
#       polars of dicts: id
#       duckdb: error: unknown key "known_exploited"
#       pandas: id, known_exploited
#       pyarrow: id, known_exploited
# Why it matters: the listing of a scanner has `fixed_on` or `known_exploited` for few findings. Whether the column
#   exists depends on the order of the rows, and code that asks for it conditionally finds nothing to report. Set
#   `infer_schema_length=None`, or give the schema.
set -eu
packages="polars==2.1.0 duckdb==2.0.1 pandas==3.1.1 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import os
import tempfile

import duckdb
import pandas
import polars
from pyarrow import json as arrow


def of_duckdb(path):
    try:
        return duckdb.connect().execute(f"CREATE TABLE found AS FROM '{path}'").execute("FROM found").df()
    except duckdb.InvalidInputException as error:
        return "error: " + str(error).split("has ")[1].split("\n")[0]


for count in (99, 100, 20_480):
    rows = [{"id": number} for number in range(count)] + [{"id": count, "known_exploited": True}]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.jsonl")
        with open(path, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        print(f"in row {count + 1:,}")
        for name, table in (
            ("polars of JSON", polars.read_ndjson(path)), ("polars of dicts", polars.DataFrame(rows)),
            ("duckdb", of_duckdb(path)), ("pandas", pandas.read_json(path, lines=True)),
            ("pyarrow", arrow.read_json(path).to_pandas()),
        ):
            print(f"  {name}:", table if isinstance(table, str) else ", ".join(table.columns))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
