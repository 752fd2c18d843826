"""The rules by which findings are due, which the user may change: the table `sla_policy`."""

import contextlib
import io
import json
import uuid
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final, NamedTuple

from google.api_core.exceptions import Conflict
from google.cloud import bigquery

from scanner_sync.tables import Column, Table
from scanner_sync.warehouse.connection import Connection, schema_of
from scanner_sync.warehouse.jobs import repeat, start_load

SLA: Final = "sla_policy"
"""The name of the table."""

SLA_TABLE: Final = Table(
    "The rules that say when a finding is due. The first that fits it counts, and a condition that"
    " is null fits all. Yours to edit.",
    ("rank",),
    {
        "rank": Column("bigint", "Its place among the rules: the lowest is tried first.", 20),
        "name": Column("text", "The rule in words: findings.due_rule.", "high"),
        "severity": Column(
            "text", "Condition: severity, as the API names it; `none` for none.", "high"
        ),
        "tag": Column("text", "Condition: a tag of the target.", "production"),
        "target_type": Column(
            "text", "Condition: type of the target, as the API names it.", "external"
        ),
        "exploit_likelihood": Column(
            "text", "Condition: how likely an exploit is, as the API names it.", "known"
        ),
        "in_kev": Column("bool", "Condition: whether the CVE is in CISA's KEV catalog.", True),
        "exposed": Column("bool", "Condition: findings.exposed.", True),
        "automatable": Column(
            "bool", "Condition: whether an attack on the CVE can be automated.", True
        ),
        "technical_impact": Column(
            "text", "Condition: what an attack on the CVE gains, partial or total control.", "total"
        ),
        "epss_at_least": Column(
            "double", "Condition: the least EPSS score of the CVE, 0 to 1.", 0.1
        ),
        "days": Column(
            "bigint",
            "Days within which it is to be fixed, without snoozed time; null: with the next"
            " upgrade, so it is never due.",
            30,
        ),
        "starts": Column(
            "text",
            "When the days begin: `opened_at` (also if it is null), `detected_at`, `kev_added_on`,"
            " or `first_known`, the earlier of `kev_added_on` and `opened_at`.",
            "opened_at",
        ),
        "action": Column("text", "What else to do, in words.", "forensic triage"),
    },
)


class Rule(NamedTuple):
    """A row of `sla_policy`. What is None fits everything; see `SLA_TABLE`."""

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
            name=f"BOD 26-04: {_words(words)}, {impact} impact",
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
    action = "accept the risk if it is open for more than 192 days"
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


def write_policy(connection: Connection, rules: Iterable[Rule], *, replace: bool = False) -> None:
    """Write `sla_policy` with these rules, by one load job, which is free.

    Raises Google's errors, and leaves no table without its rows. Unless it is to be replaced, a
    table that was made in the meantime is left as it is.
    """
    rows = (json.dumps(rule._asdict()) for rule in rules)
    client, job_id = connection.client, str(uuid.uuid4())
    disposition = bigquery.WriteDisposition
    job = start_load(
        client,
        job_id,
        lambda: client.load_table_from_file(
            io.BytesIO("\n".join(rows).encode()),
            f"{connection.name}.{SLA}",
            job_id=job_id,
            job_config=bigquery.LoadJobConfig(
                schema=schema_of(SLA_TABLE.columns),
                source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                destination_table_description=SLA_TABLE.description,
                write_disposition=disposition.WRITE_TRUNCATE
                if replace
                else disposition.WRITE_EMPTY,
            ),
        ),
    )
    with contextlib.suppress(*([] if replace else [Conflict])):  # it was made in the meantime
        job.result(retry=repeat("LOAD"))
