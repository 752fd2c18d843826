"""BigQuery: all that a sync does in the dataset. Nothing here knows the API.

This is the door: what is above the warehouse imports from here alone.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from scanner_sync.deadline import Deadline
from scanner_sync.errors import SyncError
from scanner_sync.progress import Progress
from scanner_sync.warehouse import completion, intelligence, names, query, reads, sla, status
from scanner_sync.warehouse.combined import accounts_of, combine
from scanner_sync.warehouse.completion import Completion
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.held import Held, day_of, find_held, is_untouched, note_held
from scanner_sync.warehouse.intelligence import intelligence_state
from scanner_sync.warehouse.jobs import Guard
from scanner_sync.warehouse.lease import Lease
from scanner_sync.warehouse.memory import NO_CHANGE, Unsignaled
from scanner_sync.warehouse.origin import check_api, is_other_token, knows_target
from scanner_sync.warehouse.settled import NOT_SETTLED, Settled
from scanner_sync.warehouse.sla import read_rules
from scanner_sync.warehouse.status import LATE_AFTER, describe_loud, describe_state, summarize

if TYPE_CHECKING:
    from scanner_sync.warehouse.pipeline import Load

__all__ = [
    "LATE_AFTER",
    "NOT_SETTLED",
    "NO_CHANGE",
    "Completion",
    "Connection",
    "Lease",
    "Settled",
    "Unsignaled",
    "Warehouse",
    "accounts_of",
    "check_api",
    "combine",
    "day_of",
    "describe_loud",
    "describe_state",
    "find_held",
    "intelligence_state",
    "is_other_token",
    "is_untouched",
    "knows_target",
    "note_held",
    "read_rules",
    "summarize",
]


class Warehouse(Connection):
    """A dataset, as a sync and the command line use it: what the modules here do with it."""

    check_names = names.check_names
    read_reads = reads.read_reads
    read_named = reads.read_named
    issues_on = reads.issues_on
    forget_lost_reads = reads.forget_lost_reads
    read_intelligence = intelligence.read_intelligence
    write_intelligence = intelligence.write_intelligence
    complete_load = completion.complete_load
    read_policy = sla.read_policy
    choose_preset = sla.choose_preset
    summarize = status.summarize
    read_status = status.read_status
    query = query.query

    def lease(
        self,
        deadline: Deadline,
        on_lost: Callable[[SyncError], None],
        noted_first: Mapping[str, Any] = MappingProxyType({}),
    ) -> Lease:
        """Return the lease on the dataset, which is held inside a `with`. See `Lease`."""
        return Lease(self, deadline, on_lost, noted_first)

    def load(
        self,
        progress: Progress,
        guard: Guard | None = None,
        existing: Mapping[str, bigquery.Table] = MappingProxyType({}),
        held: Mapping[str, Held] = MappingProxyType({}),
    ) -> "AbstractContextManager[Load]":
        """Return a load, which reads a dlt source to the end and then merges its rows.

        It is used inside a `with`, reports to `progress`, and checks `guard` before each job.
        `existing` is what `check_names` returned, if it was called. `held` is what tables hold that
        nobody has changed since: equal rows are not loaded again.
        """
        # dlt takes half a second to import, and only a sync needs it.
        from scanner_sync.warehouse.pipeline import load

        return load(self, progress, guard or Guard(), existing, held)
