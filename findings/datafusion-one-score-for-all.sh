#!/bin/sh
# Library: datafusion 55.0.0, Apache's own, of a Parquet file by duckdb 2.0.1, beside pyarrow 26.0.1 (PyPI)
# Summary: Of a Parquet file in which one row group has no statistics, as it has a NaN, and the others have one score
#   only, each row has that score: 2,047 of 5.3 and a NaN are read as 9.8.
# Guess: each library finds the same rows by a filter, whoever wrote the file and whatever the size of its row groups
#   is; and without a filter each reads the file's values.
# Behavior: DuckDB writes no lowest and highest value for a row group with a NaN, which Parquet allows. DataFusion takes
#   those of the other row groups for those of the file, and a column whose lowest and highest value are equal for a
#   constant, which it does not read. Nothing is said.
# Output:
#     row group 0 says of its scores: nothing
#     row group 1 says of its scores: 9.8 to 9.8
#     pyarrow: 1 of nan, 2047 of 5.3, 2048 of 9.8
#     datafusion: 4096 of 9.8
#     datafusion without statistics: 2047 of 5.3, 2048 of 9.8, 1 of nan
# Why it matters: a column that is sorted, or has one value in most rows, is usual: a score, a status as a number.
#   Counts, sums and single rows are wrong, and a copy of the table has lost what it held. Write NULL in place of NaN,
#   which is no score either; or set `datafusion.execution.collect_statistics` to false.
set -eu
packages="datafusion==55.0.0 duckdb==2.0.1 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/scores.parquet" >"$dir/output" <<'END'
import sys

import datafusion
import duckdb
from pyarrow import parquet

[_, path] = sys.argv
duckdb.execute(
    "COPY (SELECT range AS id, CASE WHEN range = 0 THEN 'NaN'::DOUBLE WHEN range < 2048 THEN 5.3 ELSE 9.8 END AS score"
    f" FROM range(4096)) TO '{path}' (ROW_GROUP_SIZE 2048)"
)
metadata = parquet.read_metadata(path)
for group in range(metadata.num_row_groups):
    statistics = metadata.row_group(group).column(1).statistics
    known = f"{statistics.min} to {statistics.max}" if statistics.has_min_max else "nothing"
    print(f"row group {group} says of its scores: {known}")


def by_datafusion(collect):
    config = datafusion.SessionConfig().set("datafusion.execution.collect_statistics", collect)
    context = datafusion.SessionContext(config)
    context.register_parquet("scores", path)
    table = context.sql("SELECT score, COUNT(*) AS n FROM scores GROUP BY score ORDER BY score").to_pydict()
    return dict(zip(table["score"], table["n"]))


def as_text(counts):
    return ", ".join(f"{n} of {score}" for score, n in counts.items())


counts = parquet.read_table(path)["score"].value_counts().to_pylist()
print("pyarrow:", as_text({count["values"]: count["counts"] for count in counts}))
print("datafusion:", as_text(by_datafusion("true")))
print("datafusion without statistics:", as_text(by_datafusion("false")))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
