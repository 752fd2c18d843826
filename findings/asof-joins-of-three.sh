#!/bin/sh
# Library: pandas 3.1.1, polars 2.1.0 and duckdb 2.0.1 (PyPI)
# Summary: Joined as of a day, of two scores of one time duckdb takes the first and the others the last; hosts that are
#   NULL match in pandas alone; of two that are as near, pandas has the earlier and polars the later.
# Guess: of two rows of one time on the right, pandas merge_asof, polars join_asof and DuckDB's ASOF JOIN take the last
#   one, and NULL as the key of "by" is no match.
# Behavior: pandas and polars take the row that stands last, duckdb the one that stands first. NULL matches NULL in
#   pandas alone. `nearest`, which duckdb has not, goes back in pandas and forward in polars when both are as far away.
# Output:
#     two of one time: pandas second, polars second, duckdb first
#     NULL as a key: pandas another without a host, polars none, duckdb none
#     as near: pandas the day before, polars the day after, duckdb not there
# Why it matters: the score of a CVE on a day, or the owner of a host at the time of a finding, is joined so. What was
#   corrected at the same time is taken or not, and rows without a key get each other's values. Make keys unique first.
set -eu
packages="pandas==3.1.1 polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" -W ignore - >"$dir/output" <<'END'
from datetime import datetime

import duckdb
import pandas
import polars

CASES = {
    "two of one time": (
        [(10, "web")],
        [(9, "web", "first"), (9, "web", "second")],
    ),
    "NULL as a key": (
        [(10, None)],
        [(9, None, "another without a host")],
    ),
    "as near": (
        [(10, "web")],
        [(9, "web", "the day before"), (11, "web", "the day after")],
    ),
}
for name, (left, right) in CASES.items():
    lefts = {"day": [datetime(2026, 11, day) for day, _ in left], "host": [host for _, host in left]}
    rights = {
        "day": [datetime(2026, 11, day) for day, _, _ in right],
        "host": [host for _, host, _ in right],
        "score": [score for _, _, score in right],
    }
    way = "nearest" if name == "as near" else "backward"
    by_pandas = pandas.merge_asof(
        pandas.DataFrame(lefts), pandas.DataFrame(rights), on="day", by="host", direction=way
    )["score"]
    schema = {"day": polars.Datetime, "host": polars.String}
    findings = polars.DataFrame(lefts, schema)
    scores = polars.DataFrame(rights, schema | {"score": polars.String})
    [by_polars] = findings.join_asof(scores, on="day", by="host", strategy=way)["score"]
    query = "SELECT score FROM findings f ASOF LEFT JOIN scores s ON f.host = s.host AND f.day >= s.day"
    [by_duckdb] = duckdb.execute(query).fetchone() if way == "backward" else ["not there"]
    print(f"{name}: pandas {by_pandas[0]}, polars {by_polars or 'none'}, duckdb {by_duckdb or 'none'}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
