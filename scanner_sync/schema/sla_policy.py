"""The table `sla_policy`: the rules by which findings are due, which the user may change."""

from typing import Final

from scanner_sync.schema.columns import Column, Table

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
