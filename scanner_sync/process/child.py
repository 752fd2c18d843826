"""The child: the process of one sync, which prints its answer as a line of JSON."""

import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NoReturn

from scanner_sync import log, streams
from scanner_sync.errors import SyncError, answer_of
from scanner_sync.process.exits import (
    INTERRUPTS,
    Interrupted,
    exit_status,
    log_failure,
    raise_interrupts,
)
from scanner_sync.settings import clean_environment

if TYPE_CHECKING:
    from scanner_sync.progress import Progress
    from scanner_sync.terminal import Bars


def main(resources: Sequence[str]) -> NoReturn:
    """Sync `resources`, print the answer as a line of JSON, and end this process."""
    streams.guard()
    ending = threading.Lock()
    bars: list[Bars] = []

    def end(status: int, answer: Mapping[str, object] | None = None) -> NoReturn:
        """End the process from any thread, whatever the others are doing."""
        ending.acquire()  # never released: the first to end decides the status
        try:
            for bar in bars:
                bar.stop()
            if answer is not None:
                print(json.dumps(answer))
            status = streams.settle(status)
        finally:
            os._exit(status)

    def fail(error: SyncError) -> NoReturn:
        end(exit_status(error.retryable), answer_of(error))

    def show(progress: "Progress") -> AbstractContextManager[Any]:
        from scanner_sync.progress import logged
        from scanner_sync.terminal import Bars, can_draw

        if not can_draw():
            return logged(progress)
        bars.append(Bars(progress))
        return bars[0]

    try:
        raise_interrupts(ending)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        # Otherwise Python tries whether it can write there, and looks elsewhere if it cannot.
        tempfile.tempdir = os.environ["TMPDIR"]
        clean_environment()
        log.configure("INFO")
        from scanner_sync.sync import sync

        account = os.environ.get(log.ACCOUNT_VARIABLE) or None
        end(0, sync(tuple(resources), fail, show, account=account).body())
    except SyncError as error:
        fail(error)
    except Interrupted as interrupted:
        end(interrupted.status)
    except Exception as error:  # `sync` raises no other, so it could not be imported
        found = log.explain(error)
        log_failure(found)
        fail(found)


def _end_with_parent() -> None:
    """Interrupt this process when its parent ends, which closes its standard input."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
