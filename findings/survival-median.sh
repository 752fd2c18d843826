#!/bin/sh
# Library: lifelines 0.30.0, statsmodels 0.15.0, surpyval 0.25 (PyPI)
# Summary: The median of an even number of lives is the lower of two, the upper, or now this and now that.
# Guess: the median of the lives 1, 2, 3, 4 is 2 (half is gone by then) in every package, or 2.5, and of 1 to 6
#   it is 3.
# Behavior: statsmodels waits until less than half is left: 3 and 4. lifelines changes sides: 2 for four lives,
#   but 4 for six, because the product of its factors is a little more than one half.
# Output:
#     2 lifelines 1.0 statsmodels 2.0 surpyval 1.0
#     4 lifelines 2.0 statsmodels 3.0 surpyval 2.0
#     6 lifelines 4.0 statsmodels 4.0 surpyval 3.0
#     8 lifelines 5.0 statsmodels 5.0 surpyval 4.0
#     10 lifelines 5.0 statsmodels 6.0 surpyval 5.0
# Why it matters: a "median time to fix" that moves by a whole observation when nothing but the number of
#   findings changed. Compare with one half in exact fractions, and say which side you take. This program's
#   measures are held against fractions.
# Used in: scanner_sync/warehouse/metrics.sql, tests/warehouse/test_metrics.py::test_any_accounts
set -eu
packages="lifelines==0.30.0 statsmodels==0.15.0 surpyval==0.25"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import statsmodels.api as sm
import surpyval
from lifelines import KaplanMeierFitter

for n in (2, 4, 6, 8, 10):
    lives = list(range(1, n + 1))
    print(
        n,
        "lifelines", float(KaplanMeierFitter().fit(lives).median_survival_time_),
        "statsmodels", float(sm.SurvfuncRight(lives, [1] * n).quantile(0.5)),
        "surpyval", float(surpyval.KaplanMeier.fit(x=lives).qf(0.5)),
    )
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
