#!/bin/sh
# Library: bottleneck 1.6.0 and river 0.26.1 beside polars 2.1.0 and pandas 3.1.1 (PyPI)
# Summary: A value of 4,294,967,295 that has left the window stays in its variance: of 3.5, 4.5 and 5.5 it is 1,024 or
#   2,048.75 in place of 1.
# Guess: the mean and the variance of the last three values are those of what is in the window.
# Behavior: a value that leaves is subtracted again, and what floats have lost by then does not come back, for as long
#   as the series goes on. polars and pandas are right; pandas 2.3.3 was not.
# Output:
#     1.5, 2.5, 3.5, 4.5, 5.5
#       polars: mean 4.5000, variance 1.0000
#       pandas: mean 4.5000, variance 1.0000
#       bottleneck: mean 4.5000, variance 1.0000
#       river: mean 4.5000, variance 1.0000
#     1.5, 2.5, never, 3.5, 4.5, 5.5
#       polars: mean 4.5000, variance 1.0000
#       pandas: mean 4.5000, variance 1.0000
#       bottleneck: mean 4.5000, variance 1024.0000
#       river: mean 4.5000, variance 2048.7500
#     never, never, never, never, 3.5, 4.5, 5.5
#       polars: mean 4.5000, variance 1.0000
#       pandas: mean 4.5000, variance 1.0000
#       bottleneck: mean 4.5000, variance 4096.0000
#       river: mean 4.5000, variance 3072.7500
# Why it matters: the largest number of 32 bits stands for "never" in many tables, and one of them among days or scores
#   makes all later bands and alarms of that series too wide. A new series, or a new window, is right.
set -eu
packages="pandas==3.1.1 bottleneck==1.6.0 river==0.26.1 polars==2.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" 2>"$dir/warnings" <<'END'
import bottleneck
import numpy
import pandas
import polars
from river import stats, utils

NEVER = float(2**32 - 1)
for values in [1.5, 2.5, 3.5, 4.5, 5.5], [1.5, 2.5, NEVER, 3.5, 4.5, 5.5], [NEVER] * 4 + [3.5, 4.5, 5.5]:
    mean, var = utils.Rolling(stats.Mean, window_size=3), utils.Rolling(stats.Var, window_size=3)
    for value in values:
        mean.update(value)
        var.update(value)
    rolling = pandas.Series(values).rolling(3)
    print(", ".join("never" if value == NEVER else str(value) for value in values))
    for name, pair in {
        "polars": (polars.Series(values).rolling_mean(3)[-1], polars.Series(values).rolling_var(3)[-1]),
        "pandas": (rolling.mean().iloc[-1], rolling.var().iloc[-1]),
        "bottleneck": (bottleneck.move_mean(numpy.array(values), 3)[-1],
                       bottleneck.move_var(numpy.array(values), 3, ddof=1)[-1]),
        "river": (mean.get(), var.get()),
    }.items():
        print(f"  {name}: mean {pair[0]:.4f}, variance {pair[1]:.4f}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
