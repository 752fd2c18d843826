"""The histories: one row for each state that an issue, an occurrence or a target was in.

Some columns make a state; the others may change without a new one. Otherwise a date that changes
with every scan would begin a state with every scan.
"""

from typing import Final, NamedTuple

from scanner_sync.schema.columns import Column
from scanner_sync.schema.tables import TABLES


class History(NamedTuple):
    """What a history keeps: of which table, and in which columns."""

    table: str
    """The merged table whose states it keeps."""
    unversioned: tuple[str, ...]
    """Columns that are kept, and whose change begins no new state."""
    versioned: tuple[str, ...]
    """Columns whose change begins a new state."""


_COMMON = ("snoozed", "snooze_reason", "snooze_until", "exploit_likelihood", "cvss_score")
OCCURRENCES: Final = "occurrences_issues_history"
HISTORIES: Final = {
    "issues_history": History("issues", ("id",), ("title", "severity", *_COMMON)),
    OCCURRENCES: History(
        "occurrences_issues",
        ("id", "occurrence_id"),
        ("issue_id", "target", "port", "protocol", "first_seen_at", "cves", *_COMMON),
    ),
    "targets_history": History(
        "targets", ("id",), ("address", "display_address", "tags", "target_type", "target_status")
    ),
}
"""The histories, by the names of their tables."""
HISTORY_COLUMNS: Final = {
    "entity_key": Column("text", "Identifies the entity for good.", "812", required=True),
    "state_hash": Column(
        "text",
        "Hash of the entity's key and of the columns whose change begins a new state.",
        "8f14e45fceea...",
        required=True,
    ),
    "valid_from": Column(
        "timestamp",
        "Time of the sync that first saw the state.",
        "2026-11-20T06:00:04Z",
        required=True,
    ),
    "valid_to": Column(
        "timestamp",
        "Time of the sync that no longer saw the state; null while it is open.",
        "2026-11-24T06:00:05Z",
    ),
    "_dlt_load_id": Column(
        "text", "Load that brought the state: _dlt_loads.load_id.", "1795467916.39", required=True
    ),
    "_dlt_id": Column("text", "Random identifier of the row.", "3d6f1c52-...", required=True),
}
"""The columns that every history has; a table without one of them is not a history."""
SIGHT_COLUMNS: Final = {
    "last_seen_at": Column(
        "timestamp",
        "Time of the sync that last read the occurrences of its issue, and saw it in this state;"
        " null while the state is open.",
        "2026-11-23T06:00:04Z",
    ),
    "confirmed_at": Column(
        "timestamp",
        "Time of a later sync that missed it again, if too many were missed at once.",
        "2026-11-24T07:00:05Z",
    ),
}
"""The columns that the history of occurrences has besides."""


def columns_of(name: str) -> dict[str, Column]:
    """Return all columns of a history, in their order."""
    key = {"entity_key": HISTORY_COLUMNS["entity_key"]}
    sights = SIGHT_COLUMNS if name == OCCURRENCES else {}
    return key | kept_columns(name) | HISTORY_COLUMNS | sights


def kept_columns(name: str) -> dict[str, Column]:
    """Return the columns that a history has from its merged table."""
    history = HISTORIES[name]
    columns = TABLES[history.table].columns
    return {column: columns[column] for column in history.unversioned + history.versioned}
