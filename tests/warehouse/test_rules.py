"""By which rule anything is due, and when: worked out once more in Python.

Instants are half days since a Monday. What tells policies apart, so that all of
them are tried by one statement, is the `exploit_likelihood` that each of their rules asks for.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

import pytest

from scanner_sync.rules import Rule, place_of
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from scanner_sync.schema.sla_policy import SLA
from tests.conftest import Dataset
from tests.warehouse.loads import conclude, insert, insert_states, literal, make_tables

START: Final = datetime(2023, 8, 28, tzinfo=UTC)
FIRST, SECOND = 100, 120
"""When the two syncs are."""
POLICIES: Final = 8
CVES: Final = [f"CVE-2023-{n}" for n in range(8)]


class Drawn(Random):
    """Random policies, findings, and what is known of CVEs."""

    def maybe(self, share: float, *values: Any) -> Any:
        """Return one of the values, or None if it is not to be one of this share."""
        return self.choice(values) if self.random() < share else None

    def some(self, most: int, values: list[str]) -> list[str]:
        return self.sample(values, self.randint(0, most))

    def policy(self) -> list[Rule]:
        return [
            Rule(
                self.maybe(0.9, *range(1, 6)),
                severity=self.maybe(0.2, "critical", "low", "none"),
                tag=self.maybe(0.2, "pci", "dmz"),
                target_type=self.maybe(0.1, "external", "internal"),
                in_kev=self.maybe(0.3, True, False),
                exposed=self.maybe(0.2, True, False),
                automatable=self.maybe(0.2, True, False),
                technical_impact=self.maybe(0.2, "partial", "total"),
                epss_at_least=self.maybe(0.2, 0.0, 0.5),
                days=self.maybe(0.8, -3, 0, 5, 14, 30, 400000),
                starts=self.maybe(
                    0.9, "opened_at", "detected_at", "kev_added_on", "first_known", "never"
                ),
            )
            for _ in range(self.randint(0, 6))
        ]

    def intelligence(self) -> list[dict[str, Any]]:
        return [
            {
                "cve": cve,
                "in_kev": self.maybe(0.8, True, False),
                "kev_added_on": on(self.maybe(0.8, *range(-20, 70))),
                "kev_due_on": on(self.maybe(0.8, *range(90))),
                "epss": self.maybe(0.8, 0.0, 0.4999, 0.5, 0.9),
                "automatable": self.maybe(0.7, True, False),
                "technical_impact": self.maybe(0.7, "partial", "total"),
            }
            for cve in self.sample(CVES, len(CVES) - 2)
        ]

    def finding(self) -> dict[str, Any]:
        return {
            "policy": self.randrange(POLICIES),
            "severity": self.choice(["critical", "low", "", None]),
            "tags": self.some(2, ["pci", "dmz", "lab"]),
            "target_type": self.maybe(0.8, "external", "internal"),
            "cves": self.some(3, CVES),
            "first_seen": self.maybe(0.7, *range(-40, 40)),
            # When it is seen, when a snooze begins and when that ends, and when another one begins.
            "moments": sorted(self.sample(range(FIRST - 2), self.randint(1, 4))),
            "snooze_until": self.maybe(0.3, *range(20, 70)),
            # It is closed before the first sync, after it, or not at all, and perhaps dated anew.
            "closes": self.maybe(0.5, FIRST - 1, SECOND - 1),
            "redated": self.random() < 0.3,
        }


def at(half_days: int | None) -> datetime | None:
    return None if half_days is None else START + timedelta(hours=12 * half_days)


def on(days: int | None) -> date | None:
    return None if days is None else START.date() + timedelta(days=days)


def draw_rules(drawn: Drawn) -> list[Rule]:
    """Return rules of all policies, and then some for all of them."""
    rules = [
        rule._replace(name=f"{number}.{place}", exploit_likelihood=f"policy {number}")
        for number in range(POLICIES)
        for place, rule in enumerate(drawn.policy())
        if rule.rank is not None
    ]
    return rules + [
        rule._replace(
            rank=rule.rank and rule.rank + 10, name=f"rest {place}" if place % 2 else None
        )
        for place, rule in enumerate(drawn.policy())
    ]


def segments(drawn: Any) -> Iterator[dict[str, Any]]:
    """Yield the states of an occurrence; each second one is snoozed."""
    ends = [*drawn["moments"][1:], drawn["closes"] if drawn["closes"] == FIRST - 1 else None]
    for place, (begin, end) in enumerate(zip(drawn["moments"], ends, strict=True)):
        snoozed = place % 2 == 1
        yield {
            "valid_from": at(begin),
            "valid_to": at(end),
            "snoozed": snoozed,
            "snooze_reason": "ACCEPT_RISK" if snoozed else None,
            "snooze_until": on(drawn["snooze_until"]) if snoozed else None,
        }


def fill(dataset: Dataset, findings: list[Any]) -> None:
    make_tables(dataset)
    conclude(dataset, START)
    issues, states, targets = [], [], []
    for n, drawn in enumerate(findings):
        key = {"entity_key": f"{n}", "id": n, "valid_from": START}
        issues.append(key | {"severity": drawn["severity"]})
        of_target = {"tags": drawn["tags"], "target_type": drawn["target_type"]}
        targets.append(key | {"address": f"{n}"} | of_target)
        own = {
            **{"entity_key": f"{n}", "issue_id": n, "id": n, "occurrence_id": n, "target": f"{n}"},
            **{"cves": drawn["cves"], "exploit_likelihood": f"policy {drawn['policy']}"},
            "first_seen_at": at(drawn["first_seen"]),
        }
        states += [own | state for state in segments(drawn)]
    insert_states(dataset, "issues_history", issues)
    insert_states(dataset, "targets_history", targets)
    insert_states(dataset, "occurrences_issues_history", states)


def know(dataset: Dataset, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Write what is known of CVEs in place of what was, and return it by CVE."""
    dataset.query(f"DELETE FROM {{d}}.{INTELLIGENCE} WHERE TRUE")
    insert(dataset, INTELLIGENCE, rows)
    return {row["cve"]: row for row in rows}


def govern(dataset: Dataset, rules: list[Rule]) -> None:
    """Write rules in place of those that there were."""
    dataset.query(f"DELETE FROM {{d}}.{SLA} WHERE TRUE")
    if rules:
        insert(dataset, SLA, [rule._asdict() for rule in rules])


def fits(rule: Rule, row: dict[str, Any], known: dict[str, Any] | None) -> bool:
    """Tell whether a rule fits a finding, as far as one of its CVEs goes."""
    if known is None:
        of_cve = (rule.in_kev, rule.automatable, rule.technical_impact, rule.epss_at_least)
        if any(condition is not None for condition in of_cve):
            return False
    elif (
        rule.in_kev not in (None, bool(known.get("in_kev")))
        or rule.automatable not in (None, bool(known.get("automatable")))
        or rule.technical_impact not in (None, known.get("technical_impact") or "total")
        or (
            rule.epss_at_least is not None
            and (known.get("epss") is None or known["epss"] < rule.epss_at_least)
        )
    ):
        return False
    return (
        rule.severity in (None, row["severity"] or "none")
        and (rule.tag is None or rule.tag in row["tags"])
        and rule.target_type in (None, row["target_type"])
        and rule.exploit_likelihood in (None, row["exploit_likelihood"])
        and rule.exposed in (None, row["exposed"])
    )


def begins(rule: Rule, row: dict[str, Any], known: dict[str, Any], now: datetime) -> datetime:
    """Return when the clock of a rule begins."""
    opened: datetime = row["opened_at"]
    added_on, listed = known.get("kev_added_on"), None
    if known.get("in_kev") and added_on and added_on <= now.date():
        listed = datetime(added_on.year, added_on.month, added_on.day, tzinfo=UTC)
    match rule.starts:
        case "detected_at":
            return row["detected_at"]  # type: ignore[no-any-return]
        case "kev_added_on":
            return listed or opened
        case "first_known":
            return min(opened, listed or opened)
        case _:
            return opened


def due(row: dict[str, Any], start: datetime | None, days: int | None, drawn: Any) -> Any:
    """Run the clock, which stands still while the occurrence is snoozed; None for never."""
    if start is None or days is None:
        return None
    left, clock = timedelta(days=days), start
    for state in segments(drawn):
        if not state["snoozed"]:
            continue
        ends = [state["valid_to"], row["closed_at"]]
        if state["snooze_until"]:
            ends.append(datetime.combine(state["snooze_until"], datetime.min.time(), UTC))
        end = min((end for end in ends if end is not None), default=None)
        begin = max(state["valid_from"], row["opened_at"], clock)
        if end is not None and begin >= end:
            continue
        if begin - clock >= left:
            break
        if end is None:
            return None
        left -= begin - clock
        clock = end
    return clock + left


def decide(
    row: dict[str, Any],
    drawn: Any,
    rules: list[Rule],
    intelligence: dict[str, dict[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """Return what the rules say of a finding."""
    known = [intelligence[name] for name in row["cves"] if name in intelligence]
    choices = []
    for name in row["cves"] or [None]:
        of = intelligence.get(name, {})
        fitting = (n for n, rule in enumerate(rules) if fits(rule, row, of if name else None))
        place = next(fitting, len(rules))
        rule = rules[place] if place < len(rules) else None
        days = start = None
        if rule and rule.days is not None:
            days, start = min(max(rule.days, 0), 365000), begins(rule, row, of, now)
        due_at = due(row, start, days, drawn)
        preference = (not of.get("in_kev"), -of["epss"] if of.get("epss") is not None else 1, name)
        choices.append(
            (
                (due_at is None, due_at or now, days is None, place, preference),
                {
                    "due_rule": rule and rule.due_rule,
                    "cve_to_fix": name if known else None,
                    "goal_from": start,
                    "goal_days": days,
                    "due_at": due_at,
                },
            )
        )
    listed = [of["in_kev"] for of in known if of["in_kev"] is not None]
    dates = [of["kev_due_on"] for of in known if of["in_kev"] and of["kev_due_on"]]
    scores = [of["epss"] for of in known if of["epss"] is not None]
    return min(choices, key=lambda choice: choice[0])[1] | {
        "in_kev": any(listed) if listed else None,
        "kev_due_on": min(dates, default=None),
        "epss": max(scores, default=None),
    }


def read(dataset: Dataset) -> list[dict[str, Any]]:
    return dataset.query("SELECT * FROM {d}.findings ORDER BY occurrence_id, times_reopened")


def check(
    rows: list[dict[str, Any]],
    findings: list[Any],
    tags: dict[str, list[str]],
    rules: list[Rule],
    intelligence: dict[str, dict[str, Any]],
    now: datetime,
) -> None:
    """Check rows that are open, or that no sync had concluded before."""
    for row in rows:
        drawn = findings[row["occurrence_id"]]
        expected = decide(row, drawn, sorted(rules, key=place_of), intelligence, now)
        if set(row["tags"]) & set(tags["exposed_tags"]):
            expected["exposed"] = True
        elif set(row["tags"]) & set(tags["internal_tags"]):
            expected["exposed"] = False
        else:
            expected["exposed"] = row["target_type"] == "external"
        met = row["closed_at"] and expected["due_at"] and row["closed_at"] <= expected["due_at"]
        expected["met_sla"] = met if met is None else bool(met)
        assert {name: row[name] for name in expected} == expected, row


@pytest.mark.parametrize("seed", range(2))
def test_any_rules(dataset: Dataset, seed: int) -> None:
    """What is open follows the rules and what is known; what is closed keeps what it had."""
    drawn = Drawn(seed)
    findings = [drawn.finding() for _ in range(300)]
    fill(dataset, findings)
    tags = {"exposed_tags": ["dmz"], "internal_tags": ["lab"]}
    rules = draw_rules(drawn)
    govern(dataset, rules)
    intelligence = know(dataset, drawn.intelligence())
    now = START + timedelta(hours=12 * FIRST)
    conclude(dataset, now, **tags)
    before = read(dataset)
    assert len(before) == len(findings)
    check(before, findings, tags, rules, intelligence, now)

    closing = [n for n, of in enumerate(findings) if of["closes"] == SECOND - 1]
    redated = [n for n, of in enumerate(findings) if of["redated"]]
    dataset.query(
        "UPDATE {d}.occurrences_issues_history"
        f" SET valid_to = {literal('TIMESTAMP', at(SECOND - 1))}"
        f" WHERE valid_to IS NULL AND occurrence_id IN UNNEST({closing})"
    )
    dataset.query(
        "UPDATE {d}.occurrences_issues_history"
        f" SET first_seen_at = {literal('TIMESTAMP', at(-50))}"
        f" WHERE occurrence_id IN UNNEST({redated})"
    )
    rules = draw_rules(drawn)
    govern(dataset, rules)
    intelligence = know(dataset, drawn.intelligence())
    now = START + timedelta(hours=12 * SECOND)
    tags = {"exposed_tags": ["lab"], "internal_tags": ["pci"]}
    conclude(dataset, now, **tags)
    after = read(dataset)
    still_open = [row for row in after if row["closed_at"] is None]
    check(still_open, findings, tags, rules, intelligence, now)

    assert [row["finding_id"] for row in after] == [row["finding_id"] for row in before]
    for was, row in zip(before, after, strict=True):
        n = row["occurrence_id"]
        moved = n in redated
        assert row["opened_at"] == (at(-50) if moved else was["opened_at"])
        assert row["detected_at"] == was["detected_at"]
        closed_at = at(SECOND - 1) if n in closing else was["closed_at"]
        assert row["closed_at"] == closed_at
        if closed_at is None:
            continue
        names = ("due_rule", "cve_to_fix", "in_kev", "kev_due_on", "epss", "goal_days")
        assert [row[name] for name in names] == [was[name] for name in names]
        if was["closed_at"] and not moved:
            assert row == was
        start = was["goal_from"]
        if start is not None and start == was["opened_at"]:
            start = row["opened_at"]
        assert row["goal_from"] == start
        assert row["due_at"] == due(row, start, row["goal_days"], findings[n])
