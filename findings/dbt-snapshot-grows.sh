#!/bin/sh
# Library: dbt-core 1.11.16 with dbt-duckdb 1.11.1 and duckdb 2.0.1 (PyPI)
# Summary: A key that comes twice with other values, or is NULL, gets new versions in a snapshot with each run, though
#   nothing changes, and the run succeeds.
# Guess: a key that comes twice is an error, or two rows that stay as they are while the source does.
# Behavior: by the strategy check, each of two rows is compared with the current version of the other, so both are
#   closed and added again. A NULL equals no key, so it is gone and new in each run. By the strategy timestamp two rows
#   stay two.
# Output:
#     run 1: success
#       by_check: id 1 has 1 versions, 0 closed, id 3 has 2 versions, 0 closed, id None has 1 versions, 0 closed
#       by_time: id 1 has 1 versions, 0 closed, id 3 has 2 versions, 0 closed, id None has 1 versions, 0 closed
#     run 2: success
#       by_check: id 1 has 1 versions, 0 closed, id 3 has 4 versions, 2 closed, id None has 2 versions, 1 closed
#       by_time: id 1 has 1 versions, 0 closed, id 3 has 2 versions, 0 closed, id None has 2 versions, 1 closed
#     run 3: success
#       by_check: id 1 has 1 versions, 0 closed, id 3 has 6 versions, 4 closed, id None has 3 versions, 2 closed
#       by_time: id 1 has 1 versions, 0 closed, id 3 has 2 versions, 0 closed, id None has 3 versions, 2 closed
#     run 4: success
#       by_check: id 1 has 1 versions, 0 closed, id 3 has 8 versions, 6 closed, id None has 4 versions, 3 closed
#       by_time: id 1 has 1 versions, 0 closed, id 3 has 2 versions, 0 closed, id None has 4 versions, 3 closed
# Why it matters: the history says that a severity changed with each run, and times between changes are times between
#   runs. Test `unique` and `not_null` on what is snapshotted, before it is.
set -eu
packages="dbt-core==1.11.16 dbt-duckdb==1.11.1 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g; s/dbt-core/&<1.12/')  # 1.12 needs more than PyPI
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import contextlib
import io
import os
import pathlib
import tempfile

import duckdb
from dbt.cli.main import dbtRunner

os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
root = pathlib.Path(tempfile.mkdtemp())
os.chdir(root)
(root / "snapshots").mkdir()
(root / "dbt_project.yml").write_text("{name: p, version: '1.0', profile: p}")
(root / "profiles.yml").write_text("p: {target: t, outputs: {t: {type: duckdb, path: p.duckdb}}}")
STRATEGIES = {
    "by_check": "strategy='check', check_cols=['severity']", "by_time": "strategy='timestamp', updated_at='seen'",
}
for name, strategy in STRATEGIES.items():
    (root / "snapshots" / f"{name}.sql").write_text(
        f"{{% snapshot {name} %}}"
        f"{{{{ config(target_schema='main', unique_key='id', hard_deletes='invalidate', {strategy}) }}}}"
        "select * from found {% endsnapshot %}"
    )
with duckdb.connect("p.duckdb") as connection:
    connection.execute("""
        CREATE TABLE found AS FROM (VALUES
            (1, 'high', TIMESTAMP '2026-11-01'), (3, 'high', TIMESTAMP '2026-11-01'),
            (3, 'low', TIMESTAMP '2026-11-01'), (NULL, 'low', TIMESTAMP '2026-11-01')
        ) AS rows (id, severity, seen)
    """)
for run in (1, 2, 3, 4):
    with contextlib.redirect_stdout(io.StringIO()):
        succeeded = dbtRunner().invoke(["--quiet", "snapshot"]).success
    print(f"run {run}:", "success" if succeeded else "failure")
    with duckdb.connect("p.duckdb") as connection:
        for name in STRATEGIES:
            counts = f"SELECT id, count(*), count(dbt_valid_to) FROM {name} GROUP BY id ORDER BY id"
            rows = connection.execute(counts).fetchall()
            print(f"  {name}:", ", ".join(f"id {key} has {n} versions, {closed} closed" for key, n, closed in rows))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
