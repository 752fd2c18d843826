"""What follows from the evidence by docs/metrics.md, written from that page and not from the SQL.

`findings` and `measures` return the rows that `findings` and `remediation_metrics` have to have.
Rules of `sla_policy` have a severity and days here, and nothing is known of a CVE: tests of rules
are in `test_rules`.
"""

import json
import math
from collections import defaultdict
from collections.abc import Set
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from statistics import fmean, median
from typing import Any, Final, NamedTuple

from tests.conftest import Dataset

Row = dict[str, Any]
Rows = list[Row]

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
INSTANT: Final = timedelta(microseconds=1)
WEEK: Final = timedelta(days=7)
PERIOD: Final = 26 * WEEK
CREDIBLE: Final = datetime(1990, 1, 1, tzinfo=UTC)
RANKS: Final = {"critical": 1, "high": 2, "medium": 3, "low": 4, None: 6}
FIXES: Final = ("fixed", "not_reported")
REASONS: Final = {
    "ACCEPT_RISK": "accepted_risk",
    "FALSE_POSITIVE": "false_positive",
    "MITIGATING_CONTROLS": "mitigated",
}
NOT_SCANNED: Final = ("unresponsive", "license_exceeded", "unscanned", "agent_uninstalled")


def midnight(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Life(NamedTuple):
    """The ages between which a finding was observed, and why it closed, or "" if it did not."""

    enters: timedelta
    leaves: timedelta
    how: str


class Evidence:
    """The rows of the tables with what syncs saw, and the time of the last sync."""

    def __init__(self, tables: dict[str, Rows]) -> None:
        self.syncs = sorted(tables["syncs"], key=lambda sync: sync["synced_at"])
        self.now: datetime = self.syncs[-1]["synced_at"]
        self.reads = {row["issue_id"]: row["read_at"] for row in tables["occurrence_reads"]}
        self.fixes: defaultdict[int, Rows] = defaultdict(list)
        for fix in tables["fixed_occurrences"]:
            if CREDIBLE <= fix["remediated_at"] <= self.now:
                self.fixes[fix["occurrence_id"]].append(fix)
        self.states: defaultdict[str, Rows] = defaultdict(list)
        for state in sorted(tables["occurrences_issues_history"], key=lambda s: s["valid_from"]):
            self.states[state["entity_key"]].append(state)
        self.issues: defaultdict[int, Rows] = defaultdict(list)
        for state in sorted(tables["issues_history"], key=lambda s: s["valid_from"]):
            self.issues[state["id"]].append(state)
        self.targets: defaultdict[str, Rows] = defaultdict(list)
        for state in sorted(tables["targets_history"], key=lambda s: (s["valid_from"], -s["id"])):
            self.targets[state["address"]].append(state)
        self.rules = sorted(tables["sla_policy"], key=lambda rule: rule["rank"])

    def sights(self, state: Row) -> list[datetime]:
        """Return the times of the syncs that saw a state."""
        last = state["last_seen_at"] or (self.reads.get(state["issue_id"]) or state["valid_from"])
        first = state["valid_from"]
        last = max(last, first)
        between = {
            sync["synced_at"]
            for sync in self.syncs
            if first < sync["synced_at"] < last
            and "occurrences_issues" in sync["tables"]
            # Of what was read and what was not, only the fewer are kept.
            and state["issue_id"] not in sync["unread_issues"]
            and (not sync["read_issues"] or state["issue_id"] in sync["read_issues"])
        }
        return sorted({first, last} | between)

    def at(self, states: Rows, instant: datetime) -> Row | None:
        """Return the state that was the last one known at an instant."""
        known = [state for state in states if state["valid_from"] < instant]
        return known[-1] if known else None

    def reading_of(self, host: str | None, after: datetime, before: datetime) -> str | None:
        """Return what the first reading of the targets in a time says of a host.

        That is removed, not_scanned or scanned; None if there was no such reading.
        """
        states = self.targets.get(host or "", [])
        readings = [s["synced_at"] for s in self.syncs if "targets" in s["tables"]]
        reading = next((r for r in readings if after <= r < before), None)
        if reading is None:
            return None
        listed = [
            state
            for state in states
            if state["valid_from"] <= reading and (state["valid_to"] or self.now + DAY) > reading
        ]
        if not listed:
            return "removed"
        return "not_scanned" if listed[-1]["target_status"] in NOT_SCANNED else "scanned"


def evidence_of(dataset: Dataset) -> Evidence:
    """Return what a dataset holds of what syncs saw."""
    tables = (
        *("syncs", "occurrence_reads", "fixed_occurrences", "sla_policy"),
        *("occurrences_issues_history", "issues_history", "targets_history"),
    )
    return Evidence({table: dataset.query(f"SELECT * FROM {{d}}.{table}") for table in tables})


def check_conclusions(dataset: Dataset, before: dict[Any, Row]) -> tuple[Rows, dict[Any, Row]]:
    """Assert that a dataset has what follows from its evidence.

    `before` is what the sync before left of `remediation_metrics`. Returns the findings and the
    measures, these by week and severity.
    """
    evidence = evidence_of(dataset)
    found = dataset.query("SELECT * EXCEPT (updated_at) FROM {d}.findings")
    assert len({row["finding_id"] for row in found}) == len(found)
    by_time = {(row["entity_key"], row["times_reopened"]): row for row in found}
    expected = {(row["entity_key"], row["times_reopened"]): row for row in findings(evidence)}
    differ = differences(by_time, expected, {"finding_id"})
    assert not differ, differ
    rows = dataset.query("SELECT * EXCEPT (measured_at) FROM {d}.remediation_metrics")
    weeks = {(row["week"], row["severity"]): row for row in rows}
    differ = differences(weeks, measures(found, evidence, before))
    assert not differ, differ
    return found, weeks


def differences(
    found: dict[Any, Row], expected: dict[Any, Row], unknown: Set[str] = frozenset()
) -> list[Any]:
    """Return the cells that differ: by which key and column, what is there and what should be.

    BigQuery counts days in whole seconds. Columns in `unknown` are not expected.
    """
    cells = []
    for key in found.keys() | expected.keys():
        row, other = found.get(key, {}), expected.get(key, {})
        for column in (row.keys() | other.keys()) - unknown:
            value, should = row.get(column, "no row"), other.get(column, "no row")
            both = isinstance(value, float) and isinstance(should, float)
            if not (math.isclose(value, should, abs_tol=2 / 86400) if both else value == should):
                cells.append((key, column, value, should))
    return cells


def findings(evidence: Evidence) -> Rows:
    """Return the rows of `findings`, without `finding_id` and `updated_at`."""
    rows: Rows = []
    claimed: dict[int, dict[str, Rows]] = {}
    holders: defaultdict[int, list[str]] = defaultdict(list)
    for key, states in evidence.states.items():
        if states[-1]["occurrence_id"] is not None:
            holders[states[-1]["occurrence_id"]].append(key)
    for occurrence_id, fixes in evidence.fixes.items():
        claimed[occurrence_id] = share_out(evidence, fixes, holders.get(occurrence_id, []))
        if "" in claimed[occurrence_id]:
            rows += times(evidence, str(occurrence_id), [], claimed[occurrence_id][""])
    for key, states in evidence.states.items():
        own = claimed.get(states[-1]["occurrence_id"], {}).get(key, [])
        rows += times(evidence, key, states, own)
    return rows


def share_out(evidence: Evidence, fixes: Rows, keys: list[str]) -> dict[str, Rows]:
    """Return the fixes of an occurrence_id by the row that each belongs to."""
    if len(keys) <= 1:
        return {keys[0] if keys else "": fixes}
    shared: defaultdict[str, Rows] = defaultdict(list)
    for fix in fixes:
        places = {
            key: min(
                (
                    state["target"] not in {fix["affected_host"], fix["display_address"]} - {None},
                    state["port"] is None or state["port"] != str(fix["affected_port"]),
                    gone_after(fix["remediated_at"], state, after) or evidence.now + DAY,
                )
                for state, after in pairwise([*evidence.states[key], None])
                if state
            )
            for key in keys
        }
        shared[min(keys, key=lambda key: (places[key], key))].append(fix)
    return shared


def gone_after(fixed: datetime, state: Row, after: Row | None) -> datetime | None:
    """Return when a state that was there at a fix ended, if no other followed it."""
    end: datetime | None = state["valid_to"]
    if end is None or (after and after["valid_from"] == end):
        return None
    return end if state["valid_from"] <= fixed <= end else None


def port_of(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def runs_of(evidence: Evidence, states: Rows) -> list[Rows]:
    """Return the states by the times in which no sync missed the occurrence."""
    runs: list[Rows] = []
    for state in states:
        before = runs[-1][-1] if runs else None
        back = state["valid_from"]
        if before and (before["valid_to"] == back or is_held(evidence, before, back)):
            runs[-1].append(state)
        else:
            runs.append([state])
    return runs


def is_held(evidence: Evidence, state: Row, back: datetime) -> bool:
    """Return whether a state ended with too many others, and no later sync missed it again."""
    held = {sync["synced_at"] for sync in evidence.syncs if sync["is_held"]}
    confirmed = state["confirmed_at"]
    return state["valid_to"] in held and (confirmed is None or confirmed >= back)


def times(evidence: Evidence, key: str, states: Rows, fixes: Rows) -> Rows:
    """Return a row for each time that an occurrence was open."""
    runs = runs_of(evidence, states)
    sights = [(at, state) for state in states for at in evidence.sights(state)]
    starts = {run[0]["valid_from"] for run in runs[1:]}
    ended = {a[-1]["valid_to"]: (a[-1], b[0]["valid_from"]) for a, b in pairwise(runs)}
    returns = {b["valid_from"] for a, b in pairwise(states) if a["valid_to"] < b["valid_from"]}
    # The newest fix after each number of sights.
    newest: dict[int, Row] = {}
    for each in sorted(fixes, key=lambda fix: fix["remediated_at"]):
        fixed = each["remediated_at"]
        until = min([fixed + HOUR, *(back for back in returns if back > fixed)])
        newest[sum(at < until for at, _ in sights)] = each
    rows: Rows = []
    begin = 0
    if 0 in newest:
        rows.append(unseen(evidence, key, len(rows), newest[0], states))
    previous = newest[0]["remediated_at"] if 0 in newest else None
    missed_before = True
    for place in range(1, len(sights) + 1):
        last, nxt = sights[place - 1], sights[place] if place < len(sights) else None
        fix = newest.get(place)
        gap: Row | None = None
        if nxt and nxt[0] in starts:
            gap = next(state for state, back in ended.values() if back == nxt[0])
        elif not nxt and states[-1]["valid_to"]:
            gap = states[-1]
        closed, reason = None, None
        if fix:
            closed, reason = fix["remediated_at"], "fixed"
        elif gap:
            closed, reason = gap["valid_to"], why(evidence, gap, last[0], nxt[0] if nxt else None)
            if nxt and (
                reason in (None, "target_removed", "target_not_scanned") or was_empty(evidence, gap)
            ):
                continue
            if reason is None:
                closed = None
        if closed is None and nxt:
            continue
        own = sights[begin:place]
        rows.append(
            seen_row(evidence, key, len(rows), own, fix, closed, reason, previous, missed_before)
        )
        previous, missed_before, begin = closed, gap is not None, place
    return rows


def was_empty(evidence: Evidence, gap: Row) -> bool:
    return any(
        sync["synced_at"] == gap["valid_to"] and gap["issue_id"] in sync["empty_issues"]
        for sync in evidence.syncs
    )


def why(evidence: Evidence, gap: Row, last_seen: datetime, back: datetime | None) -> str | None:
    """Return the reason for which an occurrence is gone, and None while it is not known."""
    back = back or evidence.now + DAY
    missed = gap["valid_to"]
    if is_held(evidence, gap, back):
        return None
    if not evidence.at(evidence.targets.get(gap["target"] or "", []), missed + INSTANT):
        return "not_reported"
    first = evidence.reading_of(gap["target"], last_seen + INSTANT, back)
    second = evidence.reading_of(gap["target"], missed, back)
    if second is None:
        return None
    if "removed" in (first, second):
        return "target_removed"
    if "not_scanned" in (first, second):
        return "target_not_scanned"
    return "not_reported"


def believed(date: datetime | None, until: datetime, after: datetime | None) -> datetime | None:
    if date is None or date < CREDIBLE or date > until or (after is not None and date <= after):
        return None
    return date


def seen_row(
    evidence: Evidence,
    key: str,
    number: int,
    own: list[tuple[datetime, Row]],
    fix: Row | None,
    closed: datetime | None,
    reason: str | None,
    previous: datetime | None,
    missed_before: bool,
) -> Row:
    detected = own[0][0]
    # Sights after the fix, but within the hour, say nothing more of what was fixed.
    before = [sight for sight in own if fix is None or sight[0] <= fix["remediated_at"]]
    last_seen, state = (before or own[:1])[-1]
    given = [state["first_seen_at"] for _, state in reversed(own)]
    dates = ([fix["first_seen_at"]] if fix else []) + given
    until = detected if closed is None else min(detected, closed)
    opened = next((date for date in dates if believed(date, until, previous)), None)
    if opened is None:
        opened = detected if previous is None or missed_before else previous
    if closed is not None:
        opened = min(opened, closed)
    as_of = evidence.now + DAY if closed is None else max(closed, last_seen + INSTANT)
    issue = evidence.at(evidence.issues[state["issue_id"]], as_of) or {}
    cves = sorted(json_of(state["cves"]))
    row = {
        "entity_key": key,
        "occurrence_id": state["occurrence_id"],
        "issue_id": state["issue_id"],
        "times_reopened": number,
        "title": issue.get("title"),
        "severity": issue.get("severity"),
        "cvss_score": state["cvss_score"],
        "exploit_likelihood": state["exploit_likelihood"],
        "cves": cves,
        "host": state["target"],
        "port": port_of(state["port"]),
        "protocol": state["protocol"],
        "opened_at": opened,
        "detected_at": detected,
        "last_seen_at": last_seen,
        "closed_at": closed,
        "close_reason": reason,
        **target_of(evidence, state["target"], as_of, is_open=closed is None),
        **snooze_of(state, issue, min(as_of, evidence.now + INSTANT)),
    }
    states = evidence.states[key]
    snoozes = snoozes_of(evidence, states, state["issue_id"], opened, closed)
    accepted = [
        max(begin, detected)
        for begin, _, why in snoozes
        if why in ("ACCEPT_RISK", "FALSE_POSITIVE")
    ]
    row["accepted_at"] = min(accepted, default=None)
    return finished(evidence, row, snoozes)


def json_of(value: Any) -> list[Any]:
    found = json.loads(value) if isinstance(value, str) else value
    return [item for item in found or [] if item is not None]


def target_of(evidence: Evidence, host: str | None, as_of: datetime, *, is_open: bool) -> Row:
    """Return what was known of a target at an instant."""
    known = [s for s in evidence.targets.get(host or "", []) if s["valid_from"] < as_of]
    end = as_of - INSTANT
    listed = [state for state in known if state["valid_to"] is None or state["valid_to"] > end]
    last = max((state["valid_to"] for state in known if state["valid_to"]), default=None)
    own = listed or [state for state in known if state["valid_to"] == last]
    state = max(own, key=lambda state: (state["id"], state["valid_from"]), default={})
    is_gone = is_open and bool(known) and not listed
    return {
        "target_id": state.get("id"),
        "target_type": state.get("target_type"),
        "target_status": "deleted" if is_gone else state.get("target_status"),
        "tags": sorted(json_of(state.get("tags"))),
    }


def snooze_of(state: Row, issue: Row, moment: datetime) -> Row:
    """Return whether, why and until when: its occurrence's row counts, and then its issue's."""
    lasting = [
        row
        for row in (state, issue)
        if row.get("snoozed")
        and (row["snooze_until"] is None or midnight(row["snooze_until"]) >= moment)
    ]
    by = lasting[0] if lasting else None
    ends = [row["snooze_until"] for row in lasting]
    return {
        "snoozed": by is not None,
        "triage": REASONS.get(by["snooze_reason"], "snoozed") if by else "open",
        "snooze_until": None if None in ends else max(ends, default=None),
    }


def snoozes_of(
    evidence: Evidence, states: Rows, issue: int, opened: datetime, closed: datetime | None
) -> list[tuple[datetime, datetime | None, str | None]]:
    """Return when a finding was snoozed, as far as syncs saw it: from, to and the reason.

    The state of what is gone lasts until it is back, or as long as the finding.
    """
    found = []
    for history in (states, evidence.issues[issue]):
        for state, after in pairwise([*history, None]):
            assert state
            until = state["snooze_until"] and midnight(state["snooze_until"])
            ends = [at for at in (after and after["valid_from"], until, closed) if at]
            end = min(ends, default=None)
            begin = max(state["valid_from"], opened)
            if state["snoozed"] and (end is None or begin < end):
                found.append((begin, end, state["snooze_reason"]))
    return sorted(found, key=lambda span: (span[0], span[1] or evidence.now + 99999 * DAY))


def finished(evidence: Evidence, row: Row, snoozes: list[Any]) -> Row:
    """Return a row with what follows from the others: rank, exposure and goal."""
    row["severity_rank"] = RANKS.get(row["severity"], 5)
    row["exposed"] = row["target_type"] == "external"
    row |= dict.fromkeys(("in_kev", "kev_due_on", "epss", "cve_to_fix"))
    row |= {"due_rule": None, "goal_from": None, "goal_days": None}
    row["due_at"] = None
    for rule in evidence.rules:
        if rule["severity"] not in (None, row["severity"] or "none"):
            continue
        row |= {"due_rule": rule["name"], "goal_days": rule["days"]}
        row["goal_from"] = row["opened_at"]
        break
    if row["goal_days"] is not None and row["goal_from"] is not None:
        row["due_at"] = due(row, snoozes)
    row["met_sla"] = met(row)
    return row


def due(row: Row, snoozes: list[Any]) -> datetime | None:
    at: datetime = row["goal_from"] + row["goal_days"] * DAY
    counted = row["goal_from"]
    for since, end, _ in snoozes:
        begin = max(since, counted)
        if begin >= at:
            continue
        if end is None:
            return None
        counted = max(counted, end)
        at += max(end - begin, timedelta())
    return at


def met(row: Row) -> bool | None:
    if row["closed_at"] is None or row["due_at"] is None or row["close_reason"] not in FIXES:
        return None
    return bool(row["closed_at"] <= row["due_at"])


def unseen(evidence: Evidence, key: str, number: int, fix: Row, states: Rows) -> Row:
    """Return the row of what was fixed before a sync saw it."""
    closed = fix["remediated_at"]
    opened = believed(fix["first_seen_at"], closed, None)
    first = evidence.syncs[0]["synced_at"] + INSTANT
    target = target_of(evidence, fix["affected_host"], max(closed, first), is_open=False)
    row = {
        "entity_key": key,
        "occurrence_id": fix["occurrence_id"],
        "issue_id": None,
        "times_reopened": number,
        "title": fix["title"],
        "severity": fix["severity"],
        "cvss_score": fix["cvss_score"],
        "exploit_likelihood": fix["exploit_likelihood"],
        "cves": [],
        "host": fix["affected_host"],
        "port": fix["affected_port"],
        "protocol": None,
        "opened_at": opened,
        "detected_at": None,
        "last_seen_at": None,
        "closed_at": closed,
        "close_reason": "fixed",
        **target,
        "tags": sorted(json_of(fix["tags"])),
        "snoozed": False,
        "triage": "open",
        "snooze_until": None,
        "accepted_at": None,
    }
    row = finished(evidence, row, [])
    if fix["due_date"]:
        row |= {"due_rule": None, "goal_from": None, "goal_days": None}
        row["due_at"] = midnight(fix["due_date"]) + DAY
        row["met_sla"] = met(row)
    return row


def measures(rows: Rows, evidence: Evidence, before: dict[Any, Row]) -> dict[Any, Row]:
    """Return the rows of `remediation_metrics` by week and severity, without `measured_at`.

    `rows` are the findings, and `before` is what the sync before left.
    """
    now = evidence.now
    first_sync = evidence.syncs[0]["synced_at"]
    has_fixes = any("fixed_occurrences" in sync["tables"] for sync in evidence.syncs)
    rows = [row for row in rows if row["opened_at"] is not None]
    earliest = min((row["opened_at"] for row in rows), default=now)
    begin = max(earliest, now - 10 * 365.25 * DAY) if has_fixes else first_sync
    begin = min(begin, first_sync)
    written = {week for week, _ in before}
    start = monday(begin)
    if written:
        start = min(midnight(week) for week in written)
    severities = {s for row in rows for s in ("all", row["severity"] or "none")}
    severities |= {severity for _, severity in before}
    found: dict[Any, Row] = {}
    for severity in severities:
        own = [r for r in rows if severity in ("all", r["severity"] or "none")]
        at = start
        last_open = 0
        while at <= now:
            key = (at.date(), severity)
            if at + WEEK + 8 * DAY <= now and at.date() in written:
                if key in before:
                    found[key] = before[key]
                    last_open = before[key]["open"]
                else:
                    last_open = 0
            else:
                row = measure(evidence, own, at, min(at + WEEK, now + INSTANT))
                row |= {"week": at.date(), "severity": severity}
                row["reconstructed"] = at + WEEK <= first_sync
                row["corrected"] = row["open"] - last_open - row["opened"] + row["closed"]
                last_open = row["open"]
                found[key] = row
            at += WEEK
    return found


def monday(instant: datetime) -> datetime:
    day = midnight(instant)
    return day - day.weekday() * DAY


def was_snoozed(evidence: Evidence, row: Row, moment: datetime) -> bool:
    """Return whether a finding was snoozed then, as far as syncs saw it."""
    histories = (evidence.states[row["entity_key"]], evidence.issues[row["issue_id"]])
    state, issue = (evidence.at(states, moment) or {} for states in histories)
    return bool(snooze_of(state, issue, moment)["snoozed"])


def measure(evidence: Evidence, rows: Rows, begin: datetime, end: datetime) -> Row:
    """Return the measures of one week, which ends then or now."""

    def within(instant: datetime | None) -> bool:
        return instant is not None and begin <= instant < begin + WEEK

    is_open = [
        row
        for row in rows
        if row["opened_at"] < begin + WEEK
        and (row["closed_at"] is None or row["closed_at"] >= begin + WEEK)
    ]
    opened = [row for row in rows if within(row["opened_at"])]
    closed = [row for row in rows if within(row["closed_at"])]
    fixed = [row for row in closed if row["close_reason"] in FIXES]
    took = [(row["closed_at"] - row["opened_at"]) / DAY for row in fixed]
    with_goal = [row for row in fixed if row["due_at"] is not None]
    came_due = []
    for row in rows:
        if row["due_at"] is None:
            continue
        at = max(row["due_at"], row["opened_at"])
        ended_before = row["closed_at"] is not None and row["closed_at"] < at
        if within(at) and at <= end and not (ended_before and row["close_reason"] not in FIXES):
            came_due.append(row)
    is_met = [row for row in came_due if row["met_sla"]]
    kaplan_meier, share = estimates(lives_of(rows, end - PERIOD, end))
    return {
        "open": len(is_open),
        "opened": len(opened),
        "closed": len(closed),
        "fixed": sum(row["close_reason"] == "fixed" for row in closed),
        "not_reported": sum(row["close_reason"] == "not_reported" for row in closed),
        "reopened": sum(row["times_reopened"] > 0 for row in opened),
        "mean_days_to_fix": fmean(took) if took else None,
        "median_days_to_fix": median(took) if took else None,
        "kaplan_meier_days_to_fix": kaplan_meier,
        "share_fixed_90_days": share,
        "mean_days_open": fmean((end - r["opened_at"]) / DAY for r in is_open) if is_open else None,
        "due": len(came_due),
        "met": len(is_met),
        "share_in_time": len(is_met) / len(came_due) if came_due else None,
        "fixed_in_time": (
            sum(r["closed_at"] <= r["due_at"] for r in with_goal) / len(with_goal)
            if with_goal
            else None
        ),
        "overdue": sum(
            row["due_at"] is not None
            and row["due_at"] < end
            and row["target_status"] != "deleted"
            and not was_snoozed(evidence, row, end)
            for row in is_open
        ),
    }


def lives_of(rows: Rows, begin: datetime, end: datetime) -> list[Life]:
    """Return how long each finding was observed in a period, and how that ended."""
    lives = []
    for row in rows:
        if row["detected_at"] is None:
            continue
        enters = max(begin, row["detected_at"])
        ends = [(end, ""), (row["accepted_at"], "")]
        if row["closed_at"] and row["closed_at"] < end:
            ends.append((row["closed_at"], row["close_reason"]))
        leaves, how = min(
            ((at, how) for at, how in ends if at is not None),
            key=lambda found: (found[0], found[1] == ""),  # what closes as it is accepted is closed
        )
        if enters < leaves:
            lives.append(Life(enters - row["opened_at"], leaves - row["opened_at"], how))
    return lives


def estimates(lives: list[Life]) -> tuple[float | None, float | None]:
    """Return the median age at the fix, and the share that is fixed within 90 days."""
    not_fixed, still, fixed = Fraction(1), Fraction(1), Fraction(0)
    half: float | None = None
    for age in sorted({life.leaves for life in lives if life.how}):
        at_risk = sum(life.enters < age <= life.leaves for life in lives)
        ended = [life.how in FIXES for life in lives if life.leaves == age and life.how]
        not_fixed *= 1 - Fraction(sum(ended), at_risk)
        if age <= 90 * DAY:
            fixed += still * Fraction(sum(ended), at_risk)
        still *= 1 - Fraction(len(ended), at_risk)
        if half is None and not_fixed <= Fraction(1, 2):
            half = age / DAY
    is_observed = not still or any(life.leaves >= 90 * DAY for life in lives)
    return half, float(fixed) if is_observed else None
