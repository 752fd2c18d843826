"""One sync as a process of its own: `python -m scanner_sync`.

The function starts one for each run. A process can be ended for good when its time is over,
whatever it is doing; threads that read, wait for BigQuery or hold a lock cannot. It also gives its
memory back.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import NoReturn

from scanner_sync import log
from scanner_sync.errors import InternalError, SyncError
from scanner_sync.request import select_resources
from scanner_sync.tables import TABLES

EXIT_RETRYABLE = 75
"""sysexits.h's EX_TEMPFAIL: trying again later may help."""


def main() -> NoReturn:
    """Sync once, print the answer as one line of JSON, and exit: 0, 1, or 75 to try again."""
    parser = argparse.ArgumentParser(
        prog="python -m scanner_sync",
        description="Sync the scanner's API into BigQuery once. Settings come from the environment"
        " or .dlt/config.toml; the answer is one line of JSON on standard output. Exit status: 0"
        " done, 75 failed and worth another try, 1 failed otherwise.",
    )
    parser.add_argument(
        "resources", nargs="*", help=f"what to sync (default: all): {', '.join(TABLES)}"
    )
    log.configure("INFO")  # until the settings say otherwise
    started = time.monotonic()
    resources = parser.parse_args().resources or list(TABLES)
    # Whatever ends this process, what it wrote is in one place, and the caller's to remove where
    # it was the caller's to name.
    tempfile.tempdir = tempfile.mkdtemp(prefix="scanner_sync-")
    ending = threading.Lock()

    def end(body: Mapping[str, object], status: int) -> NoReturn:
        ending.acquire()  # never released: the first to come here ends the process
        print(json.dumps(body), flush=True)
        sys.stderr.flush()
        shutil.rmtree(str(tempfile.tempdir), ignore_errors=True)
        os._exit(status)

    def fail(error: SyncError) -> NoReturn:
        log.event(
            "sync_failed",
            logging.ERROR,
            error_type=type(error).__name__,
            error_message=str(error),
            seconds=round(time.monotonic() - started, 1),
        )
        end(
            error.body() | {"retry_after": error.retry_after},
            EXIT_RETRYABLE if error.retryable else 1,
        )

    try:
        from scanner_sync.run import run

        end(run(select_resources(resources), abort=fail).body(), 0)
    except SyncError as error:
        fail(error)
    except Exception as error:
        log.event("fault", logging.ERROR, frames=log.frames_of(error))
        fail(InternalError(f"A fault of this program: {type(error).__name__}. The log has where."))


if __name__ == "__main__":
    main()
