"""The rows that follow from other rows."""

from datetime import datetime, timedelta
from typing import Any

from sample_api.words import GOALS

Row = dict[str, Any]
"""One row as the API sends it: a JSON object."""


def time_text(moment: datetime) -> str:
    """Return a time in UTC as the API writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def days_open(occurrence: Row) -> int:
    """Return the number in an occurrence's age."""
    return int(occurrence["age"].split(maxsplit=1)[0])


def fixed_row(issue: Row, occurrence: Row, target: Row, remediated_at: datetime) -> Row:
    """Return the row of an occurrence in the listing of fixed ones.

    That listing takes ``first_seen_at`` as never null. Where the occurrence has none, its age
    tells.
    """
    seen = remediated_at - timedelta(days=days_open(occurrence))
    first_seen_at = occurrence["first_seen_at"] or time_text(seen)
    due = datetime.fromisoformat(first_seen_at) + timedelta(days=GOALS[issue["severity"]])
    port = occurrence["port"]
    return {
        "id": occurrence["id"],
        "occurrence_id": occurrence["occurrence_id"],
        "title": issue["title"],
        "description": issue["description"],
        "remediation": issue["remediation"],
        "severity": issue["severity"],
        "display_address": occurrence["display_address"] or occurrence["target"],
        "affected_host": occurrence["target"],
        "affected_port": None if port is None else int(port),
        "cvss_score": occurrence["cvss_score"],
        "exploit_likelihood": occurrence["exploit_likelihood"],
        "extra_info": occurrence["extra_info"],
        "first_seen_at": first_seen_at,
        "remediated_at": time_text(remediated_at),
        "due_date": None if occurrence["snoozed"] else due.date().isoformat(),
        "host_state": target.get("target_status"),
        "target_last_scanned_at": time_text(remediated_at),
        "tags": list(target.get("tags") or ()),
    }


def tag_rows(targets: list[Row]) -> list[Row]:
    """Return a row for each tag that a target has, by name."""
    names = {name for target in targets for name in target["tags"] if name is not None}
    return [{"name": name} for name in sorted(names)]


def license_row(targets: list[Row]) -> Row:
    """Return how many licenses these targets consume, of a total in steps of 25."""
    row: Row = {}
    for kind in ("infrastructure", "application"):
        consumed = sum(target["license_type"] == kind for target in targets)
        total = -(-consumed // 25) * 25
        counts = {"total": total, "available": total - consumed, "consumed": consumed}
        row |= {f"{what}_{kind}_licenses": count for what, count in counts.items()}
    return row
