"""One sync from its settings to its result, and a log of what happened in it."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from dlt.extract.source import DltSource
from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.archive import archive_digest
from scanner_sync.deadline import Deadline
from scanner_sync.diagnose import diagnose
from scanner_sync.dlt_config import configure_dlt
from scanner_sync.errors import SettingsError, SyncError, causes_of
from scanner_sync.plan import LastRead, Plan, Seen
from scanner_sync.progress import Progress, logged
from scanner_sync.reading import Scanned
from scanner_sync.schema.findings import SYNCS, UNSCANNED_AFTER
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.tables import FIXED
from scanner_sync.settings import Settings, read_settings
from scanner_sync.source import scanner_source
from scanner_sync.source.api import Api
from scanner_sync.source.intelligence import Intelligence, cves_in, read_intelligence
from scanner_sync.source.occurrences import Keep, confirm_vanished, log_not_found
from scanner_sync.source.rows import to_row
from scanner_sync.source.session import ApiSession
from scanner_sync.source.signals import HINT_REQUESTS, Signals
from scanner_sync.warehouse import (
    NO_CHANGE,
    NOT_SETTLED,
    Completion,
    Lease,
    Settled,
    Unsignaled,
    Warehouse,
    check_api,
    day_of,
    find_held,
    intelligence_state,
    is_other_token,
    is_untouched,
    knows_target,
    note_held,
)

CLOCKS_DIFFER: Final = timedelta(minutes=10)
"""By how much the clocks of the API and of BigQuery may differ."""
FIXES_ARE_LATE: Final = timedelta(days=7)
"""How late the API may list an occurrence as fixed."""
SIGNAL_TABLES: Final = frozenset({"issues", "occurrences_issues", "scans", "targets", FIXED})
"""Tables that a sync has to read in order to know what has changed."""
ALL_FIXES_AFTER: Final = timedelta(days=7)
"""After which time all fixed occurrences are read again."""


@dataclass(frozen=True)
class SyncResult:
    """What one sync did."""

    load_id: str | None
    """Row of `_dlt_loads`; None where there was nothing to load."""
    dataset: str
    rows: Mapping[str, int]
    """Rows merged, by table."""
    history: Mapping[str, Mapping[str, int]]
    """Entities opened, closed and changed, by table."""
    refresh: Mapping[str, object]
    """How many issues were listed, how many of their occurrences were read, which could not be
    read, when the oldest were, and when all were; empty if the sync was not to read occurrences."""
    unavailable: Sequence[str]
    """Tables whose listings the account lacks."""
    unchanged: Sequence[str]
    """Tables that held the rows already, and were not loaded."""
    requests: int
    seconds: float

    def body(self) -> dict[str, object]:
        """Return the result as `sync_http` answers it, in JSON's types."""
        return {
            "status": "ok",
            "archive": archive_digest(),
            "load_id": self.load_id,
            "dataset": self.dataset,
            "tables": {table: {"rows": rows} for table, rows in self.rows.items()},
            "history": self.history,
            "refresh": self.refresh,
            "unavailable": self.unavailable,
            "unchanged": self.unchanged,
            "requests": self.requests,
            "seconds": round(self.seconds, 1),
        }


def sync(
    resources: tuple[str, ...],
    abort: Callable[[SyncError], None],
    show: Callable[[Progress], AbstractContextManager[Any]] = logged,
    *,
    account: str | None = None,
) -> SyncResult:
    """Sync `resources` with the present settings, for an account or for the only one.

    Raises `SyncError`.

    `abort` is called in another thread when the deadline passes or the lease is lost; it has to end
    the process. `show` returns a context that reports progress while the sync runs.
    """
    progress = Progress(resources)
    failed = threading.Lock()

    def log_failure(error_type: str, error_message: str) -> None:
        if failed.acquire(blocking=False):  # never released: only the first failure counts
            log.event(
                "sync_failed",
                logging.ERROR,
                error_type=error_type,
                error_message=error_message,
                rows_read=progress.rows_read,
                **progress.cost(),
            )

    def give_up(error: SyncError) -> None:
        log_failure(type(error).__name__, str(error))
        abort(error)

    try:
        settings = read_settings(account)
        log.configure(settings.log_level)
        log.event(
            "sync_started",
            resources=list(resources),
            dataset=settings.dataset,
            archive=archive_digest(),
        )
        deadline = Deadline(settings.sync_deadline_seconds, lambda: progress.activity)
        with show(progress), _enforced(deadline, give_up):
            result = _execute(settings, resources, progress, deadline, give_up)
    except KeyboardInterrupt:
        log_failure("Interrupted", "The sync was interrupted. The next sync starts over.")
        raise
    except Exception as error:
        found = diagnose(error)
        if found not in causes_of(error):
            # Where it came from; not the messages, which may quote a row.
            causes = [{type(cause).__name__: log.frames_of(cause)} for cause in causes_of(error)]
            log.event("fault", logging.ERROR, causes=causes)
        log_failure(type(found).__name__, str(found))
        raise found from None
    for table, rows in result.rows.items():
        log.event("table_synced", table=table, rows=rows)
    log.event(
        "sync_finished",
        load_id=result.load_id,
        tables=result.rows,
        history=result.history,
        refresh=result.refresh,
        unavailable=result.unavailable,
        unchanged=result.unchanged,
        **progress.cost(result.seconds),
    )
    return result


@contextmanager
def _enforced(deadline: Deadline, give_up: Callable[[SyncError], None]) -> Iterator[None]:
    """Give up, in another thread, when the deadline passes while inside."""
    timer = threading.Timer(deadline.remaining, lambda: give_up(deadline.exceeded()))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _execute(
    settings: Settings,
    resources: tuple[str, ...],
    progress: Progress,
    deadline: Deadline,
    give_up: Callable[[SyncError], None],
) -> SyncResult:
    def read_token() -> str:
        return settings.access_token or _read_token(settings, deadline)

    with progress.step("reading_token"):
        token = read_token()
    configure_dlt(settings)
    warehouse = Warehouse.connect(settings)
    if settings.account is not None:
        warehouse = warehouse.located()
    session = ApiSession(
        Api(settings.api_base_url, token, settings.token_source, settings.page_size),
        max_concurrent=settings.max_concurrent_requests,
        deadline=deadline,
        traffic=progress.traffic,
        reading=progress.reading,
        max_requests=settings.max_requests_per_sync,
        read_token=read_token,
        on_page=progress.count_page,
    )
    with session, ExitStack() as held:
        with progress.step("waiting_for_lease"):
            noted: dict[str, Any] = {}
            if "occurrences_issues" in resources:
                noted["all_read"] = False
            elif SIGNAL_TABLES.intersection(resources):
                noted["full_read_at"] = None  # what it finds is no news to the next sync
            lease = held.enter_context(warehouse.lease(deadline, give_up, noted))
            check_api(lease, urlsplit(settings.api_base_url).hostname or "")
        load = _Load(settings, resources, deadline, session, warehouse, lease, progress)
        # An interrupt reaches the main thread, which only waits here; inside a library it could be
        # swallowed.
        executor = ThreadPoolExecutor(1, "sync")
        future = executor.submit(load.run)
        # Reading takes long to end, and starts no job.
        lease.is_working = lambda: future.running() and not progress.is_in("reading_api")
        result = future.result()
        executor.shutdown()
    return result


def _read_token(settings: Settings, deadline: Deadline) -> str:
    # Secret Manager's client takes 0.3 seconds to import, and ACCESS_TOKEN does without it.
    from scanner_sync.secret import read_token

    assert settings.access_token_secret is not None  # `read_settings` requires one of the two
    return read_token(settings.access_token_secret, settings.secret_manager_emulator_host, deadline)


@dataclass(frozen=True)
class _Load:
    """What a sync does while it holds the lease."""

    settings: Settings
    resources: tuple[str, ...]
    deadline: Deadline
    session: ApiSession
    warehouse: Warehouse
    lease: Lease
    progress: Progress

    def run(self) -> SyncResult:
        """Read the API, load the rows, and update what the dataset keeps of earlier syncs."""
        settings, progress, warehouse = self.settings, self.progress, self.warehouse
        is_refresh = "occurrences_issues" in self.resources
        existing = warehouse.check_names()
        self._check_token(existing)
        warehouse.forget_lost_reads(existing)
        began, has_signals = self.lease.began, self._has_signals(existing)
        seen = Seen((self.lease.last.newest_fix or began) - FIXES_ARE_LATE)
        plan = Plan(
            progress,
            settings.max_requests_per_sync,
            settings.page_size,
            # If not, the sync before may have failed because it spent the quota, or its time, on
            # occurrences before everything was listed.
            is_steady=self.lease.last.all_read,
            is_quiet=has_signals
            and self.lease.last.may_skip(began, settings.full_read_hours)
            and is_untouched(self.lease, "occurrences_issues", existing),
        )
        fixed_after = self._fixed_after(began) if FIXED in existing else None
        cves: set[str] = set()
        held = find_held(self.lease, self.resources, existing)
        with warehouse.load(progress, self.lease.guard, existing, held) as load:

            def note_cves(issue: int, rows: list[dict[str, Any]], is_last: bool) -> None:
                cves.update(cve for row in rows for cve in cves_in(row.get("cves") or ()))
                load.keep(issue, rows, is_last)

            keep = note_cves if settings.feeds else load.keep
            source = scanner_source(
                self.session,
                self.resources,
                keep=keep,
                reads_at_once=plan.reads_at_once,
                fixed_after=fixed_after,
                today=began.date(),
                note=seen.note if has_signals else None,
            )
            load.read(source, lambda: self._rest(plan, existing, keep, seen))
            # If issues are left to the next syncs, those that were not found are among them: there
            # may be no requests left to list all once more.
            if plan.is_complete:
                confirm_vanished(source, progress.reading)
            else:
                progress.reading.stop("max_requests")  # unless it was stopped before
                log_not_found(progress.reading)
            # Of each issue as many rows as its pages had, none of them lost on the way.
            assert sum(progress.reading.read.values()) == progress.rows_read.get(
                "occurrences_issues", 0
            )
            is_full = (
                is_refresh and plan.is_complete and not (plan.is_quiet or progress.reading.failed)
            )
            unchanged = load.unchanged
            # If all occurrences are as they were, there is nothing to name.
            is_same = "occurrences_issues" in unchanged
            named = None
            if is_full and has_signals:
                named = self._named(plan, seen, is_same=is_same)
            if self.session.token != self.session.api.token:
                self._check_token(existing)  # it was read again meanwhile
            load_id = load.commit()
            schema, now_held = load.schema if load_id else None, load.held
        if settings.feeds and is_refresh:
            with progress.step("reading_feeds"):
                self._read_intelligence(existing, began, cves)
        if FIXED in self.resources:
            self._note_fixes(whole=fixed_after is None or progress.reading.filter_rejected)
        elif FIXED not in existing:
            self.lease.memory.newest_fix = None  # it was dropped, and is created empty
        with progress.step("updating_histories"):
            self.lease.guard.check()
            completion = warehouse.complete_load(
                progress.rows_read,
                load_id,
                existing,
                listed=plan.listed if is_refresh else None,
                unavailable=progress.reading.unavailable,
                schema=schema,
                loads=unchanged,
                exposed_tags=settings.exposed_tags,
                internal_tags=settings.internal_tags,
                named=named,
                scanned=progress.reading.scanned,
                last=Settled.read(self.lease.last.settled),
            )
        self.lease.memory.signals_hash = (
            plan.hash_with(seen)
            if has_signals and plan.is_complete and completion.is_as_before
            else ""
        )
        self.lease.memory.settled = (
            completion.settled.labels() if completion.settled else NOT_SETTLED
        )
        note_held(warehouse, self.lease, held, now_held, completion.instant)
        self._note_looks(plan, unchanged)
        self._note_full_read(
            NO_CHANGE if is_same and has_signals else completion.unsignaled,
            is_full=is_full,
            is_held=completion.is_held,
        )
        return SyncResult(
            load_id=None if completion.is_as_before else load_id,
            dataset=settings.dataset,
            rows=progress.rows_read,
            history=completion.history,
            refresh=self._refreshed(plan, completion) if is_refresh else {},
            unavailable=sorted(progress.reading.unavailable),
            unchanged=[table for table in self.resources if table in unchanged],
            requests=progress.traffic.requests,
            seconds=progress.seconds,
        )

    def _check_token(self, existing: Mapping[str, bigquery.Table]) -> None:
        """Check that a token with which the dataset was not filled is not another account's."""
        is_other = is_other_token(self.warehouse, self.lease, self.session.token)
        if is_other and "targets_history" in existing:
            with self.progress.step("reading_api"):
                self._check_account()

    def _check_account(self) -> None:
        """Check that the account is the one that the dataset holds, by a page of its targets.

        The API does not say which account a token is for. Raises `SettingsError` if the dataset
        knows none of these targets: another account's rows would be merged with those it holds.
        """
        settings = self.settings
        answer = self.session.page("targets/", limit=str(settings.page_size))
        rows = [to_row("targets", row) for row in answer.page.rows]
        known = [(row["id"], row.get("address")) for row in rows]
        if rows and not knows_target(self.warehouse, known):
            raise SettingsError(
                f"The token is new, and {settings.dataset} knows none of the targets that it"
                " lists, so it seems to be for another account. Nothing was loaded. Set the token"
                " of the account that the dataset holds, or, if it is: bq update --clear_label"
                f" token_hash {self.lease.table_name}"
            )

    def _read_intelligence(
        self, existing: dict[str, bigquery.Table], began: datetime, cves: Iterable[str]
    ) -> None:
        """Read what the feeds say of all CVEs, these among them, unless it was read today."""
        state, today = intelligence_state(existing), began.date().isoformat()
        if state.get("read_on") == today:
            return
        rows, seen = self.warehouse.read_intelligence(existing)
        if not (all_cves := {*rows, *cves, *cves_in(seen)}):
            return
        known = Intelligence(rows, state.get("feeds", {}))
        deadline = self.deadline
        found = read_intelligence(self.settings.feeds, all_cves, known, began, deadline)
        self.lease.guard.check()
        self.warehouse.write_intelligence(
            existing,
            found.rows.values() if found.rows != rows else None,
            {"read_on": today, "feeds": found.state},
        )

    def _fixed_after(self, now: datetime) -> datetime | None:
        """Return the time since which fixed occurrences are read; None to read all of them.

        All are read once a week, because no source says for certain what `remediated_after` means.
        """
        newest, read = self.lease.last.newest_fix, self.lease.last.fixes_read
        if not newest or not read or now - read >= ALL_FIXES_AFTER:
            return None
        return newest - FIXES_ARE_LATE

    def _note_fixes(self, *, whole: bool) -> None:
        """Note in the lease what the next sync need not read."""
        reading, memory = self.progress.reading, self.lease.memory
        if FIXED in reading.unavailable:
            # Should the listing come back, all of it is read.
            memory.newest_fix = None
            return
        if reading.newest_fix:
            newest = min(reading.newest_fix, self.lease.began)
            memory.newest_fix = max(newest, memory.newest_fix or newest)
        if whole:
            memory.fixes_read = self.lease.began

    def _rest(
        self, plan: Plan, existing: Mapping[str, bigquery.Table], keep: Keep, seen: Seen
    ) -> DltSource | None:
        """Return the source of the occurrences that were not read with their issues, if any."""
        self.progress.reading.scanned = self._ask_scanned(existing)
        if not plan.is_left:
            return None
        last = self.lease.last
        named: Collection[int] = ()
        if plan.is_quiet:
            self._note_snoozed(plan)
            named = self._changed_since()
            if not named and self._is_as_before(plan.hash_with(seen), existing):
                plan.choose_none()
                return None
            reads, named = self._ask(seen, named)
        else:
            reads = self.warehouse.read_reads(existing)
            if last.started and not plan.fits(reads):
                listed = self.progress.rows_expected["issues"]
                moment = last.started - CLOCKS_DIFFER
                named = self._signals.changed_since(moment, listed, HINT_REQUESTS)
        due = plan.choose(reads, named)
        if not due:
            return None
        return scanner_source(
            self.session,
            ["occurrences_issues"],
            keep=keep,
            due=due,
            # The sync before may have begun many issues with many pages, and finished none.
            one_at_a_time=bool(last.issues_listed) and not (last.issues_read or last.all_read),
        )

    def _has_signals(self, existing: Mapping[str, bigquery.Table]) -> bool:
        """Tell whether the signals since the sync before can be known, and are of use."""
        return bool(
            self.settings.full_read_hours
            and SIGNAL_TABLES.issubset(self.resources)
            and existing.keys() >= {*SIGNAL_TABLES, *HISTORIES, READS}
            and self.lease.last.knows_signals(self.lease.began)
        )

    @cached_property
    def _signals(self) -> Signals:
        return Signals(self.session)

    def _ask_scanned(self, existing: Mapping[str, bigquery.Table]) -> Scanned | None:
        """Return the targets that were scanned lately; None if the API does not say, or was asked.

        That is done once a day, whatever the answer. A sync knows no less without it, so it is not
        one of the signals.
        """
        memory, began = self.lease.memory, self.lease.began
        today = day_of(began)
        was_asked = SYNCS in existing and memory.scans_asked == today
        if "targets" not in self.resources or was_asked or self.progress.reading.stopped:
            return None
        memory.scans_asked = today
        since = (began - UNSCANNED_AFTER).date()
        listed = self.progress.rows_expected["targets"]
        targets = Signals(self.session).scanned_since(since, listed)
        return None if targets is None else Scanned(since, targets)

    @property
    def _since(self) -> datetime:
        """Since when signals are asked for: the start of the sync before, if clocks differ."""
        assert self.lease.last.started
        return self.lease.last.started - CLOCKS_DIFFER

    def _changed_since(self) -> set[int]:
        """Return the issues that have new occurrences, according to the API."""
        return self._signals.changed_since(self._since, self.progress.rows_expected["issues"])

    def _is_as_before(self, signals_hash: str, existing: Mapping[str, bigquery.Table]) -> bool:
        """Tell whether the listings say what they said to a sync that left all tables as they are.

        Either it read everything, or there was nothing to read, so they name nothing now.
        """
        settled = Settled.read(self.lease.last.settled)
        is_untouched = settled is not None and settled.is_untouched(existing, self.resources)
        return is_untouched and self.lease.last.signals_hash == signals_hash

    def _ask(self, seen: Seen, named: set[int]) -> tuple[Mapping[int, LastRead], set[int]]:
        """Return what the dataset knows of each issue, and which ones the API names as changed.

        `named` are those that `_changed_since` returned.
        """
        reads, has_scan_ended = self.warehouse.read_named(seen)
        if has_scan_ended:
            listed = self.progress.rows_expected["targets"]
            scanned = self._signals.scanned_since(self._since.date(), listed) or {}
            addresses = {address for address in scanned.values() if address}
            named = named | (self.warehouse.issues_on(addresses) if addresses else set())
        return reads, named

    def _named(self, plan: Plan, seen: Seen, *, is_same: bool) -> set[int] | None:
        """Return the issues that a full read need not account for: something names them.

        None stands for no need to know, because the rows of occurrences are the same as before, and
        for no way to, because the API did not answer. It is asked after reading: what has changed
        meanwhile was read, too.
        """
        self._note_snoozed(plan)
        if is_same:
            return None
        if FIXED not in self.progress.reading.unavailable:
            for row in self._signals.fixed_since(self._since):
                seen.note(FIXED, row)
        named = plan.named(*self._ask(seen, self._changed_since()))
        return None if self._signals.missing else named

    def _note_snoozed(self, plan: Plan) -> None:
        listed = self.progress.rows_expected["issues"]
        plan.note_snoozed(self._signals.snoozed(listed) if listed else ())

    def _note_looks(self, plan: Plan, unchanged: Collection[str]) -> None:
        """Note in the lease which tables' rows were read, and which of them held these already."""
        for table in {*self.resources} - self.progress.reading.unavailable:
            is_read = table != "occurrences_issues" or not plan.skipped
            if is_read or self.progress.rows_read[table]:
                is_unchanged = table in unchanged
                self.lease.memory.note_look(table, self.lease.began, is_unchanged=is_unchanged)

    def _note_full_read(self, found: Unsignaled | None, *, is_full: bool, is_held: bool) -> None:
        """Note in the lease whether everything was read, and what no signal had named."""
        if is_held:  # the next sync has to read it again, in order to miss it, too
            self.lease.memory.full_read_at = None
        if is_held or not is_full:
            return
        self.lease.memory.note_full_read(self.lease.began, found)
        if found and found.issues:
            log.event("unsignaled_change", issues=found.issues, field=found.field)

    def _refreshed(self, plan: Plan, completion: Completion) -> dict[str, object]:
        """Return `SyncResult.refresh`, and note it in the lease for the next sync."""
        listed = plan.listed
        read = sum(issue.rows is not None for issue in listed)
        oldest, hours = completion.oldest_read_at, completion.oldest_hours
        if completion.is_as_before:
            oldest = self.lease.began if read else self.lease.last.oldest_read_at
            hours = (self.lease.began - oldest) / timedelta(hours=1) if oldest else 0.0
        failed = sorted(self.progress.reading.failed)
        memory = self.lease.memory
        memory.issues_listed, memory.issues_read = len(listed), read
        memory.issues_skipped = plan.skipped
        memory.issues_failed = tuple(failed)
        memory.oldest_read_at = oldest
        memory.started = self.lease.began
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
