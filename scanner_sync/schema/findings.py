"""The conclusions: when each finding opened, was due and closed, and what that comes to by week."""

from datetime import timedelta
from typing import Final

from scanner_sync.schema.columns import Column, Table
from scanner_sync.schema.cve_intelligence import INTELLIGENCE, INTELLIGENCE_TABLE
from scanner_sync.schema.histories import HISTORY_COLUMNS
from scanner_sync.schema.occurrence_reads import READS, READS_TABLE
from scanner_sync.schema.tables import TABLES

FINDINGS: Final = "findings"
SYNCS: Final = "syncs"
METRICS: Final = "remediation_metrics"
UNSCANNED_AFTER: Final = timedelta(days=14)
"""Time without a scan after which a target is named."""
_OCCURRENCE = TABLES["occurrences_issues"].columns
_TARGET = TABLES["targets"].columns
FINDINGS_TABLE: Final = Table(
    "Each time that an occurrence was open, one row each. Open rows follow what the API says; a"
    " closed row stays as it was when it closed.",
    ("finding_id",),
    {
        "finding_id": Column(
            "text", "Identifies the finding for good.", "90417@1763618404000000", required=True
        ),
        "entity_key": HISTORY_COLUMNS["entity_key"]._replace(example="90417"),
        "occurrence_id": _OCCURRENCE["occurrence_id"],
        "issue_id": _OCCURRENCE["issue_id"]._replace(
            description="The issue: issues.id. Null if it was fixed before a sync saw it.",
            required=False,
        ),
        "times_reopened": Column("bigint", "How often it had been open and closed before.", 0),
        "title": Column("text", "Title of its issue.", "OpenSSH arbitrary file read"),
        "severity": Column("text", "Severity of its issue.", "high"),
        "severity_rank": Column(
            "bigint",
            "1 for critical, 2 for high, 3 for medium, 4 for low, 5 for any other, 6 without one.",
            2,
        ),
        "cvss_score": _OCCURRENCE["cvss_score"],
        "exploit_likelihood": _OCCURRENCE["exploit_likelihood"],
        "cves": Column("text[]", "CVE identifiers, sorted, in capitals.", ["CVE-2026-1234"]),
        "in_kev": Column(
            "bool",
            "Whether one of its CVEs is in KEV, CISA's catalog of CVEs that are exploited in the"
            " wild; null if that is not known.",
            True,
        ),
        "kev_due_on": Column(
            "date", "The earliest day by which KEV wants one of them fixed.", "2026-12-01"
        ),
        "epss": Column("double", "The highest EPSS score of its CVEs, 0 to 1.", 0.94321),
        "host": Column("text", "Address of its target: targets.address.", "www.example.com"),
        "port": Column("bigint", "Port, if it is a number.", 443),
        "protocol": _OCCURRENCE["protocol"],
        "target_id": Column(
            "bigint", "The target with that address: targets.id.", 57, references="targets"
        ),
        "target_type": _TARGET["target_type"],
        "target_status": _TARGET["target_status"]._replace(
            description="Status of the target, as the API names it; `deleted` if the target is no"
            " longer listed while the finding is."
        ),
        "tags": Column("text[]", "Tags of the target, sorted.", ["pci", "production"]),
        "exposed": Column(
            "bool",
            "Whether the target counts as reachable from the internet: `target_type` is external,"
            " unless a tag in `EXPOSED_TAGS` or `INTERNAL_TAGS` says otherwise.",
            True,
        ),
        "opened_at": Column(
            "timestamp",
            "When it was first seen, or, if it had been closed before, seen again.",
            "2026-02-19T02:14:00Z",
        ),
        "detected_at": Column(
            "timestamp",
            "Time of the sync that first saw it, this time; null if none did.",
            "2026-11-20T06:00:04Z",
        ),
        "last_seen_at": Column(
            "timestamp",
            "Time of the sync that last saw it, before its fix if it has one. While it is open, "
            "syncs that found nothing new are only in `syncs`, for a day at most.",
            "2026-11-23T06:00:04Z",
        ),
        "closed_at": Column(
            "timestamp",
            "When the scanner found it fixed, or the time of the sync that no longer saw it; null"
            " while it is open.",
            "2026-11-24T02:10:00Z",
        ),
        "close_reason": Column(
            "text",
            "fixed, target_removed, target_not_scanned or not_reported; null while it is open.",
            "fixed",
        ),
        "snoozed": Column("bool", "Whether the occurrence or its issue is snoozed.", False),
        "triage": Column(
            "text",
            "open, or why it is snoozed: accepted_risk, false_positive, mitigated, snoozed.",
            "open",
        ),
        "snooze_until": Column("date", "Day on which the snooze ends, in UTC.", "2026-12-31"),
        "accepted_at": Column(
            "timestamp",
            "When a sync first saw it accepted as a risk, or as a false positive.",
            "2026-11-21T06:00:04Z",
        ),
        "due_rule": Column(
            "text",
            "The rule of `sla_policy` that says when it is due: its `name`. Null if none fits.",
            "high",
        ),
        "cve_to_fix": Column(
            "text",
            "The CVE that makes it due then; of several, one in KEV, and then the one with the"
            " highest EPSS score. Null if nothing is known of its CVEs.",
            "CVE-2026-1234",
        ),
        "goal_from": Column(
            "timestamp", "When the days of its goal begin to count.", "2026-02-19T02:14:00Z"
        ),
        "goal_days": Column("bigint", "Days of its goal, by `sla_policy`.", 30),
        "due_at": Column(
            "timestamp",
            "When it is to be fixed: snoozed time is left out. Null without a goal, and while it is"
            " snoozed without an end.",
            "2026-03-21T02:14:00Z",
        ),
        "met_sla": Column(
            "bool",
            "Whether it was closed by `due_at`; null while it is open, and if it ended with its"
            " target.",
            False,
        ),
        "updated_at": Column(
            "timestamp", "Time of the sync that last wrote the row.", "2026-11-24T06:00:05Z"
        ),
    },
    clustered_by=("closed_at", "severity_rank"),
)
"""The columns of `findings`."""
SYNCS_TABLE: Final = Table(
    "What each sync read, and how many occurrences it missed, one row each.",
    ("synced_at",),
    {
        "synced_at": Column(
            "timestamp", "Time of the sync.", "2026-11-24T06:00:05Z", required=True
        ),
        "load_id": Column("text", "Its load: _dlt_loads.load_id.", "1795467916.39"),
        "tables": Column("text[]", "The tables that it read.", ["issues", "targets"]),
        "unread_issues": Column("bigint[]", "Issues whose occurrences it did not read.", [813]),
        "read_issues": Column(
            "bigint[]",
            "Issues whose occurrences it read, if these are fewer; then `unread_issues` is empty."
            " If there were none, `tables` is without `occurrences_issues`.",
            [815],
        ),
        "empty_issues": Column("bigint[]", "Issues that it listed without an occurrence.", [814]),
        "open_before": Column("bigint", "Occurrences that were open before it.", 420),
        "disappeared": Column("bigint", "Occurrences that it missed, and that are not fixed.", 3),
        "is_held": Column(
            "bool",
            "Whether these are too many, and stay open until a sync misses them again.",
            False,
        ),
        "dates_not_believed": Column(
            "bigint",
            "Dates of the API that cannot be true: before 1990, in the future, or after a sync saw"
            " what they date.",
            0,
        ),
        "scanned_since": Column(
            "date",
            "Day since which the targets in `scanned_targets` were scanned, 14 days before the"
            " sync. Null if it did not ask, which is done once a day, or the API does not say.",
            "2026-11-10",
        ),
        "scanned_targets": Column(
            "bigint[]", "Targets that were scanned since then: targets.id.", [57]
        ),
    },
    clustered_by=("synced_at",),
)
"""The columns of `syncs`."""
METRICS_TABLE: Final = Table(
    "How findings are fixed, one row for each week and severity. A week is final eight days after"
    " its end, and then its rows stay as they are.",
    ("week", "severity"),
    {
        "week": Column("date", "The week, by its Monday, in UTC.", "2026-11-23", required=True),
        "severity": Column(
            "text", "Severity; `all` for all together, `none` without one.", "high", required=True
        ),
        "open": Column("bigint", "Findings that were open at the end of the week, or now.", 42),
        "opened": Column("bigint", "Findings that opened in the week.", 5),
        "closed": Column("bigint", "Findings that closed in the week, for any reason.", 7),
        "corrected": Column(
            "bigint",
            "What was learned in the week of earlier weeks: how many more were open than they say.",
            0,
        ),
        "fixed": Column("bigint", "Closed findings that the scanner lists as fixed.", 4),
        "not_reported": Column(
            "bigint",
            "Closed findings that the scanner no longer reports: fixed between two syncs.",
            2,
        ),
        "reopened": Column("bigint", "Opened findings that had been closed before.", 1),
        "mean_days_to_fix": Column(
            "double", "Mean days from opening to closing of `fixed` and `not_reported`.", 31.5
        ),
        "median_days_to_fix": Column("double", "Their median.", 24.0),
        "kaplan_meier_days_to_fix": Column(
            "double",
            "Days within which half are fixed, as estimated over 26 weeks with what is still open"
            " counted; null if not half are.",
            38.2,
        ),
        "share_fixed_90_days": Column(
            "double",
            "Share that is fixed within 90 days, by the same 26 weeks, where what ends otherwise is"
            " never fixed.",
            0.71,
        ),
        "mean_days_open": Column("double", "Mean age of `open`.", 61.7),
        "due": Column("bigint", "Findings that were due in the week.", 6),
        "met": Column("bigint", "Due findings that were fixed by then.", 5),
        "share_in_time": Column("double", "Share of `due` that is `met`, 0 to 1.", 0.8333333),
        "fixed_in_time": Column(
            "double", "Share of the week's fixes with a goal that met it, 0 to 1.", 0.8333333
        ),
        "overdue": Column("bigint", "Open findings that were overdue, and not snoozed.", 9),
        "reconstructed": Column(
            "bool",
            "Whether the week ended before the first sync, and is from the API's dates.",
            False,
        ),
        "measured_at": Column(
            "timestamp", "Time of the sync that last wrote the row.", "2026-11-24T06:00:05Z"
        ),
    },
)
"""The columns of `remediation_metrics`."""
CONCLUSIONS: Final = {FINDINGS: FINDINGS_TABLE, METRICS: METRICS_TABLE, SYNCS: SYNCS_TABLE}
"""These tables by name."""
OWN_TABLES: Final = {READS: READS_TABLE, INTELLIGENCE: INTELLIGENCE_TABLE} | CONCLUSIONS
"""All tables of this program that keep no states, but `sla_policy`, which is the user's."""
