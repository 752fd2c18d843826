"""The parent of a sync: it starts the process, waits for its answer, and removes its files.

The function and the command line are parents.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from scanner_sync import log
from scanner_sync.errors import InternalError, error_of
from scanner_sync.process.exits import INTERRUPTS, Interrupted, handled, log_failure
from scanner_sync.scratch import Scratch, scratch

COMMAND: Final = ("-m", "scanner_sync.process.child")
"""What Python runs in the process; the names of the resources follow."""


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
        with scratch() as place:
            status, output = _run_process(resources, account, place, forward_interrupts)
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
        log_failure(found, seconds=round(time.monotonic() - started, 1))
        raise found from None
    if answer["status"] != "ok":
        raise error_of(answer)
    return dict(answer)


def _run_process(
    resources: tuple[str, ...], account: str | None, place: Scratch, forward_interrupts: bool
) -> tuple[int, bytes]:
    """Run the process of a sync to its end, and return its exit status and its output.

    Raises `Interrupted` as `run_worker` does.
    """
    environment = os.environ | {
        "PYTHONPATH": _search_path(),
        "TMPDIR": place.directory,
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
                pass_fds=[place.lock],
            )
            if forward_interrupts:
                handlers = {number: signal.signal(number, forward) for number in handled()}
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


def _search_path() -> str:
    """Return where Python finds this package, whatever directory the parent was started in."""
    here = str(Path(__file__).parent.parent.parent)
    return os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
