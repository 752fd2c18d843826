#!/bin/sh
# Library: deepdiff 9.1.0 (PyPI)
# Summary: With `ignore_order`, two equal findings and one are no difference, and neither are three.
# Guess: ignoring the order compares lists as a counter does.
# Behavior: they are compared as sets: how often a value is there does not count, at any depth, unless
#   `report_repetition` is set. A difference in the type of a number, 7 and 7.0, is reported all the same.
# Output:
#     in order: ['iterable_item_added', 'values_changed']
#     ignore_order: {}
#     in a key: {}
#     report_repetition: ['repetition_change']
#     7 and 7.0: ['type_changes']
#     as counters: False
# Why it matters: a test that compares what was loaded with what was expected passes where a page was loaded twice, or
#   where one of two equal rows is lost: the two faults for which it was written.
set -eu
packages="deepdiff==9.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from collections import Counter

from deepdiff import DeepDiff

once = [{"issue": 7, "host": "web"}, {"issue": 8, "host": "web"}]
twice = [once[1], once[0], once[0], once[0]]
print("in order:", sorted(DeepDiff(once, twice)))
print("ignore_order:", dict(DeepDiff(once, twice, ignore_order=True)))
print("in a key:", dict(DeepDiff({"rows": once}, {"rows": twice}, ignore_order=True)))
print("report_repetition:", sorted(DeepDiff(once, twice, ignore_order=True, report_repetition=True)))
print("7 and 7.0:", sorted(DeepDiff([7], [7.0], ignore_order=True)))
print("as counters:", Counter(map(str, once)) == Counter(map(str, twice)))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
