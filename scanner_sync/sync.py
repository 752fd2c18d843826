"""One sync from its settings to its result, and a log of what happened in it."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from dlt.extract.source import DltSource

from scanner_sync import log
from scanner_sync.deadline import Deadline
from scanner_sync.dlt_config import configure_dlt
from scanner_sync.errors import SyncError, causes_of
from scanner_sync.progress import Progress, logged
from scanner_sync.settings import Settings, read_settings
from scanner_sync.source import scanner_source
from scanner_sync.source.occurrences import confirm_vanished
from scanner_sync.source.session import ApiSession
from scanner_sync.warehouse import Warehouse
from scanner_sync.warehouse.diagnose import diagnose


@dataclass(frozen=True)
class SyncResult:
    """What one sync did."""

    load_id: str | None
    """Row of `_dlt_loads`; None where there was nothing to load."""
    dataset: str
    rows: Mapping[str, int]
    """Rows merged, by table."""
    history: Mapping[str, Mapping[str, int]]
    """Entities opened, closed and changed, by table; empty without histories."""
    requests: int
    seconds: float

    def body(self) -> dict[str, object]:
        """Return the result as `sync_http` answers it, in JSON's types."""
        return {
            "status": "ok",
            "load_id": self.load_id,
            "dataset": self.dataset,
            "tables": {table: {"rows": rows} for table, rows in self.rows.items()},
            "history": self.history,
            "requests": self.requests,
            "seconds": round(self.seconds, 1),
        }


def sync(
    resources: tuple[str, ...],
    abort: Callable[[SyncError], None],
    show: Callable[[Progress], AbstractContextManager[Any]] = logged,
) -> SyncResult:
    """Sync `resources` with the present settings. Raises `SyncError`.

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
        settings = read_settings()
        log.configure(settings.log_level)
        log.event("sync_started", resources=list(resources), dataset=settings.dataset)
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
        **progress.cost(),
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
    with progress.step("reading_token"):
        token = settings.access_token or _read_token(settings, deadline)
    configure_dlt(settings)
    warehouse = Warehouse.connect(settings)
    session = ApiSession(
        settings.api_base_url,
        token_source=settings.token_source,
        max_concurrent=settings.max_concurrent_requests,
        deadline=deadline,
        traffic=progress.traffic,
        on_page=progress.count_page,
    )
    source = scanner_source(settings.api_base_url, token, settings.page_size, session, resources)
    with session, ExitStack() as held:
        with progress.step("waiting_for_lease"):
            held.enter_context(warehouse.lease(deadline, give_up))
        # An interrupt reaches the main thread, which only waits here; inside a library it could be
        # swallowed.
        executor = ThreadPoolExecutor(1, "sync")
        load_id, history = executor.submit(
            _load, warehouse, source, progress, history=settings.history
        ).result()
        executor.shutdown()
    return SyncResult(
        load_id=load_id,
        dataset=settings.dataset,
        rows=progress.rows_read,
        history=history,
        requests=progress.traffic.requests,
        seconds=progress.seconds,
    )


def _read_token(settings: Settings, deadline: Deadline) -> str:
    # Secret Manager's client takes 0.3 seconds to import, and ACCESS_TOKEN does without it.
    from scanner_sync.secret import read_token

    assert settings.access_token_secret is not None  # `read_settings` requires one of the two
    return read_token(settings.access_token_secret, settings.secret_manager_emulator, deadline)


def _load(
    warehouse: Warehouse, source: DltSource, progress: Progress, *, history: bool
) -> tuple[str | None, Mapping[str, Mapping[str, int]]]:
    """Read the API to the end, load the rows, and update the histories.

    Returns the load's id and `SyncResult.history`.
    """
    existing = warehouse.check_names(history=history)
    with warehouse.load(progress) as load:
        load.read(source)
        confirm_vanished(source, progress.traffic)
        load_id = load.commit()
    with progress.step("updating_histories"):
        if history:
            return load_id, warehouse.update_histories(progress.rows_read, load_id, existing)
        if load_id:
            warehouse.check_arrival(progress.rows_read, load_id)
    return load_id, {}
