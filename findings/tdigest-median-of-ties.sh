#!/bin/sh
# Library: tdigest 0.5.2.2 beside crick 0.0.8, fastdigest 0.12.0, datasketches 5.2.0 (PyPI)
# Summary: Of nine findings that took 5 days and one that took 100 the median is 14.5 days, and of a hundred and one
#   the 90th percentile is 82.
# Guess: a digest that has room for each value gives the median of ten values exactly, or a value that was put in: 5.
# Behavior: equal values become one point with their number as its weight, and a quantile is drawn as a line from
#   point to point, also within those that are equal. The other three say 5 wherever the values on both sides are 5.
# Output:
#     9x 5, 1x 100
#       50%: numpy 5.00, tdigest 14.50, crick 5.00, datasketches 5.00, fastdigest 5.00
#       90%: numpy 14.50, tdigest 90.50, crick 52.50, datasketches 100.00, fastdigest 14.50
#     100x 5, 1x 100
#       50%: numpy 5.00, tdigest 5.94, crick 5.00, datasketches 5.00, fastdigest 5.00
#       90%: numpy 5.00, tdigest 81.94, crick 5.00, datasketches 5.00, fastdigest 5.00
#     1x 1, 1x 2, 1x 3
#       50%: numpy 2.00, tdigest 2.00, crick 2.00, datasketches 2.00, fastdigest 2.00
#       90%: numpy 2.80, tdigest 3.00, crick 3.00, datasketches 3.00, fastdigest 2.80
# Why it matters: times to fix in days and scores are mostly ties, so medians from a digest drift to the outlier. Use
#   one of the others, or days with their fractions.
set -eu
packages="tdigest==0.5.2.2 crick==0.0.8 fastdigest==0.12.0 datasketches==5.2.0 numpy==2.4.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import crick
import datasketches
import fastdigest
import numpy
import tdigest

for values in ([5] * 9 + [100], [5] * 100 + [100], [1, 2, 3]):
    a, b, c = tdigest.TDigest(), crick.TDigest(), datasketches.tdigest_double(200)
    a.batch_update(values)
    b.update(numpy.array(values, float))
    for value in values:
        c.update(value)
    d = fastdigest.TDigest.from_values(values)
    print(", ".join(f"{values.count(value)}x {value}" for value in sorted(set(values))))
    for share in (50, 90):
        found = {
            "numpy": numpy.percentile(values, share), "tdigest": a.percentile(share), "crick": b.quantile(share / 100),
            "datasketches": c.get_quantile(share / 100), "fastdigest": d.percentile(share),
        }
        print(f"  {share}%:", ", ".join(f"{name} {float(value):.2f}" for name, value in found.items()))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
