"""The command line, `python -m scanner_sync`, and the process that the function starts for a run.

A process can be ended for good when its time is over, whatever it is doing; threads that read, wait
for BigQuery or hold a lock cannot. It also gives its memory back.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from scanner_sync import __version__, log, scratch, streams
from scanner_sync.errors import InternalError, SyncError
from scanner_sync.tables import TABLES

if TYPE_CHECKING:
    from google.cloud import bigquery

    from scanner_sync.progress import Progress
    from scanner_sync.settings import Settings
    from scanner_sync.terminal import Bars

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_RETRYABLE: Final = 75
"""sysexits.h's EX_TEMPFAIL: trying again later may help."""


_INTERRUPTS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""The terminal is gone, Ctrl-C, and `kill`: each ends a command in the same way."""
_ending = threading.Lock()
"""Taken, and never released, by the thread that ends the process; interrupts then do nothing."""


class _Interrupted(KeyboardInterrupt):
    """One of `_INTERRUPTS`, by its number."""

    last: ClassVar[float] = -math.inf
    """When one was raised, on the monotonic clock."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and give the exit status."""
    streams.guard()
    try:
        status = _run_command(arguments)
    except SyncError as error:
        _say_error(error)
        status = _status_of(error)
    except _Interrupted as interrupt:
        print("Interrupted.", file=sys.stderr)
        status = interrupt.status
    except Exception as error:
        found = log.explain(error)
        _say_error(found)
        status = _status_of(found)
    _ending.acquire()
    return streams.settle(status)


def _run_command(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as end:  # after --help, or for words that it does not know
        return int(end.code or 0)
    if parsed.command is None:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    _clean_environment()
    for number in _INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    log.configure("INFO" if parsed.command == "sync" else "WARNING")
    commands = {"sync": _sync, "check": _check, "status": _status, "report": _report}
    return commands[parsed.command](parsed)


def _interrupt(number: int, _: object) -> None:
    # A service manager sends two at once, and people press Ctrl-C twice: the first is being dealt
    # with. Later ones count, in case a library swallowed it.
    now = time.monotonic()
    if not _ending.locked() and now > _Interrupted.last + 1:
        _Interrupted.last = now
        raise _Interrupted(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scanner_sync",
        description="A vulnerability scanner's API into BigQuery. Settings come from the"
        " environment or .dlt/config.toml; `check` says what is wrong with them.",
        epilog="Exit status: 0 done; 75 failed, and the same may work later; 1 failed otherwise;"
        " 2 the command is none; 129, 130 or 143 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"scanner_sync {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, what: str, more: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=what, description=f"{what}. {more}")

    sync = add(
        "sync",
        "Sync the API into BigQuery once",
        "This is what the function does. The log goes to standard error: readable on a terminal,"
        " one JSON object a line elsewhere.",
    )
    sync.add_argument(
        "--resources",
        type=_resources,
        default=tuple(TABLES),
        metavar="NAME,...",
        help=f"what to sync, of {','.join(TABLES)} (default: all)",
    )
    sync.add_argument(
        "--json", action="store_true", help="print the answer of the function, one line of JSON"
    )
    add(
        "check",
        "Try all that a sync needs, and say what is wrong",
        "Settings, Google account, secret, token, API, dataset and rights are each tried for real."
        " No data are changed, and nothing stays behind.",
    )
    status = add(
        "status",
        "Show the tables' rows, how fresh they are, and how the last runs ended",
        "Runs that failed before they reached BigQuery are in the log alone.",
    )
    status.add_argument("--json", action="store_true", help="print one line of JSON")
    report = add(
        "report",
        "Write a page about the dataset",
        "It is one file of HTML, which a browser shows without a network.",
    )
    report.add_argument("--out", required=True, metavar="FILE.html", help="the file to write")
    return parser


def _resources(names: str) -> tuple[str, ...]:
    given = [name.strip() for name in names.split(",")]
    if unknown := [name for name in given if name not in TABLES]:
        raise argparse.ArgumentTypeError(
            f"there is no {', '.join(map(repr, unknown))}; there are {', '.join(TABLES)}"
        )
    return tuple(name for name in TABLES if name in given)


def _clean_environment() -> None:
    """Remove what libraries read from the environment, and what the README does not list.

    dlt reads some of its variables when it is imported. A `.netrc` with a default entry would send
    the user's password to Google in place of the credentials.
    """
    os.environ["NETRC"] = os.devnull
    for name in [name for name in os.environ if name.startswith("DLT_")]:
        del os.environ[name]


def _sync(arguments: argparse.Namespace) -> NoReturn:
    directory: str | None = None
    bars: list[Bars] = []

    def end(status: int, say: Callable[[], None]) -> NoReturn:
        """End the process, whatever `say` does, and whatever other threads are doing."""
        _ending.acquire()
        try:
            for bar in bars:
                bar.stop()
            say()
            status = streams.settle(status)
        finally:
            # Not raised any more, but they would still end the program that removes the directory.
            signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
            scratch.leave(directory, status)

    def fail(error: SyncError) -> NoReturn:
        def say() -> None:
            if arguments.json:
                print(json.dumps(error.body() | {"retry_after": error.retry_after}))
            else:
                _say_error(error)

        end(_status_of(error), say)

    def show(progress: Progress) -> AbstractContextManager[Any]:
        from scanner_sync.progress import logged
        from scanner_sync.terminal import Bars, can_draw

        if not can_draw():
            return logged(progress)
        bars.append(Bars(progress))
        return bars[0]

    try:
        try:
            scratch.remove_leftovers()
            directory = scratch.make()
            from scanner_sync.run import run

            report = run(arguments.resources, abort=fail, show=show).body()
        except SyncError as error:
            fail(error)
        except Exception as error:
            # `run` raises nothing else, and logs its failure: it was not reached.
            found = log.explain(error)
            log.event(
                "sync_failed",
                logging.ERROR,
                error_type=type(found).__name__,
                error_message=str(found),
            )
            fail(found)
        if arguments.json:
            end(0, lambda: print(json.dumps(report)))
        end(0, lambda: _show_report(report))
    except _Interrupted as interrupt:
        end(interrupt.status, lambda: print("Interrupted.", file=sys.stderr))


def _show_report(report: Mapping[str, Any]) -> None:
    from scanner_sync.terminal import print_table

    counts = ("opened", "closed", "changed")
    history = report["history"]
    print_table(
        ["table", "rows", *(counts if history else ())],
        [
            [table, of["rows"], *(history.get(table, {}).get(count) for count in counts)]
            if history
            else [table, of["rows"]]
            for table, of in report["tables"].items()
        ],
    )
    print(
        f"Loaded into {report['dataset']} in {report['seconds']} seconds, with"
        f" {report['requests']:,} requests."
    )


def _check(_: argparse.Namespace) -> int:
    from scanner_sync.check import check

    colours = {"fine": "32", "wrong": "31", "not tried": "2"}
    wrong = []
    for finding in check():
        state = f"{finding.state:<9}"
        if sys.stdout.isatty():
            state = log.coloured(colours[finding.state], state)
        print(f"{state}  {finding.name:<15}  {finding.said}", flush=True)
        if finding.state == "wrong":
            wrong.append(finding)
    if not wrong:
        return 0
    return EXIT_RETRYABLE if all(finding.may_pass for finding in wrong) else EXIT_FAILED


def _status(arguments: argparse.Namespace) -> int:
    from scanner_sync.status import read_status
    from scanner_sync.terminal import ago, print_table

    with _dataset() as (client, settings):
        status = read_status(client, settings.dataset)
    now = status.pop("now")
    if arguments.json:
        print(json.dumps(status, default=datetime.isoformat))
        return 0

    def when(moment: datetime | None) -> str:
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC, {ago(moment, now)}" if moment else "never"

    def told(run: Mapping[str, Any] | None) -> str:
        if run is None:
            return "none is known of"
        return ", ".join(
            [*(run[key] for key in ("outcome", "error_type") if key in run), when(run["at"])]
        )

    print_table(
        ["table", "rows", "newest row loaded"],
        [[of["table"], of["rows"], when(of["loaded_at"])] for of in status["tables"]],
    )
    print()
    print_table(
        ["loads", "done"], [[load["load_id"], when(load["at"])] for load in status["loads"]]
    )
    print(f"\nlast run: {told(status['last_run'])}")
    if status["last_failure"]:
        print(f"last failure: {told(status['last_failure'])}")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from scanner_sync.overview import write_overview
    from scanner_sync.status import read_clock

    with _dataset() as (client, settings):
        write_overview(client, settings.dataset, Path(arguments.out), read_clock(client))
    print(arguments.out)
    return 0


@contextmanager
def _dataset() -> Iterator[tuple[bigquery.Client, Settings]]:
    """BigQuery and the settings that name a dataset; what goes wrong inside is a `SyncError`."""
    from google.api_core.exceptions import NotFound
    from google.cloud import bigquery

    from scanner_sync.lease import REACH_PATIENCE
    from scanner_sync.pipeline import diagnose, google_account
    from scanner_sync.settings import read_settings

    try:
        settings = read_settings()
        project, credentials = google_account(settings)
        client = bigquery.Client(project, credentials, location=settings.bigquery_location)
        # Without a network, Google's client would try for ten minutes.
        with contextlib.suppress(NotFound):
            client.get_dataset(
                settings.dataset, retry=bigquery.DEFAULT_RETRY.with_timeout(REACH_PATIENCE)
            )
        yield client, settings
    except Exception as error:
        found = diagnose(error)
        if isinstance(found, InternalError):
            log.event("fault", logging.ERROR, frames=log.frames_of(error))
        raise found from None


def _say_error(error: SyncError) -> None:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    if error.retry_after:
        print(f"Try again in {error.retry_after} seconds.", file=sys.stderr)


def _status_of(error: SyncError) -> int:
    return EXIT_RETRYABLE if error.retryable else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
