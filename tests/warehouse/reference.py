"""The measures once more, by pandas and lifelines. Run this with `.venv-checks`.

It reads JSON with `now`, the day it is, `first`, the day of the first sync, `goals` in days by
severity, `findings` with columns of `findings`, and `snoozes` with `finding_id`, `from` and `to`.
Instants are days since a Monday. It writes the `rows` of `remediation_metrics`, with a week as the
day that it begins on, and `due`, the days on which the findings are due.
"""

import json
import sys
import warnings
from fractions import Fraction
from typing import Any

import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.exceptions import StatError

WEEK = 7
PERIOD = 26 * WEEK
NINETY = 90


def due(finding: Any, goal: float | None, snoozes: list[Any]) -> float | None:
    """Run the clock of a goal, which stands still while the occurrence is snoozed."""
    clock, closed_at = finding["opened_at"], finding["closed_at"]
    if goal is None or clock is None:
        return None
    for snooze in sorted(snoozes, key=lambda snooze: snooze["from"]):
        begin = max(snooze["from"], finding["opened_at"])
        until = min((end for end in (snooze["to"], closed_at) if end is not None), default=None)
        if finding["detected_at"] is None or (until is not None and begin >= until):
            continue
        if begin - clock >= goal:
            break
        if until is None:
            return None
        goal -= begin - clock
        clock = until
    return float(clock + goal)


def at_risk(findings: pd.DataFrame, end: float, is_closed: "pd.Series[bool]") -> pd.DataFrame:
    """Return the ages between which each finding is watched in a period, and how that ends."""
    seen = findings[findings.detected_at.notna()]
    start = seen.detected_at.clip(lower=end - PERIOD)
    leaves = seen.closed_at.fillna(end).clip(upper=end)
    leaves = pd.concat([leaves, seen.accepted_at.fillna(end)], axis=1).min(axis=1)
    ended = is_closed[seen.index] & (seen.closed_at <= seen.accepted_at.fillna(end))
    is_fix = seen.close_reason.isin(["fixed", "not_reported"])
    found = pd.DataFrame(
        {
            "enters": start - seen.opened_at,
            "leaves": leaves - seen.opened_at,
            "fixed": ended & is_fix,
            "removed": ended & ~is_fix,
        }
    )
    return found[found.leaves > found.enters]


def estimates(found: pd.DataFrame) -> tuple[float | None, float | None]:
    """Return the product-limit median, and the share that is fixed within ninety days."""
    unfixed = is_open = Fraction(1)
    median, share = None, Fraction(0)
    for age in sorted({*found.leaves}):
        leaving = found[found.leaves == age]
        risk = int(((found.enters < age) & (found.leaves >= age)).sum())
        fixed, removed = int(leaving.fixed.sum()), int(leaving.removed.sum())
        if age <= NINETY:
            share += is_open * Fraction(fixed, risk)
        unfixed *= 1 - Fraction(fixed, risk)
        is_open *= 1 - Fraction(fixed + removed, risk)
        if median is None and unfixed <= Fraction(1, 2):
            median = float(age)
    confirm(found, median)
    if found.empty or (found.leaves.max() < NINETY and is_open > 0):
        return median, None
    return median, float(share)


def confirm(found: pd.DataFrame, median: float | None) -> None:
    """Raise if lifelines finds another median. It refuses data with an empty risk set."""
    if found.empty:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitter = KaplanMeierFitter().fit(found.leaves, found.fixed, entry=found.enters)
        except StatError:
            return
    share = fitter.survival_function_.iloc[:, 0]
    # It multiplies: a half may come out as a little more. And it does not count who enters at the
    # instant of a fix.
    half = share[share <= 0.5 + 1e-9]
    theirs = None if half.empty else float(half.index[0])
    if theirs != median and not set(found.enters) & set(found.leaves[found.fixed]):
        raise AssertionError(f"lifelines has {theirs} for {median}: {found.to_dict('records')}")


def measures(findings: pd.DataFrame, week: int, now: float, snoozes: list[Any]) -> dict[str, Any]:
    """Return the measures of one week, from the findings of one severity."""
    end = min(week + WEEK, now)
    is_now = end == now

    def has_come(moments: "pd.Series[float]") -> "pd.Series[bool]":
        """Tell which moments are before the end of the week, or not after now."""
        return moments <= end if is_now else moments < end

    known = findings[has_come(findings.opened_at)]
    happened = has_come(known.closed_at)
    still_open = known[~happened]
    opened = known[known.opened_at >= week]
    closed = known[happened & (known.closed_at >= week)]
    fixes = closed[closed.close_reason.isin(["fixed", "not_reported"])]
    days = fixes.closed_at - fixes.opened_at
    with_goal = fixes[fixes.due_at.notna()]
    is_fix = known.close_reason.isin(["fixed", "not_reported"])
    fell_due = (known.due_at >= week) & has_come(known.due_at)
    due = known[fell_due & (is_fix | known.closed_at.isna() | (known.closed_at >= known.due_at))]
    met = due[is_fix[due.index] & (due.closed_at <= due.due_at)]
    snoozed = {
        snooze["finding_id"]
        for snooze in snoozes
        if has_come(pd.Series([snooze["from"]]))[0]
        and (snooze["to"] is None or snooze["to"] >= end)
    }
    late = still_open[
        (still_open.due_at < end)
        & ~still_open.finding_id.isin(snoozed)
        & (still_open.target_status != "deleted")
    ]
    median, share = estimates(at_risk(known, end, happened))
    return {
        "week": week,
        "open": len(still_open),
        "opened": len(opened),
        "closed": len(closed),
        "fixed": int((closed.close_reason == "fixed").sum()),
        "not_reported": int((closed.close_reason == "not_reported").sum()),
        "reopened": int((opened.times_reopened > 0).sum()),
        "mean_days_to_fix": days.mean(),
        "median_days_to_fix": days.median(),
        "kaplan_meier_days_to_fix": median,
        "share_fixed_90_days": share,
        "mean_days_open": (end - still_open.opened_at).mean(),
        "due": len(due),
        "met": len(met),
        "share_in_time": len(met) / len(due) if len(due) else None,
        "fixed_in_time": (with_goal.closed_at <= with_goal.due_at).mean()
        if len(with_goal)
        else None,
        "overdue": len(late),
    }


def main() -> None:
    """Read the account, and write what follows from it."""
    given = json.load(sys.stdin)
    now, first = given["now"], given["first"]
    for finding in given["findings"]:
        own = [s for s in given["snoozes"] if s["finding_id"] == finding["finding_id"]]
        finding["due_at"] = due(finding, given["goals"].get(finding["severity"]), own)
    # A fix without any other date says nothing of how long it took.
    findings = pd.DataFrame([row for row in given["findings"] if row["opened_at"] is not None])
    for column in ("opened_at", "detected_at", "closed_at", "due_at", "accepted_at"):
        findings[column] = findings[column].astype(float)
    severity = findings.severity.fillna("").replace("", "none")
    groups = {"all": findings, **{name: findings[severity == name] for name in severity.unique()}}
    begin = int(min(findings.opened_at.min(), first) // WEEK * WEEK)
    rows = []
    for name, group in groups.items():
        before = 0
        for week in range(begin, int(now) + 1, WEEK):
            row = measures(group, week, now, given["snoozes"])
            row["corrected"] = row["open"] - before - row["opened"] + row["closed"]
            before = row["open"]
            rows.append(row | {"severity": name, "reconstructed": week + WEEK <= first})
    rows = [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows]
    json.dump({"rows": rows, "due": [row["due_at"] for row in given["findings"]]}, sys.stdout)


main()
