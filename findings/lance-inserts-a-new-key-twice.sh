#!/bin/sh
# Library: pylance 14.0.2 (PyPI), of Lance
# Summary: A key that comes twice in what is merged is an error if the table has it, and two rows if not; a row
#   without a key is added again by each run.
# Guess: in `merge_insert` a key that comes twice in the source is an error, and keys that are NULL match or are
#   inserted once.
# Behavior: only rows of the table are checked for a second match. New keys are appended as often as they come, and
#   from then on each update of that key changes both rows. NULL matches nothing.
# Output:
#     a key of the table twice: an error, ('1', 'open')
#     a new key twice: merged, ('1', 'open') ('2', 'fixed') ('2', 'open')
#     that key once: merged, ('1', 'open') ('2', 'accepted') ('2', 'accepted')
#     no key: merged, ('1', 'open') ('2', 'accepted') ('2', 'accepted') (None, 'open')
#     no key again: merged, ('1', 'open') ('2', 'accepted') ('2', 'accepted') (None, 'open') (None, 'open')
# Why it matters: overlapping pages deliver a new finding twice in the first run, and the error that would have told
#   comes only for keys that are there. Counts are too high for good. Remove duplicates first.
set -eu
packages="pylance==14.0.2 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/findings" 2>"$dir/log" >"$dir/output" <<'END'
import sys

import lance
import pyarrow

schema = pyarrow.schema([("id", pyarrow.string()), ("status", pyarrow.string())])
lance.write_dataset(pyarrow.Table.from_pylist([{"id": "1", "status": "open"}], schema), sys.argv[1])
for name, rows in {
    "a key of the table twice": [("1", "fixed"), ("1", "open")],
    "a new key twice": [("2", "fixed"), ("2", "open")],
    "that key once": [("2", "accepted")],
    "no key": [(None, "open")],
    "no key again": [(None, "open")],
}.items():
    source = pyarrow.Table.from_pylist([{"id": key, "status": status} for key, status in rows], schema)
    merge = lance.dataset(sys.argv[1]).merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
    try:
        merge.execute(source)
        end = "merged"
    except OSError:
        end = "an error"
    print(f"{name}: {end},", *[tuple(row.values()) for row in lance.dataset(sys.argv[1]).to_table().to_pylist()])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
