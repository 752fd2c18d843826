#!/bin/sh
# Library: tinydb 4.9.0 (PyPI)
# Summary: A finding that was changed after `search` and not written is found as it was changed: with a score of 0 by
#   the search for scores above 7.
# Guess: what search returns can be changed by the caller without changing what a later search finds, until it is
#   written; and a negated condition leaves out documents without a score, or != takes them.
# Behavior: the documents of the last ten queries are kept and given again, as the same objects, to `search` alone,
#   until something is written. `~(score > 7)` takes documents without a score, `score <= 7` and `score != 9.8` do not.
# Output:
#     cache_size 10, after a change that was not written
#       search(score > 7): [{'id': 1, 'score': 0}]
#       get(score > 7): {'id': 1, 'score': 9.8}
#       all(): {'id': 1, 'score': 9.8}
#       search(score > 7) after something is written: [{'id': 1, 'score': 9.8}, {'id': 4, 'score': 7.5}]
#     cache_size 0, after a change that was not written
#       search(score > 7): [{'id': 1, 'score': 9.8}]
#       get(score > 7): {'id': 1, 'score': 9.8}
#       all(): {'id': 1, 'score': 9.8}
#       search(score > 7) after something is written: [{'id': 1, 'score': 9.8}, {'id': 4, 'score': 7.5}]
#     ~(score > 7): [2, 3]
#     score <= 7: [2]
#     score != 9.8: [2, 4]
#     ~(score == 9.8): [2, 3, 4]
# Why it matters: a report that rounds scores or hides hosts for display changes what the next one of the process
#   counts. Copy before a change, or open tables with `cache_size` 0; and ask for `exists()` in conditions.
set -eu
packages="tinydb==4.9.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import tinydb
from tinydb.storages import MemoryStorage

finding = tinydb.Query()
for size in (10, 0):
    table = tinydb.TinyDB(storage=MemoryStorage).table("findings", cache_size=size)
    table.insert_multiple([{"id": 1, "score": 9.8}, {"id": 2, "score": 5.0}, {"id": 3}])
    for found in table.search(finding.score > 7):
        found["score"] = 0
    print(f"cache_size {size}, after a change that was not written")
    print(f"  search(score > 7): {table.search(finding.score > 7)}")
    print(f"  get(score > 7): {table.get(finding.score > 7)}")
    print(f"  all(): {table.all()[0]}")
    table.insert({"id": 4, "score": 7.5})
    print(f"  search(score > 7) after something is written: {table.search(finding.score > 7)}")
conditions = {
    "~(score > 7)": ~(finding.score > 7),
    "score <= 7": finding.score <= 7,
    "score != 9.8": finding.score != 9.8,
    "~(score == 9.8)": ~(finding.score == 9.8),
}
for name, condition in conditions.items():
    print(f"{name}: {[found['id'] for found in table.search(condition)]}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
