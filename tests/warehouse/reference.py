"""The measures once more, by pandas and lifelines. Run this with `.venv-checks`.

It reads JSON with `now`, the day it is, `goals` in days by severity, `times` as in
`occurrence_lifecycle`, and `snoozes` with `entity_key`, `from` and `to`. Instants are days since a
Monday. It writes the rows of `remediation_metrics`, with a week as the day that it begins on, and
`due`, the days on which the times are due.
"""

import json
import sys
from typing import Any

import pandas as pd
from lifelines import KaplanMeierFitter

DAYS_OF_A_WEEK = 7


def due(time: Any, goal: float | None, snoozes: list[Any], now: float) -> float | None:
    """Run the clock of a goal, which stands still while the occurrence is snoozed."""
    if goal is None or time["opened_at"] is None:
        return None
    end = now if time["closed_at"] is None else time["closed_at"]
    clock, left = time["opened_at"], goal
    for snooze in sorted(snoozes, key=lambda snooze: snooze["from"]):
        begin = max(snooze["from"], time["opened_at"])
        until = min(now if snooze["to"] is None else snooze["to"], end)
        if begin >= until:
            continue
        if begin - clock >= left:
            break
        left -= begin - clock
        clock = until
    return float(clock + left)


def kaplan_meier(days: "pd.Series[float]", is_fixed: "pd.Series[bool]") -> float | None:
    """Return the first day on which half or less are left."""
    share = KaplanMeierFitter().fit(days, is_fixed).survival_function_.iloc[:, 0]
    # lifelines multiplies: a half may come out as a little more.
    half = share[share <= 0.5 + 1e-9]
    return None if half.empty else float(half.index[0])


def measures(times: pd.DataFrame, week: int, now: float, snoozes: list[Any]) -> dict[str, Any]:
    """Return the measures of one week, from the times of one severity."""
    end = min(week + DAYS_OF_A_WEEK, now)
    known = times[times.opened_at < end]
    closed = known.closed_at < end
    still_open = known[~closed]
    opened = known[known.opened_at >= week]
    closed_now = known[closed & (known.closed_at >= week)]
    is_fix = known.close_reason.isin(["fixed", "not_reported"])
    fixed = closed_now[is_fix[closed_now.index]]
    days_to_fix = fixed.closed_at - fixed.opened_at
    goals = fixed[fixed.due_at.notna()]
    snoozed = {
        snooze["entity_key"]
        for snooze in snoozes
        if snooze["from"] < end and (snooze["to"] is None or snooze["to"] >= end)
    }
    late = still_open[(still_open.due_at < end) & ~still_open.entity_key.isin(snoozed)]
    lasted = known.closed_at.where(closed, end) - known.opened_at
    return {
        "week": week,
        "open": len(still_open),
        "opened": len(opened),
        "closed": len(closed_now),
        "fixed": len(fixed),
        "reopened": int((opened.times_reopened > 0).sum()),
        "mean_days_to_fix": days_to_fix.mean(),
        "median_days_to_fix": days_to_fix.median(),
        "kaplan_meier_days_to_fix": None if known.empty else kaplan_meier(lasted, is_fix & closed),
        "mean_days_open": (end - still_open.opened_at).mean(),
        "share_in_time": (goals.closed_at <= goals.due_at).mean() if len(goals) else None,
        "overdue": len(late),
    }


def main() -> None:
    """Read the account, and write what follows from it."""
    given = json.load(sys.stdin)
    now, snoozes = given["now"], given["snoozes"]
    by_entity: dict[str, list[Any]] = {}
    for snooze in snoozes:
        by_entity.setdefault(snooze["entity_key"], []).append(snooze)
    for time in given["times"]:
        goal = given["goals"].get(time["severity"])
        time["due_at"] = due(time, goal, by_entity.get(time["entity_key"], []), now)
    # A fix without any other date says nothing of how long it took.
    times = pd.DataFrame([time for time in given["times"] if time["opened_at"] is not None])
    for column in ("opened_at", "closed_at", "due_at"):
        times[column] = times[column].astype(float)
    severity = times.severity.fillna("").replace("", "none")
    groups = {"all": times, **{name: times[severity == name] for name in severity.unique()}}
    first = int(times.opened_at.min() // DAYS_OF_A_WEEK * DAYS_OF_A_WEEK)
    rows = [
        {"severity": name, **measures(group, week, now, snoozes)}
        for name, group in groups.items()
        for week in range(first, int(now) + 1, DAYS_OF_A_WEEK)
    ]
    rows = [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows]
    json.dump({"rows": rows, "due": [time["due_at"] for time in given["times"]]}, sys.stdout)


main()
