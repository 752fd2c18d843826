#!/bin/sh
# Library: sqlite-utils 4.2.1 (PyPI)
# Summary: Whether an upsert keeps the columns that a row does not name depends on the rows around it: one row with a
#   note, and the notes of 99 others are NULL.
# Guess: `upsert_all` changes what each row names and leaves the rest, as `upsert` does for one.
# Behavior: a batch, by default 100 rows, is written with one list of columns: all that its rows or those of an
#   earlier batch name. What a row does not name is set to NULL. Batches of one row do not help those that come
#   later.
# Output:
#     each row names status, batches of 100: status is NULL in 0, note in 0
#     each row names status, batches of 1000: status is NULL in 0, note in 0
#     each row names status, batches of 1: status is NULL in 0, note in 0
#     and row 200 a note, batches of 100: status is NULL in 1, note in 99
#     and row 200 a note, batches of 1000: status is NULL in 1, note in 199
#     and row 200 a note, batches of 1: status is NULL in 1, note in 0
# Why it matters: an update of some fields, as an API's changes are, empties the others, and which ones changes with
#   the order of the rows and with `batch_size`. Give each row all of its columns, or make one call for each set of
#   fields.
set -eu
packages="sqlite-utils==4.2.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import sqlite_utils

STORED = [{"id": number, "status": "open", "note": "known"} for number in range(1, 201)]
CHANGES = {
    "each row names status": [{"id": number, "status": "fixed"} for number in range(1, 201)],
    "and row 200 a note": [{"id": number, "status": "fixed"} for number in range(1, 200)] + [{"id": 200, "note": "new"}],
}
for name, changes in CHANGES.items():
    for batch_size in (100, 1_000, 1):
        table = sqlite_utils.Database(memory=True)["findings"]
        table.insert_all(STORED, pk="id")
        table.upsert_all(changes, pk="id", batch_size=batch_size)
        lost = {column: table.count_where(f"{column} IS NULL") for column in ("status", "note")}
        print(f"{name}, batches of {batch_size}: status is NULL in {lost['status']}, note in {lost['note']}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
