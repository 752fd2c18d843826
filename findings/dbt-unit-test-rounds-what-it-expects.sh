#!/bin/sh
# Library: dbt-core 1.11.16 with dbt-duckdb 1.11.1 and duckdb 2.0.1 (PyPI)
# Summary: A unit test that expects a score of 7.6 passes where the model gives 8, and one that expects 2 passes where
#   it gives true.
# Guess: a unit test compares what the model gives with what is written in its YAML, so 7.6 is not 8.
# Behavior: each value that is expected or given is cast to the type of the column first. 7.6 becomes the integer 8,
#   7.54 the decimal 7.5, and an id of 1.6 is given to the model as 2. Of a float it is not, and the test fails.
# Output:
#     given {'id': 1, 'score': 7.5}, expected {'whole': 8}: pass
#     given {'id': 1, 'score': 7.5}, expected {'whole': 7.6}: pass
#     given {'id': 1, 'score': 7.5}, expected {'whole': 8.4}: pass
#     given {'id': 1, 'score': 7.5}, expected {'whole': 7}: fail
#     given {'id': 1, 'score': 7.5}, expected {'one_place': 7.54}: pass
#     given {'id': 1, 'score': 7.5}, expected {'score': 7.54}: fail
#     given {'id': 1, 'score': 7.5}, expected {'is_high': 2}: pass
#     given {'id': 1.6, 'score': 7.5}, expected {'id': 2}: pass
# Why it matters: a model that rounds scores, or has them as integers since a column upstream changed its type, passes
#   the test that was written to find just that. Test types by a contract, and give values that no cast can change.
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
import json
import os
import pathlib
import tempfile

from dbt.cli.main import dbtRunner

os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
root = pathlib.Path(tempfile.mkdtemp())
os.chdir(root)
(root / "models").mkdir()
(root / "dbt_project.yml").write_text("{name: p, version: '1.0', profile: p}")
(root / "profiles.yml").write_text("p: {target: t, outputs: {t: {type: duckdb, path: p.duckdb}}}")
(root / "models" / "scan.sql").write_text("select 1 as id, 7.5::double as score")
(root / "models" / "report.sql").write_text(
    "select id, round(score)::integer as whole, score::decimal(4, 1) as one_place, score, score > 7 as is_high "
    "from {{ ref('scan') }}"
)
TESTS = [({"id": 1, "score": 7.5}, expected) for expected in (
    {"whole": 8}, {"whole": 7.6}, {"whole": 8.4}, {"whole": 7}, {"one_place": 7.54}, {"score": 7.54}, {"is_high": 2},
)] + [({"id": 1.6, "score": 7.5}, {"id": 2})]
(root / "models" / "tests.yml").write_text(json.dumps({"unit_tests": [
    {"name": f"test_{number}", "model": "report", "given": [{"input": "ref('scan')", "rows": [given]}],
     "expect": {"rows": [expected]}} for number, (given, expected) in enumerate(TESTS)
]}))
with contextlib.redirect_stdout(io.StringIO()):
    dbtRunner().invoke(["--quiet", "run"])
    results = dbtRunner().invoke(["--quiet", "test"]).result.results
status = {result.node.name: result.status.value for result in results}
for number, (given, expected) in enumerate(TESTS):
    print(f"given {given}, expected {expected}:", status[f"test_{number}"])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
