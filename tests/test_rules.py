"""The rules by which findings are due: the sets to begin with, and what is wrong with others."""

import ast
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.processes import ROOT
from scanner_sync.rules import KNOWN, PRESETS, Rule, faults, in_words, place_of

DAYS = {"FSU": None, "60D": 60, "14D": 14, "3D": 3, "3DF": 3}
"""The days of CERT/CC's outcomes."""


def test_bod_26_04_is_as_cert_cc_has_it() -> None:
    """All sixteen rows of the table in their package, and then the scanner's own goals."""
    found = ROOT.glob(
        ".venv-checks/lib/python*/site-packages/ssvc/decision_tables/cisa/bod_2604_dt.py"
    )
    path = next(found, None)
    if path is None:
        pytest.skip("certcc-ssvc is not in .venv-checks: it needs Python 3.12 or later")
    [mapping] = [
        ast.literal_eval(node.value)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword) and node.arg == "mapping"
    ]
    theirs = [
        (
            row["cisa:PE:1.0.0"] == "Y",
            row["cisa:KEV:1.0.0"] == "Y",
            row["ssvc:A:2.0.0"] == "Y",
            {"P": "partial", "T": "total"}[row["ssvc:TI:1.0.0"]],
            DAYS[row["cisa:BOD2604:1.0.0"]],
            row["cisa:BOD2604:1.0.0"] == "3DF",
        )
        for row in mapping
    ]
    rules = [rule for rule in PRESETS["bod-26-04"] if rule.name and rule.name.startswith("BOD")]
    ours = [
        (
            *(rule.exposed, rule.in_kev, rule.automatable, rule.technical_impact, rule.days),
            rule.action == "forensic triage",
        )
        for rule in rules
    ]
    assert len(theirs) == 16
    assert sorted(ours, key=str) == sorted(theirs, key=str)
    assert {rule.starts for rule in rules} == {"first_known"}


def test_bod_26_04_leaves_what_has_no_cve_to_the_scanner() -> None:
    rest = [rule for rule in PRESETS["bod-26-04"] if rule.in_kev is None]
    assert [(rule.severity, rule.days, in_words(rule)) for rule in rest] == [
        (rule.severity, rule.days, in_words(rule)) for rule in PRESETS["vendor"]
    ]


def test_the_days_of_fedramp_class_c() -> None:
    """Impact by severity, and likely exploitable by KEV or by the scanner's word."""
    found: dict[tuple[Any, ...], Any] = {}
    for rule in PRESETS["fedramp-class-c"]:
        likely = "KEV" if rule.in_kev else rule.exploit_likelihood
        found[rule.severity, likely, rule.exposed] = rule.days
    reachable = {"critical": 2, "high": 4, "medium": 16, "low": 48}
    unreachable = {"critical": 4, "high": 8, "medium": 32, "low": 128}
    unlikely = {"critical": 16, "high": 64, "medium": 128, "low": 192}
    by_exposure = {True: reachable, False: unreachable}
    expected: dict[tuple[Any, ...], Any] = {
        (severity, likely, exposed): by_exposure[exposed][severity]
        for severity, likely, exposed in product(
            reachable, ("KEV", "known", "very_likely", "likely"), (True, False)
        )
    }
    assert found == expected | {(of, None, None): days for of, days in unlikely.items()}
    # What is not likely comes after what is.
    assert [rule.severity for rule in PRESETS["fedramp-class-c"] if rule.exposed is None] == [
        *unlikely
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_no_faults(preset: str) -> None:
    rules = PRESETS[preset]
    assert list(faults(rules)) == []
    assert [rule.rank for rule in rules] == [10 * n for n in range(1, len(rules) + 1)]
    assert len({rule.name for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], []),
        (
            [Rule(1, "a", days=-1, starts="once"), Rule(None, "b", severity="High")],
            [
                "rule 1 (a): starts 'once' is unknown (known: opened_at, detected_at, kev_added_on,"
                " first_known)",
                "rule 1 (a): days is -1, a negative number",
                "rule without a rank (b): it needs a rank",
                "rule without a rank (b): severity 'High' is unknown (known: critical, high,"
                " medium, low, none)",
            ],
        ),
        (
            [Rule(1, "a", epss_at_least=1.5), Rule(2, "b", technical_impact="T", starts=None)],
            [
                "rule 1 (a): epss_at_least is 1.5, and not from 0 to 1",
                "rule 2 (b): technical_impact 'T' is unknown (known: partial, total)",
            ],
        ),
        (
            [Rule(1, "all"), Rule(2, severity="high")],
            ["rule 2: it can never apply, because rule 1 (all) comes first"],
        ),
        (
            [Rule(1, exposed=True), Rule(2, exposed=False), Rule(3, "rest", tag="pci")],
            ["rule 3 (rest): it can never apply, because the rules before it come first"],
        ),
        # What has no CVE is neither in KEV nor outside it.
        ([Rule(1, "a", in_kev=True), Rule(2, "b", in_kev=False), Rule(3, "rest")], []),
        (
            [Rule(1, "a", in_kev=True), Rule(2, "b", in_kev=False), Rule(3, "c", automatable=True)],
            ["rule 3 (c): it can never apply, because the rules before it come first"],
        ),
        (
            [Rule(1, "a", epss_at_least=0.1), Rule(2, "b", epss_at_least=0.5)],
            ["rule 2 (b): it can never apply, because rule 1 (a) comes first"],
        ),
        ([Rule(1, "a", epss_at_least=0.5), Rule(2, "b", epss_at_least=0.1)], []),
        # There may be other severities, and no end of tags.
        (
            [
                *(Rule(n, of, severity=of) for n, of in enumerate(KNOWN["severity"])),
                Rule(9, "rest"),
                Rule(9, "tagged", tag="pci"),
            ],
            [
                "rule 9 (tagged): it can never apply, because rule 9 (rest) comes first",
                "rule 9 (rest) and rule 9 (tagged): they overlap, and have the same rank",
            ],
        ),
        (
            [Rule(1, "a", tag="pci"), Rule(1, "b", tag="web"), Rule(1, "c", tag="web")],
            [
                "rule 1 (c): it can never apply, because rule 1 (b) comes first",
                "rule 1 (a) and rule 1 (b): they overlap, and have the same rank",
                "rule 1 (a) and rule 1 (c): they overlap, and have the same rank",
                "rule 1 (b) and rule 1 (c): they overlap, and have the same rank",
            ],
        ),
        (
            [Rule(1, "a", severity="high"), Rule(1, "a", severity="low")],
            ["a: several rules have this name"],
        ),
    ],
)
def test_what_is_wrong_with_rules_is_said(rules: list[Rule], expected: list[str]) -> None:
    assert list(faults(rules)) == expected


def optional(*values: Any) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(values)


conditions = st.fixed_dictionaries(
    {
        "severity": optional("critical", "high"),
        "tag": optional("pci", "web"),
        "target_type": optional("external", "cloud"),
        "in_kev": optional(True, False),
        "exposed": optional(True, False),
        "technical_impact": optional("partial", "total"),
        "epss_at_least": optional(0.1, 0.5),
    }
)
FINDINGS = [
    dict(zip(("severity", "tags", "target_type", "exposed", "cve"), values, strict=True))
    for values in product(
        ("critical", "high", "other"),
        (set(), {"pci"}, {"web"}, {"pci", "web"}),
        ("external", "cloud", None),
        (True, False),
        (None, *product((True, False), ("partial", "total"), (None, 0.2, 0.7))),
    )
]
"""A finding of each kind that these conditions tell apart."""


def fits(rule: Rule, finding: dict[str, Any]) -> bool:
    of_cve = (rule.in_kev, rule.technical_impact, rule.epss_at_least)
    if finding["cve"] is None:
        if any(condition is not None for condition in of_cve):
            return False
    else:
        in_kev, impact, epss = finding["cve"]
        if rule.in_kev not in (None, in_kev) or rule.technical_impact not in (None, impact):
            return False
        if rule.epss_at_least is not None and (epss is None or epss < rule.epss_at_least):
            return False
    return (
        all(
            getattr(rule, name) in (None, finding[name])
            for name in ("severity", "target_type", "exposed")
        )
        and rule.tag in {None} | finding["tags"]
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), conditions), max_size=7))
def test_which_rules_can_never_apply(drawn: list[tuple[int, dict[str, Any]]]) -> None:
    """Those that are the first to fit no finding of any kind. And which overlap."""
    rules = sorted((Rule(rank, f"{n}", **of) for n, (rank, of) in enumerate(drawn)), key=place_of)
    found = list(faults(rules))
    never = {fault.split(":")[0] for fault in found if "never apply" in fault}
    overlap = {fault.split(":")[0] for fault in found if "overlap" in fault}
    applied = {
        next((rule.name for rule in rules if fits(rule, finding)), None) for finding in FINDINGS
    }
    assert never == {f"rule {of.rank} ({of.name})" for of in rules if of.name not in applied}
    assert overlap == {
        f"rule {one.rank} ({one.name}) and rule {other.rank} ({other.name})"
        for place, one in enumerate(rules)
        for other in rules[place + 1 :]
        if one.rank == other.rank
        and any(fits(one, finding) and fits(other, finding) for finding in FINDINGS)
    }
    assert len(found) == len(never) + len(overlap)
