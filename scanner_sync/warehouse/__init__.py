"""BigQuery: all that a sync does in the dataset. Nothing here knows the API.

This is the door: what is above the warehouse imports from here alone.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator

from scanner_sync.deadline import Deadline
from scanner_sync.errors import SyncError
from scanner_sync.plan import LastRead, ListedIssue, Seen
from scanner_sync.progress import Progress
from scanner_sync.rules import PRESETS, Rule
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.cve_intelligence import INTELLIGENCE, INTELLIGENCE_TABLE
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.occurrence_reads import READS, READS_TABLE
from scanner_sync.schema.sla_policy import SLA, SLA_TABLE
from scanner_sync.schema.tables import FIXED, TABLES
from scanner_sync.warehouse.combined import accounts_of, combine
from scanner_sync.warehouse.completion import Completion, complete_load
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.held import Held, find_held, is_untouched, note_held
from scanner_sync.warehouse.history import ensure_tables
from scanner_sync.warehouse.intelligence import read_rows, state_of, write_rows, write_state
from scanner_sync.warehouse.jobs import Guard
from scanner_sync.warehouse.lease import Lease
from scanner_sync.warehouse.memory import NO_CHANGE, Unsignaled
from scanner_sync.warehouse.names import check_names
from scanner_sync.warehouse.origin import check_api, is_other_token, knows_target
from scanner_sync.warehouse.query import query
from scanner_sync.warehouse.reads import issues_on, read_named, read_reads
from scanner_sync.warehouse.sla import choose_preset, count_open, read_rules, write_policy
from scanner_sync.warehouse.status import (
    LATE_AFTER,
    describe_loud,
    describe_state,
    read_status,
    summarize,
)
from scanner_sync.warehouse.views import ensure_views

if TYPE_CHECKING:
    from scanner_sync.warehouse.pipeline import Load

__all__ = [
    "LATE_AFTER",
    "NO_CHANGE",
    "Completion",
    "Connection",
    "Lease",
    "Unsignaled",
    "Warehouse",
    "accounts_of",
    "check_api",
    "combine",
    "describe_loud",
    "describe_state",
    "find_held",
    "is_other_token",
    "is_untouched",
    "knows_target",
    "note_held",
    "read_rules",
    "summarize",
]


class Warehouse(Connection):
    """A dataset, as a sync and the command line use it."""

    def lease(
        self,
        deadline: Deadline,
        on_lost: Callable[[SyncError], None],
        noted_first: Mapping[str, Any] = MappingProxyType({}),
    ) -> Lease:
        """Return the lease on the dataset, which is held inside a `with`. See `Lease`."""
        return Lease(self, deadline, on_lost, noted_first)

    def check_names(self) -> dict[str, bigquery.Table]:
        """Check that nothing else has the name of one of this program's tables or views.

        Returns the tables and views that exist, by name. Raises `LoadError` with the name of what
        is in the way.
        """
        return check_names(self)

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

    def occurrence_reads(self, existing: Mapping[str, bigquery.Table]) -> dict[int, LastRead]:
        """Return what the dataset knows of each issue that the last sync listed, by its id.

        `existing` is what `check_names` returned. Runs a query if there is the table.
        """
        return read_reads(self) if READS in existing else {}

    def named_reads(self, seen: Seen) -> tuple[dict[int, LastRead], bool]:
        """Return the same, and which issues the listings name. See `read_named`."""
        return read_named(self, seen)

    def issues_on(self, targets: Collection[str]) -> set[int]:
        """Return the issues with open occurrences on these targets, by address. Runs a query."""
        return issues_on(self, targets)

    def forget_lost_reads(self, existing: dict[str, bigquery.Table]) -> None:
        """Delete `occurrence_reads` if a table is missing whose rows it tells of.

        `existing` is what `check_names` returned; it is brought up to date.
        """
        if READS in existing and not existing.keys() >= {
            "occurrences_issues",
            "occurrences_issues_history",
        }:
            self.client.delete_table(existing.pop(READS), not_found_ok=True)

    def intelligence_state(self, existing: Mapping[str, bigquery.Table]) -> dict[str, Any]:
        """Return what the last sync that read the feeds kept about them; empty if none did."""
        return state_of(existing.get(INTELLIGENCE))

    def intelligence(
        self, existing: Mapping[str, bigquery.Table]
    ) -> tuple[dict[str, dict[str, Any]], set[str]]:
        """Return what is known of CVEs, and the CVEs of all occurrences that there were.

        See `read_rows`.
        """
        return read_rows(self, existing)

    def write_intelligence(
        self,
        existing: dict[str, bigquery.Table],
        rows: Collection[Mapping[str, Any]] | None,
        state: Mapping[str, Any],
    ) -> None:
        """Replace the rows of `cve_intelligence`, unless that is None, and keep the state.

        `existing` is what `check_names` returned; it is brought up to date. Runs one load job if
        there are rows.
        """
        self.ensure_table(INTELLIGENCE, INTELLIGENCE_TABLE.columns, existing.get(INTELLIGENCE))
        if rows is not None:
            write_rows(self, rows)
        existing[INTELLIGENCE] = write_state(self, state)

    def complete_load(
        self,
        rows: Mapping[str, int],
        load_id: str | None,
        existing: Mapping[str, bigquery.Table],
        *,
        listed: Sequence[ListedIssue] | None = None,
        unavailable: Collection[str] = (),
        schema: tuple[str, str] | None = None,
        loads: Mapping[str, str] = MappingProxyType({}),
        exposed_tags: Collection[str] = (),
        internal_tags: Collection[str] = (),
        named: Collection[int] | None = None,
    ) -> Completion:
        """Check that a load arrived, and update the histories and all that follows from them.

        Creates or updates the tables and views of these. The load brought `rows`, by table;
        `load_id` is None if it brought none. `existing` is what `check_names` returned before the
        load. `listed` are the issues that the sync listed, or None if it was not to read their
        occurrences. `unavailable` are tables whose listings the account lacks. `schema` is
        `Load.schema`, with which the load is marked as complete. `loads` are the loads that brought
        the rows of tables which hold them from before. `exposed_tags` and `internal_tags` are tags
        of targets that are exposed, or not, whatever their type. `named` are the issues that may
        have changed, according to the API, or None if that is not to be judged. Raises
        `LoadUnavailable`, and changes nothing, if rows did not arrive.
        """
        self.ensure_table(READS, READS_TABLE.columns, existing.get(READS))
        ensure_tables(self, existing)
        for name, table in CONCLUSIONS.items():
            self.ensure_table(name, table.columns, existing.get(name), table.clustered_by)
        self.ensure_table(INTELLIGENCE, INTELLIGENCE_TABLE.columns, existing.get(INTELLIGENCE))
        # The findings and the views need these, even if no sync was ever asked for them.
        for name in {FIXED, "issues"} - {*existing, *rows}:
            self.ensure_table(name, TABLES[name].columns | DLT_COLUMNS, None)
        if SLA in existing:
            self.ensure_table(SLA, SLA_TABLE.columns, existing[SLA])
        else:
            write_policy(self, PRESETS["vendor"])
        ensure_views(self, existing)
        # Of the tables that were just made, those of this module get their keys from the next sync.
        # The merged ones get them now: a table that is changed later counts as changed by others.
        made = self.find_tables(name for name in rows if name not in existing)
        own = {READS: READS_TABLE, INTELLIGENCE: INTELLIGENCE_TABLE}
        self.ensure_keys(TABLES | own | CONCLUSIONS, {**existing, **made})
        return complete_load(
            self,
            rows,
            load_id,
            listed=listed,
            unavailable=unavailable,
            schema=schema,
            loads=loads,
            exposed_tags=exposed_tags,
            internal_tags=internal_tags,
            named=named,
        )

    def policy(self) -> tuple[list[Rule], dict[str | None, int]]:
        """Return the rules of `sla_policy`, and how many open findings each holds, by its name.

        The numbers are of the last sync, and None stands for no rule. Raises `LoadError` if there
        is no such dataset.
        """
        self.find_dataset()
        return read_rules(self) or [], count_open(self)

    def choose_preset(self, preset: str, *, replace: bool) -> None:
        """Write the rules of a preset into `sla_policy`. See `choose_preset`."""
        choose_preset(self, preset, replace=replace)

    def status(self) -> dict[str, Any]:
        """Return what the dataset holds, and how the last syncs ended. See `read_status`."""
        return read_status(self)

    def summary(self) -> dict[str, Any]:
        """Return in short how the last syncs ended, and how much is open. See `summarize`."""
        return summarize(self)

    def query(self, sql: str) -> RowIterator:
        """Run a SELECT of a user on the dataset, and return its rows. See `query.query`."""
        return query(self, sql)
