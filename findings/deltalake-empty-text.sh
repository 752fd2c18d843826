#!/bin/sh
# Library: deltalake 1.6.6 beside polars 2.1.0 (PyPI)
# Summary: Of a partition whose text is empty, one way of reading has '' and the other NULL; after
#   `optimize.compact()` it is NULL for all.
# Guess: an empty text in a column that partitions a table stays an empty text; all ways to read one version agree,
#   and compaction changes no value.
# Behavior: '' and NULL are two partitions when they are written. `to_pyarrow_table` reads both as NULL; deltalake's
#   SQL and polars tell them apart. Compaction takes both for NULL, puts them into one file, and what was empty is
#   NULL from then on.
# Output:
#     as it is written
#       QueryBuilder: '' 1, 'prod' 1, None 1
#       to_pyarrow_table: '' 0, 'prod' 1, None 2
#       polars.read_delta: '' 1, 'prod' 1, None 1
#     compact(): 2 files become 1
#     after compaction
#       QueryBuilder: '' 0, 'prod' 1, None 2
#       to_pyarrow_table: '' 0, 'prod' 1, None 2
#       polars.read_delta: '' 0, 'prod' 1, None 2
# Why it matters: findings of hosts with an empty environment are counted by `env = ''` or are not, depending on the
#   reader, and after a nightly compaction they never are. Write a word for what is empty.
set -eu
packages="deltalake==1.6.6 polars==2.1.0 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import collections
import tempfile

import polars
import pyarrow
from deltalake import DeltaTable, QueryBuilder, write_deltalake

found = pyarrow.table({"issue_id": [1, 2, 3], "env": ["", "prod", None]})
with tempfile.TemporaryDirectory() as folder:
    write_deltalake(folder, found, partition_by=["env"])
    for when in ("as it is written", "after compaction"):
        print(when)
        table = DeltaTable(folder)
        rows = QueryBuilder().register("found", table).execute("SELECT env FROM found").read_all()
        readers = {
            "QueryBuilder": pyarrow.table(rows),
            "to_pyarrow_table": table.to_pyarrow_table(columns=["env"]),
            "polars.read_delta": polars.read_delta(folder).select("env").to_arrow(),
        }
        for name, rows in readers.items():
            count = collections.Counter(rows["env"].to_pylist())
            print(f"  {name}:", ", ".join(f"{value!r} {count[value]}" for value in ("", "prod", None)))
        done = table.optimize.compact()
        if when == "as it is written":
            print(f"compact(): {done['numFilesRemoved']} files become {done['numFilesAdded']}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
