#!/bin/sh
# Library: sqlmesh 0.236.4 with duckdb 1.5.6 (PyPI), its table_diff
# Summary: Two tables whose EPSS probabilities are 0.0004 and 0.0001 match by 100%, rows without a key are in no count,
#   and a key that comes twice counts as two times two rows.
# Guess: columns of floats are compared exactly, keys that are NULL match each other, and a key that comes twice is
#   reported.
# Behavior: floats and decimals are cast to three decimals by default. NULL keys are in neither count, only in
#   `null_grain_count`. Rows are counted after the join, so the table with two rows of one key has four.
# Output:
#     floats: epss matches by 100%, 2 and 2 rows, 2 the same
#     floats, 6 decimals: epss matches by 0%, 2 and 2 rows, 0 the same
#     decimals: epss matches by 100%, 1 and 1 rows, 1 the same
#     a key that is NULL: epss matches by 100%, 1 and 1 rows, 1 the same
#     a key twice: epss matches by 50%, 4 and 4 rows, 2 the same
# Why it matters: it is how a change of a model is approved. Most EPSS values are so small that
#   all of them may change and the columns still match. Give `decimals`, and test keys for NULL and uniqueness first.
set -eu
packages="sqlmesh==0.236.4 duckdb==1.5.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/diff.py" <<'END'
from sqlmesh import Context
from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig

connection = DuckDBConnectionConfig(database="findings.db")
context = Context(paths=".", config=Config(
    gateways={"local": GatewayConfig(connection=connection)}, model_defaults=ModelDefaultsConfig(dialect="duckdb"),
))
for name, old, new, settings in (
    ("floats", "(1, 0.0004::DOUBLE), (2, 0.0002)", "(1, 0.0001::DOUBLE), (2, 0.0003)", {}),
    ("floats, 6 decimals", "(1, 0.0004::DOUBLE), (2, 0.0002)", "(1, 0.0001::DOUBLE), (2, 0.0003)", {"decimals": 6}),
    ("decimals", "(1, 0.000400)", "(1, 0.000100)", {}),
    ("a key that is NULL", "(1, 1), (NULL, 1)", "(1, 1), (NULL, 2)", {}),
    ("a key twice", "(1, 1), (1, 2)", "(1, 1), (1, 2)", {}),
):
    for table, rows in ("old", old), ("new", new):
        context.engine_adapter.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM (VALUES {rows}) t (id, epss)")
    difference = context.table_diff(source="old", target="new", on=["id"], show=False, **settings)[0].row_diff()
    matched = difference.column_stats["pct_match"]["epss"]
    print(f"{name}: epss matches by {matched:.0f}%, {difference.source_count} and {difference.target_count} rows, "
          f"{difference.full_match_count} the same")
END
(cd "$dir" && bin/python diff.py) >"$dir/output" 2>"$dir/log"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
