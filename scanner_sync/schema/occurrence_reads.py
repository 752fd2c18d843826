"""The table `occurrence_reads`: when the occurrences of each issue were last read whole.

It has a row for each issue of the last listing.
"""

from typing import Final

from scanner_sync.schema.columns import Column, Table

READS: Final = "occurrence_reads"
"""The name of the table."""
READS_TABLE: Final = Table(
    "Issues that the last sync listed, and when their occurrences were last read, one row each.",
    ("issue_id",),
    {
        "issue_id": Column("bigint", "The issue: issues.id.", 812, True, "issues"),
        "listed_at": Column(
            "timestamp", "Time of the sync that first listed the issue.", "2026-11-20T06:00:04Z"
        ),
        "read_at": Column(
            "timestamp",
            "Time of the sync that last read its occurrences, all of them; null if none has."
            " Syncs that found nothing new are only in `syncs`, for a day at most.",
            "2026-11-24T06:00:05Z",
        ),
        "rows": Column("bigint", "How many occurrences there were.", 3),
        "issue_hash": Column(
            "text",
            "Hash of the issue's row at that time, which tells whether the issue has changed.",
            "8f14e45fceea...",
        ),
    },
)
