"""The four tables: their columns, types, keys, and what each means.

This is the one declaration. dlt creates the tables from it, also when a listing is empty or a
column is null in every row; BigQuery's console shows the descriptions. The fields are those of
version 1 of the scanner's API, as its public clients agree on them; every one but `id` may be
missing or null.
"""

from typing import Final, Literal, NamedTuple

ColumnType = Literal[
    "bigint",
    "text",
    "text|bigint",
    "bool",
    "double",
    "date",
    "timestamp",
    "array",
    "object",
    "array|object",
    "any",
]


class Column(NamedTuple):
    """A column: its type, its meaning, and whether each row must have it.

    The types are dlt's, but for these: `array`, `object` and `any` are JSON columns in BigQuery,
    and say what JSON is taken into them; `text|bigint` is text, and a number is written as such.
    """

    type: ColumnType
    description: str
    required: bool = False


class Table(NamedTuple):
    """A table: its meaning, the columns that tell its rows apart, and all of its columns."""

    description: str
    key: tuple[str, ...]
    columns: dict[str, Column]


# dlt writes these two itself. They are declared because BigQuery adds no required column to a table
# that is there already, such as one that was created while its listing was empty.
DLT_COLUMNS: Final = {
    "_dlt_load_id": Column("text", "Load that last wrote the row: _dlt_loads.load_id.", True),
    "_dlt_id": Column("text", "Hash of the row's key, made by dlt.", True),
}

_SNOOZED = {
    "snoozed": Column("bool", "Whether it is snoozed: hidden from the open ones, not fixed."),
    "snooze_reason": Column("text", "Why it is snoozed, as the API names it."),
    "snooze_until": Column("date", "Day on which the snooze ends; null where it has no end."),
    "exploit_likelihood": Column("text", "How likely an exploit is, as the API names it."),
    "cvss_score": Column("double", "CVSS base score, 0.0 to 10.0."),
}

TABLES: Final = {
    "issues": Table(
        "Vulnerabilities that the scanner knows in the account, one row each.",
        ("id",),
        {
            "id": Column("bigint", "Identifier of the issue.", required=True),
            "severity": Column("text", "Severity, as the API names it: critical, high, ..."),
            "title": Column("text", "One line that names the issue."),
            "description": Column("text", "What the issue is and why it matters."),
            "remediation": Column("text", "What to do about it."),
            "occurrences": Column("text", "URL of the issue's occurrences in the API."),
            **_SNOOZED,
        },
    ),
    "occurrences_issues": Table(
        "Places where an issue was found, one row for each place.",
        ("issue_id", "id"),
        {
            "issue_id": Column("bigint", "The issue that occurs: issues.id.", required=True),
            "id": Column("bigint", "Identifier of the occurrence in its issue.", required=True),
            "occurrence_id": Column("bigint", "Identifier that persists between scans."),
            "target": Column("text", "Address of the target: targets.address."),
            "display_address": Column("text", "Address as the scanner's own pages show it."),
            "port": Column("text|bigint", "Port; text, because the API also sends words."),
            "protocol": Column("text", "Protocol, such as tcp."),
            "extra_info": Column("object", "Further details; their keys vary by issue."),
            "age": Column("text", "Time since it was first seen, in words: 278 days."),
            "first_seen_at": Column("timestamp", "When it was first seen."),
            "target_last_scanned_at": Column("timestamp", "When its target was last scanned."),
            "cves": Column("array", "Array of CVE identifiers."),
            **_SNOOZED,
        },
    ),
    "scans": Table(
        "Scans of the account, one row each.",
        ("id",),
        {
            "id": Column("bigint", "Identifier of the scan.", required=True),
            "status": Column("text", "Status, as the API names it."),
            "created_at": Column("timestamp", "When the scan was created."),
            "scan_type": Column("text", "Type, as the API names it."),
            "schedule_period": Column("text", "How often it repeats, where it is scheduled."),
        },
    ),
    "targets": Table(
        "What is scanned: hosts, addresses, applications, one row each.",
        ("id",),
        {
            "id": Column("bigint", "Identifier of the target.", required=True),
            "address": Column("text", "Host name, IP address or URL."),
            "display_address": Column("text", "Address as the scanner's own pages show it."),
            "tags": Column("array", "Array of tags; a tag may be null."),
            "has_api_schemas": Column("bool", "Whether API schemas were uploaded for it."),
            "has_authentications": Column("bool", "Whether it is scanned logged in."),
            "license_type": Column("text", "Licence that the target uses."),
            "target_status": Column("text", "Status, as the API names it."),
            "target_type": Column("text", "Type, as the API names it."),
            "waf_provider": Column("text", "Web application firewall in front of it."),
            # No public client says which type this one has, so any is taken.
            "waf_interference": Column("any", "Whether a firewall interferes with scans."),
        },
    ),
}
