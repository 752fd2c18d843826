#!/bin/sh
# Library: hdrhistogram 0.10.8 (PyPI)
# Summary: What is beyond the highest value of a histogram is not recorded and not counted, so the longest waits
#   lower its percentiles.
# Guess: a value beyond the range is an error, or is counted at the highest value, as in a histogram's last bucket.
# Behavior: `record_value` returns False and leaves the value out, also of the count. One just above the range is
#   taken, within the precision of a bucket.
# Output:
#     100 answers, ten of them slow: 0 are left out, 100 are counted
#       90% 20015, 99% 50015, highest 50015
#     100 answers, ten of them slower: 10 are left out, 90 are counted
#       90% 100, 99% 20015, highest 20015
#     and just above the range: 0 are left out, 100 are counted
#       90% 20015, 99% 60031, highest 60031
# Why it matters: a service whose slow answers exceed the range looks faster as it gets slower: the 90th percentile
#   falls while a tenth of the answers is lost. Count what returns False, or make the range larger than any timeout.
set -eu
packages="hdrhistogram==0.10.8"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from hdrh.histogram import HdrHistogram

LIMIT = 60_000
for name, waits in {
    "100 answers, ten of them slow": [100] * 85 + [20_000] * 5 + [50_000] * 10,
    "100 answers, ten of them slower": [100] * 85 + [20_000] * 5 + [90_000] * 10,
    "and just above the range": [100] * 85 + [20_000] * 5 + [60_001] * 10,
}.items():
    histogram = HdrHistogram(1, LIMIT, 3)
    recorded = [histogram.record_value(wait) for wait in waits]
    print(f"{name}: {recorded.count(False)} are left out, {histogram.get_total_count()} are counted")
    print(f"  90% {histogram.get_value_at_percentile(90.0)}, 99% {histogram.get_value_at_percentile(99.0)}, "
          f"highest {histogram.get_max_value()}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
