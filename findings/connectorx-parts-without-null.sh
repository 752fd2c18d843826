#!/bin/sh
# Library: connectorx 0.4.6 with pandas 3.1.1, pyarrow 26.0.1 (PyPI), and polars 2.1.0, which reads by it
# Summary: Read in parts, rows whose column of partition is NULL are lost in Arrow and polars, and in pandas they are
#   rows of zeros that the table does not have.
# Guess: with `partition_on` a column that has NULLs, all rows come, also those with NULL.
# Behavior: the parts are ranges of the column, from its lowest to its highest value, and NULL is in none of them. For
#   pandas the rows are counted before, with those of NULL, and what has not come is left as zeros and "0". So it is
#   with one part, too.
# Output:
#     as one
#       connectorx, pandas: [1, 2, 3, 4, 5]
#       connectorx, arrow: [1, 2, 3, 4, 5]
#       connectorx, polars: [1, 2, 3, 4, 5]
#       polars.read_database_uri: [1, 2, 3, 4, 5]
#     1 parts
#       connectorx, pandas: [0, 0, 1, 4, 5]
#       connectorx, arrow: [1, 4, 5]
#       connectorx, polars: [1, 4, 5]
#       polars.read_database_uri: [1, 4, 5]
#     3 parts
#       connectorx, pandas: [0, 0, 1, 4, 5]
#       connectorx, arrow: [1, 4, 5]
#       connectorx, polars: [1, 4, 5]
#       polars.read_database_uri: [1, 4, 5]
# Why it matters: a finding without a due date, an owner or a fix is NULL there, and such findings are exactly those
#   that are lost or become rows with id 0. Partition by a key that is never NULL, and count.
set -eu
packages="connectorx==0.4.6 pandas==3.1.1 pyarrow==26.0.1 polars==2.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/findings.db" >"$dir/output" <<'END'
import sqlite3
import sys

import connectorx
import polars

connection = sqlite3.connect(sys.argv[1])
connection.execute("CREATE TABLE findings (id INTEGER, days_left INTEGER)")
connection.executemany("INSERT INTO findings VALUES (?, ?)", [(1, 10), (2, None), (3, None), (4, 40), (5, 50)])
connection.commit()
database, query = f"sqlite://{sys.argv[1]}", "SELECT * FROM findings"
for parts in None, 1, 3:
    how = {"partition_on": "days_left", "partition_num": parts} if parts else {}
    print(f"{parts} parts" if parts else "as one")
    for kind in "pandas", "arrow", "polars":
        ids = connectorx.read_sql(database, query, return_type=kind, **how)["id"]
        print(f"  connectorx, {kind}:", sorted(ids.to_pylist() if kind == "arrow" else ids.to_list()))
    print("  polars.read_database_uri:", sorted(polars.read_database_uri(query, database, **how)["id"].to_list()))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
