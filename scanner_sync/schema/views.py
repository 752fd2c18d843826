"""The views on the findings: what is open now, and each time that an issue was open."""

from typing import Final

from scanner_sync.schema.columns import Column, Table
from scanner_sync.schema.findings import FINDINGS_TABLE
from scanner_sync.schema.tables import TABLES

_FINDING = FINDINGS_TABLE.columns
_ISSUE = TABLES["issues"].columns
_OPEN = (
    "closed_at",
    "close_reason",
    "accepted_at",
    "goal_from",
    "goal_days",
    "met_sla",
    "updated_at",
    "entity_key",
)
_DAYS = {
    "days_open": Column("double", "Days from `opened_at` to `closed_at`, or to now.", 277.9972222)
}
_LIFECYCLE = {
    "id": Column("bigint", "The issue: issues.id.", 812),
    "times_reopened": _FINDING["times_reopened"],
    "title": _FINDING["title"],
    "severity": _FINDING["severity"],
    "severity_rank": _FINDING["severity_rank"],
    "in_kev": _FINDING["in_kev"],
    "epss": _FINDING["epss"],
    "snoozed": Column(
        "bool", "Whether all of its findings are snoozed; while one is open, all open ones.", False
    ),
    "to_do": Column(
        "bool", "Whether one of its findings is to do: open, not snoozed, its target there.", True
    ),
    "findings": Column("bigint", "How many findings it has, open and closed.", 3),
    "open_findings": Column("bigint", "How many of these are open, snoozed ones among them.", 1),
    "opened_at": Column(
        "timestamp", "When the first of its findings opened.", "2026-02-19T02:14:00Z"
    ),
    "detected_at": _FINDING["detected_at"],
    "last_seen_at": _FINDING["last_seen_at"],
    "closed_at": Column(
        "timestamp",
        "When the last of its findings closed; null while one is open.",
        "2026-11-24T02:10:00Z",
    ),
    "close_reason": Column("text", "Why the last of them closed; null while one is open.", "fixed"),
    **_DAYS,
    "due_at": Column(
        "timestamp", "When the first of its findings is to be fixed.", "2026-03-21T02:14:00Z"
    ),
    "overdue": Column("bool", "Whether one that is to do is past its `due_at`.", False),
    "met_sla": Column("bool", "Whether all were closed in time; null while one is open.", False),
}
VIEW_TABLES: Final = {
    "open_findings": Table(
        "Findings that are open now, one row each.",
        ("finding_id",),
        {name: of for name, of in _FINDING.items() if name not in _OPEN}
        | _DAYS
        | {
            "to_do": Column(
                "bool",
                "Whether there is something to do: it is not snoozed, and its target is not"
                " deleted.",
                True,
            ),
            "overdue": Column("bool", "Whether it is to do, and `due_at` has passed.", False),
            "description": _ISSUE["description"],
            "remediation": _ISSUE["remediation"],
        },
    ),
    "issue_lifecycle": Table(
        "Each time that an issue was open: from its first finding to its last, one row each.",
        ("id", "times_reopened"),
        _LIFECYCLE,
    ),
    "open_issues": Table(
        "Issues that are open now, one row each.",
        ("id",),
        {
            name: (_LIFECYCLE | _ISSUE)[name]
            for name in (
                *("id", "title", "severity", "severity_rank", "in_kev", "epss"),
                *("snoozed", "to_do"),
                *("exploit_likelihood", "cvss_score", "findings", "open_findings", "opened_at"),
                *("times_reopened", "days_open", "due_at", "overdue", "description"),
                "remediation",
            )
        },
    ),
}
"""The views with their columns, and the columns that tell their rows apart."""
