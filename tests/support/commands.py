"""Commands of the program, run as a user runs them."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from local.processes import ROOT
from tests.conftest import TOKEN
from tests.support.forked import run_command

COMMAND = [sys.executable, "-m", "scanner_sync"]


class Done(NamedTuple):
    status: int
    out: str
    err: str


def run(*arguments: str, **settings: str) -> Done:
    """Run a command whose standard streams are files."""
    done = _run(arguments, settings)
    assert "Traceback" not in done.err
    return done


def _run(arguments: Sequence[str], settings: Mapping[str, str]) -> Done:
    done = Done(*run_command(arguments, os.environ | settings, timeout=300))
    assert TOKEN not in done.out + done.err
    return done


def on_terminal(
    *arguments: str,
    see: Callable[[str, int], None] = lambda out, pid: None,
    stdout: int | None = None,
    **settings: str,
) -> Done:
    """Run a command on a terminal, perhaps with its output elsewhere.

    `see` gets what it printed so far, and its process id.
    """
    ours, its = pty.openpty()
    command = subprocess.Popen(
        [*COMMAND, *arguments],
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"} | settings,
        cwd=ROOT,
        stdin=its,
        stdout=its if stdout is None else stdout,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    out = ""
    while True:
        try:
            part = os.read(ours, 2**16)
        except OSError:  # nothing has the terminal any more
            break
        out += part.decode(errors="replace")
        see(out, command.pid)
    os.close(ours)
    return Done(command.wait(timeout=60), out, "")


def told(command: Sequence[str], **settings: str) -> tuple[dict[str, Any], Done]:
    """Run a command with --json; return what it answers, and how it ended."""
    done = _run(command[len(COMMAND) :], settings)
    found: dict[str, Any] = json.loads(done.out)
    return found, done


STAYS_OPEN, _ = os.pipe()
"""Standard input for a worker that is started without its parent."""


def start(command: list[str], **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=os.environ | settings,
        cwd=ROOT,
        stdin=STAYS_OPEN,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that it is killed with its worker
    )


def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=60)
    found: dict[str, Any] = json.loads(out)
    return found


NAMES = [
    "archive",
    "settings",
    "Google account",
    "secret",
    "token",
    "listings",
    "requests",
    "feeds",
    "dataset",
    "BigQuery jobs",
    "BigQuery tables",
    "sla_policy",
]


def findings(done: Done) -> dict[str, tuple[str, str]]:
    """Return the results of `check` by name."""
    found = {}
    for line in done.out.splitlines():
        status, name, detail = re.split(r" {2,}", line, maxsplit=2)
        found[name] = (status, detail)
    assert list(found) == NAMES
    return found


def runs(*variables: str) -> list[int]:
    """Return the processes of syncs in whose environment all of this is."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            command = (directory / "cmdline").read_bytes()
            environment = (directory / "environ").read_bytes()
            if b"-m\0scanner_sync.process.child\0" in command and all(
                variable.encode() in environment for variable in variables
            ):
                found.append(int(directory.name))
    return found


# A worker on a machine whose clock is an hour ahead. dlt takes Python's own `datetime` only, so
# another is put into the modules of this program alone.
AHEAD = """
import datetime, sys, time
def time_ahead(real=time.time):
    return real() + 3600
class Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(time_ahead(), tz)
time.time = time_ahead
from scanner_sync import sync
from scanner_sync.process import child
from scanner_sync.warehouse import history, lease, pipeline
for module in (sync, history, lease, pipeline):
    module.datetime = Datetime
child.main(sys.argv[1:])
"""
