"""One run from its settings to its report, with a log of what happened in it."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from scanner_sync import log
from scanner_sync.deadline import Deadline
from scanner_sync.errors import SyncError
from scanner_sync.pipeline import sync
from scanner_sync.progress import Progress, logged
from scanner_sync.report import Report
from scanner_sync.settings import Settings, read_settings


def run(
    resources: tuple[str, ...],
    abort: Callable[[SyncError], None],
    show: Callable[[Progress], AbstractContextManager[Any]] = logged,
) -> Report:
    """Sync `resources` with the settings as they stand now. Raises `SyncError`.

    `abort` is called in another thread when the time is over, or when the run may not go on.
    `show` gives the context in which the run is, and tells how far it is.
    """
    progress = Progress(resources, Deadline(0))
    failed = threading.Lock()

    def log_failure(error_type: str, error_message: str) -> None:
        if failed.acquire(blocking=False):  # never released: the first to fail is the failure
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
        progress.deadline = Deadline(settings.sync_deadline_seconds)
        log.event("sync_started", resources=list(resources), dataset=settings.dataset)
        with show(progress):
            report = _run(settings, resources, progress, give_up)
    except SyncError as error:
        log_failure(type(error).__name__, str(error))
        raise
    except KeyboardInterrupt:
        log_failure("Interrupted", "The run was interrupted. The next run starts anew.")
        raise
    except Exception as error:
        found = log.explain(error)
        log_failure(type(found).__name__, str(found))
        raise found from None
    for table, rows in report.rows.items():
        log.event("table_synced", table=table, rows=rows)
    log.event(
        "sync_finished",
        load_id=report.load_id,
        tables=report.rows,
        history=report.history,
        **progress.cost(),
    )
    return report


def _run(
    settings: Settings,
    resources: tuple[str, ...],
    progress: Progress,
    abort: Callable[[SyncError], None],
) -> Report:
    deadline = progress.deadline
    watchdog = threading.Timer(deadline.seconds, lambda: abort(deadline.exceeded()))
    watchdog.daemon = True
    watchdog.start()
    try:
        deadline.doing = "reading the token"
        token = settings.access_token
        if token is None:
            from scanner_sync.token import read_token

            assert settings.access_token_secret is not None  # read_settings requires one of them
            token = read_token(
                settings.access_token_secret, settings.secret_manager_emulator, deadline
            )
        return sync(settings, token, resources, progress, abort)
    finally:
        watchdog.cancel()
