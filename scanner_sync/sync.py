"""One sync from its settings to its result, and a log of what happened in it."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.archive import archive_digest
from scanner_sync.deadline import Deadline
from scanner_sync.diagnose import diagnose
from scanner_sync.dlt_config import configure_dlt
from scanner_sync.errors import SettingsError, SyncError, causes_of
from scanner_sync.plan import Plan
from scanner_sync.progress import Progress, logged
from scanner_sync.refresh import FIXES_ARE_LATE, SIGNAL_TABLES, Refresh
from scanner_sync.schema.tables import FIXED
from scanner_sync.settings import Settings, read_settings
from scanner_sync.source import scanner_source
from scanner_sync.source.api import Api
from scanner_sync.source.intelligence import Intelligence, cves_in, read_intelligence
from scanner_sync.source.rows import to_row
from scanner_sync.source.session import ApiSession
from scanner_sync.warehouse import (
    NOT_SETTLED,
    Lease,
    Settled,
    Warehouse,
    check_api,
    find_held,
    intelligence_state,
    is_other_token,
    knows_target,
    note_held,
)

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
        began = self.lease.began
        refresh = Refresh(
            settings, self.resources, self.session, warehouse, self.lease, progress, existing
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
                reads_at_once=refresh.plan.reads_at_once,
                fixed_after=fixed_after,
                today=began.date(),
                note=refresh.note,
            )
            load.read(source, lambda: refresh.rest(keep))
            refresh.confirm(source)
            unchanged = load.unchanged
            named = refresh.named(unchanged)
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
                listed=refresh.plan.listed if is_refresh else None,
                unavailable=progress.reading.unavailable,
                schema=schema,
                loads=unchanged,
                exposed_tags=settings.exposed_tags,
                internal_tags=settings.internal_tags,
                named=named,
                scanned=progress.reading.scanned,
                last=Settled.read(self.lease.last.settled),
            )
        self.lease.memory.settled = (
            completion.settled.labels() if completion.settled else NOT_SETTLED
        )
        note_held(warehouse, self.lease, held, now_held, completion.instant)
        self._note_looks(refresh.plan, unchanged)
        refresh.remember(completion, unchanged)
        return SyncResult(
            load_id=None if completion.is_as_before else load_id,
            dataset=settings.dataset,
            rows=progress.rows_read,
            history=completion.history,
            refresh=refresh.result(completion) if is_refresh else {},
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

    def _note_looks(self, plan: Plan, unchanged: Collection[str]) -> None:
        """Note in the lease which tables' rows were read, and which of them held these already."""
        for table in {*self.resources} - self.progress.reading.unavailable:
            is_read = table != "occurrences_issues" or not plan.skipped
            if is_read or self.progress.rows_read[table]:
                is_unchanged = table in unchanged
                self.lease.memory.note_look(table, self.lease.began, is_unchanged=is_unchanged)
