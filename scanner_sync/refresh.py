"""Which issues' occurrences a sync reads: the API and the dataset are asked what may have changed.

`plan` decides, `source.signals` and `warehouse.reads` ask. What a sync found out, and whether it
read everything, is noted in the lease for the next one: see `warehouse.memory`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from dlt.extract.source import DltSource
from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.plan import LastRead, Plan, Seen
from scanner_sync.progress import Progress
from scanner_sync.reading import Scanned
from scanner_sync.schema.findings import SYNCS, UNSCANNED_AFTER
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.tables import FIXED
from scanner_sync.settings import Settings
from scanner_sync.source import scanner_source
from scanner_sync.source.occurrences import Keep, confirm_vanished, log_not_found
from scanner_sync.source.session import ApiSession
from scanner_sync.source.signals import HINT_REQUESTS, Signals
from scanner_sync.warehouse import (
    NO_CHANGE,
    Completion,
    Lease,
    Settled,
    Warehouse,
    day_of,
    is_untouched,
)

CLOCKS_DIFFER: Final = timedelta(minutes=10)
"""By how much the clocks of the API and of BigQuery may differ."""
FIXES_ARE_LATE: Final = timedelta(days=7)
"""How late the API may list an occurrence as fixed."""
SIGNAL_TABLES: Final = frozenset({"issues", "occurrences_issues", "scans", "targets", FIXED})
"""Tables that a sync has to read in order to know what has changed."""


class Refresh:
    """What one sync reads of issues, and why. `existing` is what `check_names` returned."""

    def __init__(
        self,
        settings: Settings,
        resources: Collection[str],
        session: ApiSession,
        warehouse: Warehouse,
        lease: Lease,
        progress: Progress,
        existing: Mapping[str, bigquery.Table],
    ) -> None:
        self._resources = resources
        self._session = session
        self._warehouse = warehouse
        self._lease = lease
        self._progress = progress
        self._existing = existing
        self._signals = Signals(session)
        last = lease.last
        self._has_signals = bool(
            settings.full_read_hours
            and SIGNAL_TABLES.issubset(resources)
            and existing.keys() >= {*SIGNAL_TABLES, *HISTORIES, READS}
            and last.knows_signals(lease.began)
        )
        """Whether the signals since the sync before can be known, and are of use."""
        self._seen = Seen((last.newest_fix or lease.began) - FIXES_ARE_LATE)
        self.note = self._seen.note if self._has_signals else None
        """Called with each row of the other listings, if that is of use."""
        self.plan = Plan(
            progress,
            settings.max_requests_per_sync,
            settings.page_size,
            # If not, the sync before may have failed because it spent the quota, or its time, on
            # occurrences before everything was listed.
            is_steady=last.all_read,
            is_quiet=self._has_signals
            and last.may_skip(lease.began, settings.full_read_hours)
            and is_untouched(lease, "occurrences_issues", existing),
        )

    def rest(self, keep: Keep) -> DltSource | None:
        """Return the source of the occurrences that were not read with their issues, if any."""
        self._progress.reading.scanned = self._ask_scanned()
        plan, last = self.plan, self._lease.last
        if not plan.is_left:
            return None
        named: Collection[int] = ()
        if plan.is_quiet:
            self._note_snoozed()
            named = self._changed_since()
            if not named and self._is_as_before():
                plan.choose_none()
                return None
            reads, named = self._ask(named)
        else:
            reads = self._warehouse.read_reads(self._existing)
            if last.started and not plan.fits(reads):
                named = self._changed_since(HINT_REQUESTS)
        due = plan.choose(reads, named)
        if not due:
            return None
        return scanner_source(
            self._session,
            ["occurrences_issues"],
            keep=keep,
            due=due,
            # The sync before may have begun many issues with many pages, and finished none.
            one_at_a_time=bool(last.issues_listed) and not (last.issues_read or last.all_read),
        )

    def confirm(self, source: DltSource) -> None:
        """Look whether issues that were not found have vanished, when all of `source` was read."""
        reading = self._progress.reading
        # If issues are left to the next syncs, those that were not found are among them: there may
        # be no requests left to list all once more.
        if self.plan.is_complete:
            confirm_vanished(source, reading)
        else:
            reading.stop("max_requests")  # unless it was stopped before
            log_not_found(reading)
        # Of each issue as many rows as its pages had, none of them lost on the way.
        rows = self._progress.rows_read.get("occurrences_issues", 0)
        assert sum(reading.read.values()) == rows

    def named(self, unchanged: Collection[str]) -> set[int] | None:
        """Return the issues that a full read need not account for: something names them.

        None stands for no full read, for no need to know, because the rows of occurrences are among
        the `unchanged`, and for no way to, because the API did not answer. It is asked after
        reading: what has changed meanwhile was read, too.
        """
        if not (self._is_full and self._has_signals):
            return None
        self._note_snoozed()
        if "occurrences_issues" in unchanged:
            return None
        if FIXED not in self._progress.reading.unavailable:
            for row in self._signals.fixed_since(self._since):
                self._seen.note(FIXED, row)
        named = self.plan.named(*self._ask(self._changed_since()))
        return None if self._signals.missing else named

    def remember(self, completion: Completion, unchanged: Collection[str]) -> None:
        """Note in the lease whether everything was read, and what no signal had named."""
        memory, is_held = self._lease.memory, completion.is_held
        tells = self._has_signals and self.plan.is_complete and completion.is_as_before
        memory.signals_hash = self.plan.hash_with(self._seen) if tells else ""
        is_same = self._has_signals and "occurrences_issues" in unchanged
        found = NO_CHANGE if is_same else completion.unsignaled
        if is_held:  # the next sync has to read it again, in order to miss it, too
            memory.full_read_at = None
        if is_held or not self._is_full:
            return
        memory.note_full_read(self._lease.began, found)
        if found and found.issues:
            log.event("unsignaled_change", issues=found.issues, field=found.field)

    def result(self, completion: Completion) -> dict[str, object]:
        """Return `SyncResult.refresh`, and note it in the lease for the next sync."""
        plan, lease, failed = self.plan, self._lease, sorted(self._progress.reading.failed)
        listed = plan.listed
        read = sum(issue.rows is not None for issue in listed)
        oldest, hours = completion.oldest_read_at, completion.oldest_hours
        if completion.is_as_before:
            oldest = lease.began if read else lease.last.oldest_read_at
            hours = (lease.began - oldest) / timedelta(hours=1) if oldest else 0.0
        memory = lease.memory
        memory.issues_listed, memory.issues_read = len(listed), read
        memory.issues_skipped = plan.skipped
        memory.issues_failed = tuple(failed)
        memory.oldest_read_at = oldest
        memory.started = lease.began
        # What a signal would have named that is missing, only reading everything shows.
        memory.all_read = plan.is_complete and not self._signals.missing
        return {
            "issues_listed": len(listed),
            "issues_read": read,
            "issues_skipped": plan.skipped,
            "issues_waiting": len(listed) - read - plan.skipped,
            "issues_failed": failed,
            "oldest_read_at": oldest.isoformat() if oldest else None,
            "oldest_hours": round(hours, 1),
            "full_read_at": memory.full_read_at.isoformat() if memory.full_read_at else None,
        }

    @property
    def _is_full(self) -> bool:
        """Whether the occurrences of all issues were read."""
        is_partial = self.plan.is_quiet or self._progress.reading.failed
        is_asked = "occurrences_issues" in self._resources
        return is_asked and self.plan.is_complete and not is_partial

    @property
    def _since(self) -> datetime:
        """Since when signals are asked for: the start of the sync before, if clocks differ."""
        assert self._lease.last.started
        return self._lease.last.started - CLOCKS_DIFFER

    def _changed_since(self, most_requests: int | None = None) -> set[int]:
        """Return the issues that have new occurrences, according to the API."""
        listed = self._progress.rows_expected["issues"]
        return self._signals.changed_since(self._since, listed, most_requests)

    def _note_snoozed(self) -> None:
        listed = self._progress.rows_expected["issues"]
        self.plan.note_snoozed(self._signals.snoozed(listed) if listed else ())

    def _ask_scanned(self) -> Scanned | None:
        """Return the targets that were scanned lately; None if the API does not say, or was asked.

        That is done once a day, whatever the answer. A sync knows no less without it, so it is not
        one of the signals.
        """
        memory, began = self._lease.memory, self._lease.began
        today = day_of(began)
        was_asked = SYNCS in self._existing and memory.scans_asked == today
        if "targets" not in self._resources or was_asked or self._progress.reading.stopped:
            return None
        memory.scans_asked = today
        since = (began - UNSCANNED_AFTER).date()
        listed = self._progress.rows_expected["targets"]
        targets = Signals(self._session).scanned_since(since, listed)
        return None if targets is None else Scanned(since, targets)

    def _is_as_before(self) -> bool:
        """Tell whether the listings say what they said to a sync that left all tables as they are.

        Either it read everything, or there was nothing to read, so they name nothing now.
        """
        last = self._lease.last
        settled = Settled.read(last.settled)
        is_untouched = settled and settled.is_untouched(self._existing, self._resources)
        return bool(is_untouched) and last.signals_hash == self.plan.hash_with(self._seen)

    def _ask(self, named: set[int]) -> tuple[Mapping[int, LastRead], set[int]]:
        """Return what the dataset knows of each issue, and which ones the API names as changed.

        `named` are those that `_changed_since` returned.
        """
        reads, has_scan_ended = self._warehouse.read_named(self._seen)
        if has_scan_ended:
            listed = self._progress.rows_expected["targets"]
            scanned = self._signals.scanned_since(self._since.date(), listed) or {}
            addresses = {address for address in scanned.values() if address}
            named = named | (self._warehouse.issues_on(addresses) if addresses else set())
        return reads, named
