#!/bin/sh
# Library: arro3-compute 0.9.1 and arro3-core 0.9.1 beside pyarrow 26.0.1 (PyPI), of one Arrow
# Summary: A cast makes NULL of each value that does not fit, where pyarrow raises an error: of a sum of bytes, of
#   "high" as a number and of 30.11.2026 as a date.
# Guess: a value that does not fit is an error as in pyarrow: "abc", or 3 billion to int32.
# Behavior: NULL, without an error and without a way to ask for one. Fractions are cut off, decimals rounded, and
#   integers beyond 53 bits rounded as floats, all of which pyarrow refuses.
# Output:
#     bytes to int32, of [3000000000, 1]: ['None', '1'], pyarrow an error
#     text to float, of ['9.8', 'high']: ['9.8', 'None'], pyarrow an error
#     text to date, of ['2026-11-30', '30.11.2026']: ['2026-11-30', 'None'], pyarrow an error
#     float to int, of [7.9, 7.0]: ['7', '7'], pyarrow an error
#     id to float, of [9007199254740993]: ['9007199254740992.0'], pyarrow an error
# Why it matters: arro3 is the small stand-in for pyarrow in a function's archive, and reads the same arrays. A NULL is
#   left out of sums and means, so the largest values are those that vanish. Count the NULLs before and after.
set -eu
packages="arro3-compute==0.9.1 arro3-core==0.9.1 pyarrow==26.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import arro3.compute
import arro3.core
import pyarrow

for name, values, target in (
    ("bytes to int32", pyarrow.array([3_000_000_000, 1]), pyarrow.int32()),
    ("text to float", pyarrow.array(["9.8", "high"]), pyarrow.float64()),
    ("text to date", pyarrow.array(["2026-11-30", "30.11.2026"]), pyarrow.date32()),
    ("float to int", pyarrow.array([7.9, 7.0]), pyarrow.int64()),
    ("id to float", pyarrow.array([9007199254740993]), pyarrow.float64()),
):
    cast = pyarrow.array(arro3.core.Array(arro3.compute.cast(arro3.core.Array(values), target)))
    try:
        other = [str(value) for value in values.cast(target).to_pylist()]
    except pyarrow.ArrowInvalid:
        other = "an error"
    print(f"{name}, of {values.to_pylist()}: {[str(value) for value in cast.to_pylist()]}, pyarrow {other}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
