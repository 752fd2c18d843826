"""When a sync need not conclude anything, because nothing can have changed since the last one did.

The script of `completion` says until when what it concluded stays as it is, and the lease remembers
that. Until then, a sync whose rows the tables hold already, and that finds all tables as the script
left them, only writes its row in `syncs`. What follows from that row is written by the next script:
in `occurrence_reads`, when occurrences were last read, and in `findings`, when they were last seen.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from google.cloud import bigquery

from scanner_sync.plan import ListedIssue
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from scanner_sync.schema.findings import CONCLUSIONS, OWN_TABLES, SYNCS
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.sla_policy import SLA
from scanner_sync.schema.tables import FIXED
from scanner_sync.warehouse.connection import Connection, milliseconds_of, statement
from scanner_sync.warehouse.findings import conclude
from scanner_sync.warehouse.history import merge_history

EVIDENCE: Final = frozenset({"issues", "occurrences_issues", "targets"})
"""Tables that a sync has to read, so that no closing waits for another one."""
_READ: Final = (SLA, INTELLIGENCE, FIXED)
"""Tables that the script reads, besides those that were synced."""
_WRITTEN: Final = (READS, *HISTORIES, *CONCLUSIONS)
"""Tables that it writes."""

NOT_SETTLED: Final = {"until": ""}
"""The labels if the next sync has to conclude whatever it finds."""


class Settled(NamedTuple):
    """Until when, and under which conditions, everything stays as the last script left it.

    Times are BigQuery's, in milliseconds since 1970.
    """

    until: int
    """When time alone may change something."""
    began: int
    """When the script began, which has read all tables as they were then."""
    ended: int
    """When it ended, after it had changed some of them."""
    noted: int
    """The same, or when a sync since then added its row to `syncs`."""
    conditions: str
    """What `conditions` returned."""

    @classmethod
    def read(cls, labels: Mapping[str, str]) -> Self | None:
        """Return what the labels say, or None if they say something else, or nothing."""
        texts = [labels.get(name, "") for name in cls._fields]
        if not all(re.fullmatch("[0-9]{1,13}", text) for text in texts[:-1]):
            return None
        return cls(*map(int, texts[:-1]), texts[-1])  # type: ignore[call-arg,arg-type]

    def labels(self) -> dict[str, str]:
        """Return the values of labels that say the same."""
        return {name: str(value) for name, value in self._asdict().items()}

    def holds(
        self, existing: Mapping[str, bigquery.Table], synced: Iterable[str], found: str
    ) -> bool:
        """Tell whether the conditions that were `found` are these, and no table was changed since.

        If the occurrences of some issues were left out, reading them may bring something to light
        although they are as they were: that a fix was none.
        """
        kind, _, of = found.partition("_")
        known, _, before = self.conditions.partition("_")
        return (
            of == before
            and (kind == "none" or kind == known == "all")
            and self.is_untouched(existing, synced)
            # Such a table gets its keys from the sync after the one that made it.
            and all(existing[name].table_constraints for name in OWN_TABLES)
        )

    def is_untouched(self, existing: Mapping[str, bigquery.Table], synced: Iterable[str]) -> bool:
        """Tell whether no table was changed since the script, these of a load among them."""
        # What others change while the script runs ends it if it writes the table, too.
        changed = dict.fromkeys({*_READ, *synced}, self.began)
        changed |= dict.fromkeys(_WRITTEN, self.ended) | {SYNCS: self.noted}
        return all(
            name in existing and milliseconds_of(existing[name]) <= moment
            for name, moment in changed.items()
        )

    def is_behind(self, existing: Mapping[str, bigquery.Table]) -> bool:
        """Tell whether something was added to `syncs` since the script."""
        return SYNCS in existing and milliseconds_of(existing[SYNCS]) > self.ended


def conditions(
    rows: Mapping[str, int],
    listed: Sequence[ListedIssue] | None,
    unavailable: Collection[str],
    *tags: Collection[str],
) -> str:
    """Return in short what the conclusions depend on besides tables and time.

    It begins with how many issues' occurrences were read: `all`, `some` or `none`. It is empty if
    too little else was read: then the next sync may find something to conclude.
    """
    if listed is None or EVIDENCE & {*unavailable} or not rows.keys() >= {*EVIDENCE, FIXED}:
        return ""
    statements = [*conclude(), *(merge_history(name, "") for name in HISTORIES)]
    told = [sorted(rows), sorted(unavailable), *(sorted(of) for of in tags), *statements]
    digest = hashlib.blake2b(json.dumps(told).encode(), digest_size=8).hexdigest()
    if all(issue.rows is not None for issue in listed):
        return f"all_{digest}"
    are_left_out = all(issue.rows is None and issue.issue_hash is None for issue in listed)
    return f"{'none' if are_left_out else 'some'}_{digest}"


def settle(
    until: datetime | None, began: datetime, ended: datetime, conditions: str
) -> Settled | None:
    """Return what the next sync has to know of a script, or None if it has to run it, too."""
    if until is None or not conditions:
        return None
    last, first, end = (int(moment.timestamp() * 1000) for moment in (until, began, ended))
    return Settled(last, first, end, end, conditions)


def note_unchanged(
    connection: Connection, settled: Settled, parameters: Iterable[bigquery.ScalarQueryParameter]
) -> Settled | None:
    """Write the row of a sync that found everything as it was, and return what holds from now on.

    `parameters` are `tables`, `listed` and `scanned` of the script. Returns None, and has written
    nothing, if it is too late, or another row has come. Runs a query.
    """
    times = [
        bigquery.ScalarQueryParameter(name, "TIMESTAMP", datetime.fromtimestamp(ms / 1000, UTC))
        for name, ms in {"until": settled.until, "known": settled.noted + 1}.items()
    ]
    written = connection.run(statement("unchanged"), *parameters, *times)
    if not written.num_dml_affected_rows:
        return None
    table = connection.client.get_table(f"{connection.name}.{SYNCS}")
    return settled._replace(noted=milliseconds_of(table))
