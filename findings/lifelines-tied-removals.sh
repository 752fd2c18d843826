#!/bin/sh
# Library: lifelines 0.30.3 (PyPI), its AalenJohansenFitter
# Summary: Tied times are moved at random, so the share fixed by a day differs from run to run, and numpy's
#   generator is reseeded.
# Guess: the share fixed by a day is a sum over what was fixed and removed up to that day, and comes out the same
#   each time.
# Behavior: times that occur twice are moved by random amounts first, some beyond the day itself. Of six findings,
#   one fixed on day 2 and two removed on it, the share fixed by day 2 is 1/6 or 1/3, by chance; summed up it is
#   1/3. On the way numpy's global generator is reseeded: what a program draws before and after two fits is the
#   same.
# Output:
#     by day 2, of 20 seeds: 1/3 1/6
#     summed up: 1/3
#     drawn after each of two fits, equal: True
# Why it matters: findings are dated by days, so ties are the rule. A share by a goal's last day misses what was
#   fixed on it, and simulations beside it repeat themselves. Take the sum of the increments, as the tests of this
#   program do.
set -eu
packages="lifelines==0.30.3 numpy==2.4.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import warnings
from fractions import Fraction

import numpy
from lifelines import AalenJohansenFitter

warnings.simplefilter("ignore")
DAYS, WHAT = [1, 2, 2, 2, 3, 5], [1, 1, 2, 2, 0, 1]  # 0: still open, 1: fixed, 2: removed

def share_fixed(seed):
    fitter = AalenJohansenFitter(seed=seed).fit(DAYS, WHAT, event_of_interest=1)
    return str(Fraction(float(fitter.predict(2))).limit_denominator(20))

print("by day 2, of 20 seeds:", *sorted({share_fixed(seed) for seed in range(20)}))
at_risk, standing, share = 6, Fraction(1), Fraction(0)
for day in (1, 2):
    fixed, left = DAYS.count(day) - sum(d == day and w != 1 for d, w in zip(DAYS, WHAT)), DAYS.count(day)
    share += standing * Fraction(fixed, at_risk)
    standing, at_risk = standing * (1 - Fraction(left, at_risk)), at_risk - left
print("summed up:", share)
drawn = []
for _ in range(2):
    AalenJohansenFitter(seed=1).fit(DAYS, WHAT, event_of_interest=1)
    drawn.append(numpy.random.random())
print("drawn after each of two fits, equal:", drawn[0] == drawn[1])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
