"""How a process ends: its exit status, the interrupts that end it, and the log of its failure."""

import logging
import math
import signal
import threading
import time
from typing import Final

from scanner_sync import log
from scanner_sync.errors import SyncError

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_RETRYABLE: Final = 75
"""EX_TEMPFAIL of sysexits.h: a later try may succeed."""

INTERRUPTS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""A closed terminal, Ctrl-C, and `kill`: each ends a command in the same way."""


class Interrupted(KeyboardInterrupt):
    """One of `INTERRUPTS`. `status` is the exit status that a shell gives it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def exit_status(*retryable: bool) -> int:
    """Return the exit status of a command: by failure, whether a later try may succeed."""
    return (EXIT_RETRYABLE if all(retryable) else EXIT_FAILED) if retryable else 0


def handled() -> list[signal.Signals]:
    """Return the interrupts that are not ignored, as SIGHUP is under nohup."""
    return [number for number in INTERRUPTS if signal.getsignal(number) is not signal.SIG_IGN]


def raise_interrupts(ending: threading.Lock) -> None:
    """Raise `Interrupted` in the main thread for each interrupt, until `ending` is locked."""
    last = -math.inf

    def interrupt(number: int, _: object) -> None:
        # Service managers send two at once; a terminal sends its own to a process and its parent,
        # which forwards it. Later ones count, in case a library swallowed the first.
        nonlocal last
        now = time.monotonic()
        if not ending.locked() and now > last + 1:
            last = now
            raise Interrupted(number)

    for number in handled():
        signal.signal(number, interrupt)


def log_failure(error: SyncError, **fields: float) -> None:
    """Log the failure of a sync that did not begin, or could not say how it ended."""
    log.event(
        "sync_failed",
        logging.ERROR,
        error_type=type(error).__name__,
        error_message=str(error),
        **fields,
    )
