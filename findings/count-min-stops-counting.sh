#!/bin/sh
# Library: pyprobables 0.7.0 (PyPI)
# Summary: A count of its Count-Min sketch stays at 2,147,483,647 without an error, while the total goes on; what is
#   removed from it then leaves less than there is.
# Guess: a count goes on, as Python's integers do, or a count that does not fit is an error.
# Behavior: cells have 32 bits and are cut off at the highest. So is a counting Bloom filter, at 4,294,967,295.
#   `elements_added` goes on.
# Output:
#     hour 1: 1,000,000,000 and 2,000,000,000 of 3,000,000,000, counting Bloom filter 1,000,000,000
#     hour 2: 2,000,000,000 and 2,147,483,647 of 6,000,000,000, counting Bloom filter 2,000,000,000
#     hour 3: 2,147,483,647 and 2,147,483,647 of 9,000,000,000, counting Bloom filter 3,000,000,000
#     hour 4: 2,147,483,647 and 2,147,483,647 of 12,000,000,000, counting Bloom filter 4,000,000,000
#     hour 5: 2,147,483,647 and 2,147,483,647 of 15,000,000,000, counting Bloom filter 4,294,967,295
#     the first three hours removed: -852,516,353 in place of 2,000,000,000
# Why it matters: bytes by host reach this in a day, and then all busy hosts are equally busy. A window that adds what
#   comes and removes what is old has too little for good. Count in a larger unit, such as megabytes.
set -eu
packages="pyprobables==0.7.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from probables import CountingBloomFilter, CountMinSketch

GIGABYTE = 1_000_000_000
sketch = CountMinSketch(width=1000, depth=5)
bloom = CountingBloomFilter(est_elements=100, false_positive_rate=0.01)
for hour in range(1, 6):
    sketch.add("10.0.0.1", GIGABYTE)
    sketch.add("10.0.0.2", 2 * GIGABYTE)
    bloom.add("10.0.0.1", GIGABYTE)
    a, b, c = sketch.check("10.0.0.1"), sketch.check("10.0.0.2"), bloom.check("10.0.0.1")
    print(f"hour {hour}: {a:,} and {b:,} of {sketch.elements_added:,}, counting Bloom filter {c:,}")
for hour in range(1, 4):
    sketch.remove("10.0.0.1", GIGABYTE)
print(f"the first three hours removed: {sketch.check('10.0.0.1'):,} in place of {2 * GIGABYTE:,}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
