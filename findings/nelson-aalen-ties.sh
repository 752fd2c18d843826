#!/bin/sh
# Library: lifelines 0.30.0, scikit-survival 0.28.0, surpyval 0.25 (PyPI)
# Summary: Its Nelson-Aalen estimate is by default the one that others call Fleming-Harrington.
# Guess: Nelson and Aalen's estimate of two events among four is 2/4 in all.
# Behavior: lifelines breaks ties by default and adds 1/4 + 1/3, which others call Fleming and Harrington's
#   estimate. Without `nelson_aalen_smoothing=False` its figures belong to another estimator of the same name.
# Output:
#     lifelines                  [0.583, 1.083, 2.083]
#     lifelines, not smoothed    [0.5, 1.0, 2.0]
#     scikit-survival            [0.5, 1.0, 2.0]
#     surpyval NelsonAalen       [0.5, 1.0, 2.0]
#     surpyval FlemingHarrington [0.583, 1.083, 2.083]
# Why it matters: findings are closed by the sync, so most of them tie. A cumulative hazard that differs by a
#   sixth is no rounding error.
set -eu
packages="lifelines==0.30.0 scikit-survival==0.28.0 surpyval==0.25"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import numpy as np
import surpyval
from lifelines import NelsonAalenFitter
from sksurv.nonparametric import nelson_aalen_estimator

lives = [1, 1, 2, 3]
default, plain = NelsonAalenFitter().fit(lives), NelsonAalenFitter(nelson_aalen_smoothing=False).fit(lives)
print("lifelines                 ", default.cumulative_hazard_.iloc[1:, 0].round(3).tolist())
print("lifelines, not smoothed   ", plain.cumulative_hazard_.iloc[1:, 0].round(3).tolist())
print("scikit-survival           ", nelson_aalen_estimator(np.ones(4, bool), lives)[1].round(3).tolist())
print("surpyval NelsonAalen      ", surpyval.NelsonAalen.fit(x=lives).H.round(3).tolist())
print("surpyval FlemingHarrington", surpyval.FlemingHarrington.fit(x=lives).H.round(3).tolist())
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
