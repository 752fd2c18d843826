#!/bin/sh
# Library: datasketches 5.2.0 beside hyperloglog 0.1.8 (PyPI)
# Summary: Empty text is no value when distinct ones are counted: of "db", "web" and "" there are two.
# Guess: of "db", "web" and "" three are counted, as by COUNT(DISTINCT); 1 and 1.0 are one value, as they are equal.
# Behavior: the sketches HLL, CPC and Theta leave "" out, without an error. An int and an equal float are two values,
#   and 1 and True one. hyperloglog counts "", and 1 and True as two.
# Output:
#     ['db', 'web', '']: HLL 2, CPC 2, Theta 2, hyperloglog 3, set 3
#     [1, 1.0]: HLL 2, CPC 2, Theta 2, hyperloglog 2, set 1
#     [1, True]: HLL 1, CPC 1, Theta 1, hyperloglog 2, set 1
#     [1, '1']: HLL 2, CPC 2, Theta 2, hyperloglog 2, set 2
#     ['']: HLL 0, CPC 0, Theta 0, hyperloglog 1, set 1
# Why it matters: hosts whose environment is "" in the API's answer are missing from the number of environments,
#   which then differs from that of a query, and ids that come as 7 and 7.0 count twice. Put in a word for what is
#   empty, and values of one type.
set -eu
packages="datasketches==5.2.0 hyperloglog==0.1.8"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datasketches
import hyperloglog

SKETCHES = {
    "HLL": lambda: datasketches.hll_sketch(12), "CPC": lambda: datasketches.cpc_sketch(11),
    "Theta": lambda: datasketches.update_theta_sketch(12),
}
for values in (["db", "web", ""], [1, 1.0], [1, True], [1, "1"], [""]):
    counts = []
    for name, make in SKETCHES.items():
        sketch = make()
        for value in values:
            sketch.update(value)
        counts.append(f"{name} {sketch.get_estimate():.0f}")
    other = hyperloglog.HyperLogLog(0.01)
    for value in values:
        other.add(value)
    print(f"{values}: {', '.join(counts)}, hyperloglog {len(other)}, set {len(set(values))}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
