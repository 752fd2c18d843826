"""One run from its settings to its report."""

import threading
from collections.abc import Callable

from scanner_sync import log
from scanner_sync.deadline import Deadline
from scanner_sync.errors import SyncError
from scanner_sync.pipeline import sync
from scanner_sync.report import Report
from scanner_sync.settings import read_settings


def run(resources: tuple[str, ...], abort: Callable[[SyncError], None]) -> Report:
    """Sync `resources` with the settings as they stand now. Raises `SyncError`.

    `abort` is called in another thread when the time is over, or when the run may not go on.
    """
    settings = read_settings()
    log.configure(settings.log_level)
    deadline = Deadline(settings.sync_deadline_seconds)
    watchdog = threading.Timer(deadline.seconds, lambda: abort(deadline.exceeded()))
    watchdog.daemon = True
    watchdog.start()
    try:
        log.event("sync_started", resources=list(resources), dataset=settings.dataset)
        deadline.doing = "reading the token"
        token = settings.access_token
        if token is None:
            from scanner_sync.token import read_token

            assert settings.access_token_secret is not None  # read_settings requires one of them
            token = read_token(
                settings.access_token_secret, settings.secret_manager_emulator, deadline
            )
        report = sync(settings, token, resources, deadline, abort)
    finally:
        watchdog.cancel()
    for table, rows in report.rows.items():
        log.event("table_synced", table=table, rows=rows)
    log.event(
        "sync_finished",
        load_id=report.load_id,
        history=report.history,
        requests=report.traffic.requests,
        retries=report.traffic.retries,
        throttled=report.traffic.throttled,
        vanished=report.traffic.vanished,
        seconds=round(report.seconds, 1),
    )
    return report
