#!/bin/sh
# Library: datafusion 55.0.0 beside duckdb 2.0.1 with pyarrow 26.0.1 (PyPI)
# Summary: Two INT columns of 1.5 billion bytes are -1,294,967,296 together, and twelve times in nanoseconds a
#   seventh of their sum, without an error.
# Guess: an integer overflow, of `+` and of `sum`, is an error.
# Behavior: `+`, `*` and `sum` begin again at the lowest number. A cast, a negation and `abs` that do not fit are
#   errors. `avg` is right, as it counts in floats. DuckDB widens the sum and refuses the rest.
# Output:
#     max(sent + received):
#       datafusion: -1294967296
#       duckdb: an error, overflow
#     sum(sent + received):
#       datafusion: -15539607552
#       duckdb: an error, overflow
#     sum(sent):
#       datafusion: 18000000000
#       duckdb: 18000000000
#     sum(nanoseconds):
#       datafusion: 3105649526290448384
#       duckdb: 21552393600000000000
#     avg(nanoseconds):
#       datafusion: 1.7960328e+18
#       duckdb: 1.7960328e+18
#     max(nanoseconds * 6):
#       datafusion: -7670547273709551616
#       duckdb: an error, overflow
#     CAST(max(nanoseconds) AS INT):
#       datafusion: an error, the cast
#       duckdb: an error, the cast
# Why it matters: columns of INT32 come from Parquet and Arrow, and times in nanoseconds are so large that six of them
#   do not fit into a sum. A total that is too large looks like a small one after two rounds. Cast to DECIMAL.
set -eu
packages="datafusion==55.0.0 duckdb==2.0.1 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datafusion
import duckdb
import pyarrow

traffic = pyarrow.table({
    "sent": pyarrow.array([1_500_000_000] * 12, pyarrow.int32()),
    "received": pyarrow.array([1_500_000_000] * 12, pyarrow.int32()),
    "nanoseconds": pyarrow.array([1_796_032_800_000_000_000] * 12, pyarrow.int64()),
})
context = datafusion.SessionContext()
context.from_arrow(traffic, name="traffic")
for expression in (
    "max(sent + received)", "sum(sent + received)", "sum(sent)", "sum(nanoseconds)", "avg(nanoseconds)",
    "max(nanoseconds * 6)", "CAST(max(nanoseconds) AS INT)",
):
    print(f"{expression}:")
    for name, run in {
        "datafusion": lambda query: context.sql(query).to_pydict()["x"][0],
        "duckdb": lambda query: duckdb.execute(query).fetchall()[0][0],
    }.items():
        try:
            print(f"  {name}: {run(f'SELECT {expression} AS x FROM traffic')}")
        except Exception as error:
            print(f"  {name}: an error, {'overflow' if 'verflow' in str(error) else 'the cast'}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
