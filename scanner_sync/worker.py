"""The process of one sync, and its parent.

A process can be ended when its deadline passes, whatever it is waiting for; threads that read a
socket, wait for BigQuery or hold a lock cannot. Its memory is returned, too. The function and the
command line are the parent: they start the process, wait for its answer, and remove its files.
"""

import json
import logging
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from scanner_sync import log, streams
from scanner_sync.errors import InternalError, SyncError, answer_of, error_of
from scanner_sync.scratch import scratch
from scanner_sync.settings import clean_environment

if TYPE_CHECKING:
    from scanner_sync.progress import Progress
    from scanner_sync.terminal import Bars

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_RETRYABLE: Final = 75
"""EX_TEMPFAIL of sysexits.h: a later try may succeed."""

COMMAND: Final = ("-m", "scanner_sync.worker")
"""What Python runs in the process; the names of the resources follow."""

INTERRUPTS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""A closed terminal, Ctrl-C, and `kill`: each ends a command in the same way."""


class Interrupted(KeyboardInterrupt):
    """One of `INTERRUPTS`. `status` is the exit status that a shell gives it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def exit_status(error: SyncError) -> int:
    """Return the exit status of a command that failed."""
    return EXIT_RETRYABLE if error.retryable else EXIT_FAILED


def run_worker(
    resources: tuple[str, ...], account: str | None, *, forward_interrupts: bool = False
) -> dict[str, Any]:
    """Sync `resources` in a process, and return the result's body (see `SyncResult.body`).

    `account` is the account that the settings are to be read for, if they hold `{account}`.

    Raises `SyncError`. With `forward_interrupts`, the process also gets the interrupts of this one,
    and `Interrupted` is raised if one ended the sync. That is for the main thread of a command. A
    server has its own handlers, which let a request finish.
    """
    started = time.monotonic()
    try:
        with scratch() as (directory, lock):
            status, output = _run_process(resources, account, directory, lock, forward_interrupts)
        answer = json.loads(output)
    except (OSError, ValueError) as error:
        found = (
            log.explain(error)
            if isinstance(error, OSError)
            else InternalError(
                f"The process of the sync ended with status {status} and no answer."
                " Status -9 most often means too little memory. The next sync starts over."
            )
        )
        # The process could not log this itself, nor what it had done.
        _log_failure(found, seconds=round(time.monotonic() - started, 1))
        raise found from None
    if answer["status"] != "ok":
        raise error_of(answer)
    return dict(answer)


def _run_process(
    resources: tuple[str, ...],
    account: str | None,
    directory: str,
    lock: int,
    forward_interrupts: bool,
) -> tuple[int, bytes]:
    """Run the process of a sync to its end, and return its exit status and its output.

    Raises `Interrupted` as `run_worker` does.
    """
    environment = os.environ | {
        "PYTHONPATH": _search_path(),
        "TMPDIR": directory,
        log.ACCOUNT_VARIABLE: account or "",
    }
    if trace := log.trace.get():
        environment[log.TRACE_VARIABLE] = trace
    interrupts: list[int] = []

    def forward(number: int, _: object) -> None:
        interrupts.append(number)
        process.send_signal(number)

    reading, writing = os.pipe()
    # Closing `writing` ends the process; so does the end of this one, however it comes.
    with os.fdopen(reading), os.fdopen(writing, "w") as held:
        # Interrupts wait until both processes handle them: the new one inherits the mask.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        handlers = {}
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", *COMMAND, *resources],
                env=environment,
                stdin=reading,
                stdout=subprocess.PIPE,
                pass_fds=[lock],
            )
            if forward_interrupts:
                handlers = {number: signal.signal(number, forward) for number in _handled()}
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            output, _ = process.communicate()
        finally:
            held.close()
            process.wait()  # still running if a handler raised, as gunicorn's does at SIGQUIT
            for number, handler in handlers.items():
                signal.signal(number, handler)
    status = process.returncode
    if interrupts and not output:
        raise Interrupted(abs(status) % 128)  # as the process says it, or by default
    return status, output


def _handled() -> list[signal.Signals]:
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

    for number in _handled():
        signal.signal(number, interrupt)


def _search_path() -> str:
    """Return where Python finds this package, whatever directory the parent was started in."""
    here = str(Path(__file__).parent.parent)
    return os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])


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
        end(exit_status(error), answer_of(error))

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
        _log_failure(found)
        fail(found)


def _log_failure(error: SyncError, **fields: float) -> None:
    """Log the failure of a sync that did not begin, or could not say how it ended."""
    log.event(
        "sync_failed",
        logging.ERROR,
        error_type=type(error).__name__,
        error_message=str(error),
        **fields,
    )


def _end_with_parent() -> None:
    """Interrupt this process when its parent ends, which closes its standard input."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
