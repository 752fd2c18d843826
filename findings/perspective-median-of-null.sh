#!/bin/sh
# Library: perspective-python 5.6.1, of the Perspective data grid (PyPI)
# Summary: Of 9, 1, 5 and two nulls the median is 1 if the table is made from the rows and 9 if they are added to it,
#   the lowest is 0, and null counts as a distinct value, while the mean is 5.
# Guess: avg leaves null out, and so does "distinct count".
# Behavior: "avg" leaves null out. "low" takes it for 0. "min", "median" and "max" sort it before all numbers in one
#   table and after them in the other, and take what stands at their place, which may be null. "count" and "distinct
#   count" take it for a value.
# Output:
#     made from rows: avg 5, median 1, low 0, min null, max 9, count 5, distinct count 4
#     rows added to a schema: avg 5, median 9, low 0, min 1, max null, count 5, distinct count 4
#     days that are not null: avg 5, median 5, low 1, min 1, max 9, count 3, distinct count 3
# Why it matters: a score or days until a fix are null for what is not known, and the median and the lowest are shown
#   beside the right mean; rows that are loaded anew move the median from one end to the other. Add a filter for "is not
#   null" to each view that aggregates.
set -eu
packages="perspective-python==5.6.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json

import perspective

client = perspective.Server().new_local_client()


def show(said, table, filters=()):
    found = []
    for aggregate in ("avg", "median", "low", "min", "max", "count", "distinct count"):
        view = table.view(group_by=["host"], columns=["days"], aggregates={"days": aggregate}, filter=list(filters))
        days = json.loads(view.to_json_string())[1]["days"]
        found.append(f"{aggregate} {'null' if days is None else int(days)}")
    print(f"{said}: {', '.join(found)}")


rows = [{"host": "web", "days": days} for days in (9, 1, 5.0, None, None)]
show("made from rows", client.table(rows))
table = client.table({"host": "string", "days": "float"})
table.update(rows)
show("rows added to a schema", table)
show("days that are not null", table, [["days", "is not null", None]])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
