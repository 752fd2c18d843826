"""Medians by lifelines. Run this with `.venv-checks`.

It reads JSON: a list of groups, each of these a list with the age at which something enters, the
one at which it leaves, and whether it was fixed then. It writes the median age of each group at the
fix, null without one, or the word `refused` for what lifelines does not take.
"""

import json
import sys
import warnings
from typing import Any

from lifelines import KaplanMeierFitter
from lifelines.exceptions import StatError


def median(lives: list[Any]) -> float | str | None:
    """Return the age by which half are fixed, by the product-limit estimate."""
    if not lives:
        return None
    enters, leaves, is_fixed = zip(*lives, strict=True)
    if set(enters) & {age for _, age, fixed in lives if fixed}:
        return "refused"  # it does not count who enters at the instant of a fix
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitter = KaplanMeierFitter().fit(leaves, is_fixed, entry=enters)
        except StatError:
            return "refused"  # nothing is at risk at some age
    share = fitter.survival_function_.iloc[:, 0]
    half = share[share <= 0.5 + 1e-9]  # it multiplies: a half may come out as a little more
    return None if half.empty else float(half.index[0])


json.dump([median(lives) for lives in json.load(sys.stdin)], sys.stdout)
