"""The rules by which findings are due: what they say, sets to begin with, and their faults."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any, Final, NamedTuple


class Rule(NamedTuple):
    """A row of `sla_policy`. None fits everything; `SLA_TABLE` says what each column means."""

    rank: int | None = None
    name: str | None = None
    severity: str | None = None
    tag: str | None = None
    target_type: str | None = None
    exploit_likelihood: str | None = None
    in_kev: bool | None = None
    exposed: bool | None = None
    automatable: bool | None = None
    technical_impact: str | None = None
    epss_at_least: float | None = None
    days: int | None = None
    starts: str | None = "opened_at"
    action: str | None = None

    @property
    def due_rule(self) -> str:
        """What findings.due_rule says."""
        rank = "without a rank" if self.rank is None else self.rank
        return f"rule {rank}" if self.name is None else self.name


def _ranked(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return rules with ranks between which there is room for others."""
    return tuple(rule._replace(rank=10 * place) for place, rule in enumerate(rules, 1))


GOALS: Final = {"critical": 7, "high": 30, "medium": 60, "low": 120}
"""The scanner's own goals, in days."""

# By exposed, in KEV, automatable and total technical impact.
_BOD: Final = {
    (False, False, False, False): None,
    (False, False, False, True): None,
    (False, False, True, False): 60,
    (False, False, True, True): 60,
    (False, True, False, False): 14,
    (False, True, False, True): 14,
    (False, True, True, False): 14,
    (False, True, True, True): 3,
    (True, False, False, False): 60,
    (True, False, False, True): 14,
    (True, False, True, False): 14,
    (True, False, True, True): 3,
    (True, True, False, False): 14,
    (True, True, False, True): 3,
    (True, True, True, False): 3,
    (True, True, True, True): 3,
}
"""The days of BOD 26-04; None for the next upgrade."""
_TRIAGE: Final = {(False, True, True, True), (True, True, False, True), (True, True, True, True)}
"""Where BOD 26-04 asks for forensic triage."""


def _words(facts: Mapping[str, bool]) -> str:
    return ", ".join(f"{'' if holds else 'not '}{fact}" for fact, holds in facts.items())


def _bod() -> Iterable[Rule]:
    for (exposed, in_kev, automatable, is_total), days in _BOD.items():
        triage = (exposed, in_kev, automatable, is_total) in _TRIAGE
        impact = "total" if is_total else "partial"
        words = {"exposed": exposed, "in KEV": in_kev, "automatable": automatable}
        yield Rule(
            name=f"BOD 26-04: {_words(words)}, {impact}",
            exposed=exposed,
            in_kev=in_kev,
            automatable=automatable,
            technical_impact=impact,
            days=days,
            starts="first_known",
            action="forensic triage" if triage else None if days else "fix with the next upgrade",
        )
    # The directive is about CVEs.
    for severity, days in GOALS.items():
        yield Rule(name=f"no CVE: {severity}", severity=severity, days=days)


_FEDRAMP: Final = {
    "critical": (2, 4, 16),
    "high": (4, 8, 64),
    "medium": (16, 32, 128),
    "low": (48, 128, 192),
}
"""The days of FedRAMP's class C, by severity in place of impact: likely exploitable and reachable,
likely exploitable and not reachable, and not likely exploitable."""
_LIKELY: Final = {
    "in KEV": Rule(in_kev=True),
    "known exploit": Rule(exploit_likelihood="known"),
    "very likely exploit": Rule(exploit_likelihood="very_likely"),
    "likely exploit": Rule(exploit_likelihood="likely"),
}
"""The conditions of which one makes something likely exploitable, in words."""


def _fedramp() -> Iterable[Rule]:
    action = "accept it after 192 days"
    for severity, (reachable, unreachable, unlikely) in _FEDRAMP.items():
        name = f"FedRAMP class C: {severity}"
        of_all = Rule(severity=severity, starts="detected_at", action=action)
        for exposed, (words, likely) in product((True, False), _LIKELY.items()):
            yield of_all._replace(
                name=f"{name}, {words}, {_words({'exposed': exposed})}",
                exposed=exposed,
                in_kev=likely.in_kev,
                exploit_likelihood=likely.exploit_likelihood,
                days=reachable if exposed else unreachable,
            )
        yield of_all._replace(name=f"{name}, not likely exploitable", days=unlikely)


PRESETS: Final[dict[str, tuple[Rule, ...]]] = {
    "vendor": _ranked(Rule(name=of, severity=of, days=days) for of, days in GOALS.items()),
    "bod-26-04": _ranked(_bod()),
    "fedramp-class-c": _ranked(_fedramp()),
}
"""Policies to begin with, by name. A new table holds `vendor`."""


KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "severity": ("critical", "high", "medium", "low", "none"),
    "target_type": ("external", "internal", "cloud", "container_image"),
    "exploit_likelihood": ("known", "very_likely", "likely", "unlikely", "rare", "unknown"),
    "technical_impact": ("partial", "total"),
    "starts": ("opened_at", "detected_at", "kev_added_on", "first_known"),
}
"""The values that are known of columns of `sla_policy`."""

_OF_CVE: Final = ("in_kev", "automatable", "technical_impact", "epss_at_least")

_Region = dict[str, frozenset[Any]]
"""Findings, by the values that each of their properties may have."""


def place_of(rule: Rule) -> tuple[Any, ...]:
    """Return what the rules are sorted by to try them, as the statement in `goals.sql` does."""
    numbers = ((of is None, of or 0) for of in (rule.rank, rule.days))
    texts = ((of is not None, of or "") for of in (rule.name, rule.starts))
    return (*numbers, *texts)


def in_words(rule: Rule) -> str:
    """Return the conditions of a rule in a few words."""
    flags = {"exposed": rule.exposed, "in KEV": rule.in_kev, "automatable": rule.automatable}
    words = [
        rule.severity,
        rule.tag and f"tag {rule.tag}",
        rule.target_type and f"{rule.target_type} target",
        rule.exploit_likelihood and f"{rule.exploit_likelihood} exploit",
        *(f"{'' if is_so else 'not '}{flag}" for flag, is_so in flags.items() if is_so is not None),
        rule.technical_impact and f"{rule.technical_impact} impact",
        rule.epss_at_least is not None and f"EPSS {rule.epss_at_least:g} or more",
    ]
    return ", ".join(word for word in words if word) or "everything"


def faults(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield the faults of rules, in the order in which they are tried.

    That is a rule that can never apply, because of its values or of the rules before it, rules that
    cannot be told apart, and rules of one rank of which two may fit the same finding.
    """
    space = _space(rules)
    usable: list[tuple[Rule, _Region]] = []
    for rule in rules:
        wrong = list(_wrong_values(rule))
        yield from (f"{_named(rule)}: {fault}" for fault in wrong)
        if wrong:
            continue
        region = space | _region(rule, space)
        if not _is_left(region, [_region(before, space) for before, _ in usable]):
            taken = [before for before, of in usable if _is_within(region, of)]
            by = _named(taken[0]) if taken else "the rules before it"
            yield f"{_named(rule)}: it can never apply, because {by} come{'s' * bool(taken)} first"
        usable.append((rule, region))
    for (one, of_one), (other, of_other) in combinations(usable, 2):
        if one.rank == other.rank and all(of_one[key] & of_other[key] for key in space):
            yield f"{_named(one)} and {_named(other)}: they overlap, and have the same rank"
    names = [rule.name for rule in rules if rule.name is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: several rules have this name"


def _named(rule: Rule) -> str:
    rank = "without a rank" if rule.rank is None else f"{rule.rank}"
    return f"rule {rank}" + (f" ({rule.name})" if rule.name else "")


def _wrong_values(rule: Rule) -> Iterator[str]:
    if rule.rank is None:
        yield "it needs a rank"
    for column, known in KNOWN.items():
        value = getattr(rule, column)
        if value is not None and value not in known:
            yield f"{column} {value!r} is unknown (known: {', '.join(known)})"
    if rule.days is not None and rule.days < 0:
        yield f"days is {rule.days}, a negative number"
    if rule.epss_at_least is not None and not 0 <= rule.epss_at_least <= 1:
        yield f"epss_at_least is {rule.epss_at_least:g}, and not from 0 to 1"


def _space(rules: Iterable[Rule]) -> _Region:
    """Return all findings, as far as these rules tell them apart. None is any other value."""
    either = frozenset({True, False})
    scores = {rule.epss_at_least for rule in rules if rule.epss_at_least is not None}
    return {
        **{column: frozenset({*KNOWN[column], None}) for column in list(KNOWN)[:3]},
        **{f"tag {rule.tag}": either for rule in rules if rule.tag is not None},
        **dict.fromkeys(("exposed", "has_cve", "in_kev", "automatable"), either),
        "technical_impact": frozenset(KNOWN["technical_impact"]),
        "epss_at_least": frozenset({-1.0, *scores}),
    }


def _region(rule: Rule, space: _Region) -> _Region:
    """Return the findings that a rule fits, by the properties that it has conditions on."""
    region: _Region = {
        column: frozenset({value})
        for column in ("severity", "target_type", "exploit_likelihood", "exposed", *_OF_CVE)
        if (value := getattr(rule, column)) is not None
    }
    if rule.tag is not None:
        region[f"tag {rule.tag}"] = frozenset({True})
    if region.keys() & {*_OF_CVE}:
        region["has_cve"] = frozenset({True})
    if (least := rule.epss_at_least) is not None:
        region["epss_at_least"] = frozenset(of for of in space["epss_at_least"] if of >= least)
    return region


def _is_within(region: _Region, other: _Region) -> bool:
    return all(region[key] <= other[key] for key in region)


def _is_left(region: _Region, before: Sequence[_Region]) -> bool:
    """Tell whether some of these findings fit none of the rules `before`."""
    for place, rule in enumerate(before):
        if not all(region[key] & values for key, values in rule.items()):
            continue
        for key, values in rule.items():
            outside = region[key] - values
            if outside and _is_left(region | {key: outside}, before[place + 1 :]):
                return True
            region = region | {key: region[key] & values}
        return False
    return True
