#!/bin/sh
# Library: lifelines 0.30.3, statsmodels 0.15.0 (PyPI)
# Summary: Nobody is left after day 5, by both, while one of three findings is observed until day 10.
# Guess: a finding that is first observed on the day on which it is fixed counts among those at risk on that day,
#   or such data are refused.
# Behavior: its fix counts and it does not. With two at risk before, one of which is also fixed on that day, two
#   of two are gone: both packages give 0 for day 5, without a warning, although a third finding is open until day
#   10. lifelines' own table of events says three at risk.
# Output:
#     lifelines   0.0 0.0 at risk 3
#     statsmodels 0.0 0.0
# Why it matters: a scan that finds an old finding on the day of its fix takes the whole curve to 0. Leave such
#   findings out, as this program's estimate does, or let them enter earlier.
# Used in: scanner_sync/warehouse/metrics.sql, tests/warehouse/test_metrics.py::test_any_dates_and_goals
set -eu
packages="lifelines==0.30.3 statsmodels==0.15.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import warnings

from lifelines import KaplanMeierFitter
from statsmodels.duration.survfunc import SurvfuncRight

warnings.simplefilter("ignore")
ENTRY, EXIT = [0, 5, 0], [5, 5, 10]  # days of age at which each is first observed, and fixed

fitter = KaplanMeierFitter().fit(EXIT, [1, 1, 1], entry=ENTRY)
print("lifelines  ", *fitter.survival_function_.loc[[5, 10]].iloc[:, 0], "at risk", fitter.event_table.at_risk[5])
print("statsmodels", *map(float, SurvfuncRight(EXIT, [1, 1, 1], entry=ENTRY).surv_prob))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
