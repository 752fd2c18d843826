"""The merged tables, one for each listing of the API, and one for the occurrences of its issues.

The fields are the ones on which public clients of version 1 of Intruder's API agree. All but the
key's may be missing or null.
"""

from typing import Final

from scanner_sync.schema.columns import Column, Table

FIXED: Final = "fixed_occurrences"
"""The table of fixes, which the views read."""

_SNOOZED = {
    "snoozed": Column("bool", "Whether it is snoozed: hidden, but not fixed.", False),
    "snooze_reason": Column("text", "Why it is snoozed, as the API names it.", "ACCEPT_RISK"),
    "snooze_until": Column(
        "date", "Day on which the snooze ends, in UTC; null if it does not end.", "2026-12-31"
    ),
    "exploit_likelihood": Column(
        "text", "How likely an exploit is, as the API names it.", "likely"
    ),
    "cvss_score": Column("double", "CVSS base score, 0.0 to 10.0.", 7.5),
}
_TEXTS = {
    "title": Column("text", "Name of the issue, in one line.", "OpenSSH arbitrary file read"),
    "description": Column(
        "text", "What the issue is and why it matters.", "An attacker can read files ..."
    ),
    "remediation": Column("text", "What to do about it.", "Update OpenSSH."),
}
_SHARED = {
    "display_address": Column("text", "Address as the scanner displays it.", "www.example.com"),
    "extra_info": Column(
        "object", "Further details; their keys vary by issue.", {"version": "9.6"}
    ),
    "first_seen_at": Column("timestamp", "When it was first seen.", "2026-02-19T02:14:00Z"),
    "target_last_scanned_at": Column(
        "timestamp", "When its target was last scanned.", "2026-11-24T02:00:00Z"
    ),
}
"""Columns of more than one table."""

TABLES: Final = {
    "issues": Table(
        "Vulnerabilities in the account, one row each.",
        ("id",),
        {
            "id": Column("bigint", "Identifier of the issue.", 812, required=True),
            "severity": Column(
                "text", "Severity, as the API names it: critical, high, ...", "high"
            ),
            **_TEXTS,
            "occurrences": Column(
                "text",
                "URL of the issue's occurrences in the API.",
                "https://api.intruder.io/v1/issues/812/occurrences/",
            ),
            **_SNOOZED,
        },
        "issues/",
    ),
    "occurrences_issues": Table(
        "Places where an issue was found, one row each.",
        ("issue_id", "id"),
        {
            "issue_id": Column("bigint", "The issue: issues.id.", 812, True, "issues"),
            "id": Column("bigint", "Identifier of the occurrence in its issue.", 3, required=True),
            "occurrence_id": Column("bigint", "Identifier that persists between scans.", 90417),
            "target": Column("text", "Address of the target: targets.address.", "www.example.com"),
            "display_address": _SHARED["display_address"],
            "port": Column("text|bigint", "Port; text, because the API sends words, too.", 443),
            "protocol": Column("text", "Protocol, such as tcp.", "tcp"),
            "extra_info": _SHARED["extra_info"],
            "age": Column("text", "Time since it was first seen, in words: 278 days.", "278 days"),
            "first_seen_at": _SHARED["first_seen_at"],
            "target_last_scanned_at": _SHARED["target_last_scanned_at"],
            "cves": Column("array", "Array of CVE identifiers.", ["CVE-2026-1234"]),
            **_SNOOZED,
        },
    ),
    "scans": Table(
        "Scans of the account, one row each.",
        ("id",),
        {
            "id": Column("bigint", "Identifier of the scan.", 4711, required=True),
            "status": Column("text", "Status, as the API names it.", "completed"),
            "created_at": Column("timestamp", "When the scan was created.", "2026-11-24T02:00:00Z"),
            "scan_type": Column("text", "Type, as the API names it.", "assessment_schedule"),
            "schedule_period": Column("text", "How often a scheduled scan repeats.", "weekly"),
        },
        "scans/",
    ),
    "targets": Table(
        "Hosts, addresses and applications that are scanned, one row each.",
        ("id",),
        {
            "id": Column("bigint", "Identifier of the target.", 57, required=True),
            "address": Column("text", "Host name, IP address or URL.", "www.example.com"),
            "display_address": _SHARED["display_address"],
            "tags": Column("array", "Array of tags; a tag may be null.", ["production", "pci"]),
            "has_api_schemas": Column("bool", "Whether API schemas were uploaded for it.", False),
            "has_authentications": Column("bool", "Whether authenticated scans are set up.", True),
            "license_type": Column("text", "License that the target uses.", "infrastructure"),
            "target_status": Column("text", "Status, as the API names it.", "live"),
            "target_type": Column("text", "Type, as the API names it.", "external"),
            "waf_provider": Column(
                "text", "Web application firewall in front of it.", "cloudflare"
            ),
            # No public client declares the type of this one, so any is accepted.
            "waf_interference": Column("any", "Whether a firewall interferes with scans.", False),
        },
        "targets/",
    ),
    FIXED: Table(
        "Occurrences that were fixed, one row each time.",
        ("occurrence_id", "remediated_at"),
        {
            "occurrence_id": Column(
                "bigint", "The occurrence: occurrences_issues.occurrence_id.", 90417, required=True
            ),
            "remediated_at": Column(
                "timestamp",
                "When the scanner found it fixed.",
                "2026-11-20T02:10:00Z",
                required=True,
            ),
            "id": Column("bigint", "Identifier of the occurrence in its issue.", 3),
            **_TEXTS,
            "severity": Column("text", "Severity, as the API names it.", "high"),
            "display_address": _SHARED["display_address"],
            "affected_host": Column("text", "Host on which it was found.", "www.example.com"),
            "affected_port": Column("bigint", "Port on which it was found.", 443),
            "cvss_score": _SNOOZED["cvss_score"],
            "exploit_likelihood": _SNOOZED["exploit_likelihood"],
            "extra_info": _SHARED["extra_info"],
            "first_seen_at": _SHARED["first_seen_at"],
            "due_date": Column(
                "date", "Day by which it was to be fixed, by the scanner's goals.", "2026-03-21"
            ),
            "host_state": Column("text", "Status of the host, as the API names it.", "live"),
            "target_last_scanned_at": _SHARED["target_last_scanned_at"],
            "tags": Column("array", "Array of the target's tags.", ["production", "pci"]),
        },
        "occurrences/fixed/",
        is_optional=True,
    ),
    "scan_schedules": Table(
        "Schedules of scans, one row each.",
        ("id",),
        {
            "id": Column("bigint", "Identifier of the schedule.", 31, required=True),
            "name": Column("text", "Name of the schedule.", "Weekly, production"),
            "schedule_period": Column("text", "How often it scans, as the API names it.", "weekly"),
            "status": Column("text", "Status, as the API names it.", "active"),
            "first_scan_time": Column(
                "timestamp", "When its first scan starts.", "2026-01-05T02:00:00Z"
            ),
            "next_scan_date": Column(
                "timestamp",
                "When its next scan starts; at midnight if the API gives only the day.",
                "2026-11-30",
            ),
            "latest_scan_id": Column("bigint", "Its latest scan: scans.id.", 4711),
            "latest_scan_status": Column("text", "Status of its latest scan.", "completed"),
            "last_scan_start_time": Column(
                "timestamp", "When its latest scan started.", "2026-11-23T02:00:00Z"
            ),
            "last_scan_end_time": Column(
                "timestamp", "When its latest scan ended.", "2026-11-23T04:12:00Z"
            ),
            "targets": Column("array", "Array of the targets that it scans: targets.id.", [57]),
            "target_tags": Column(
                "array", "Array of tags; it scans the targets that have them.", ["production"]
            ),
            "scan_all_targets": Column("bool", "Whether it scans all targets.", False),
            "throttled": Column("bool", "Whether its scans are slowed down.", False),
            "web_ports_only": Column("bool", "Whether it scans web ports alone.", False),
            "upload_to_drata": Column("bool", "Whether results are sent to Drata.", False),
            "upload_to_vanta": Column("bool", "Whether results are sent to Vanta.", False),
        },
        "scans/schedules/",
        is_optional=True,
    ),
    "tags": Table(
        "Tags of targets, one row each.",
        ("name",),
        {"name": Column("text", "The tag.", "production", required=True)},
        "tags/",
        is_optional=True,
    ),
    "licenses": Table(
        "Licenses of the account, one row for each day with a sync.",
        ("recorded_on",),
        {
            "recorded_on": Column(
                "date",
                "Day of the last sync that recorded them, in UTC.",
                "2026-11-24",
                required=True,
            )
        }
        | {
            f"{count}_{kind}_licenses": Column(
                "bigint", f"{kind.title()} licenses{which}.", example
            )
            for kind in ("infrastructure", "application")
            for count, which, example in (
                ("total", " in all", 50),
                ("available", " that no target uses", 8),
                ("consumed", " that targets use", 42),
            )
        },
        "licenses/",
        is_optional=True,
    ),
}
