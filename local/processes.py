"""Server processes, started and ended with all that they start: the function among them."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


def _ignore(_line: str) -> None:
    pass


@contextmanager
def function(
    environment: Mapping[str, str],
    target: str = "sync_http",
    on_line: Callable[[str], None] = _ignore,
) -> Iterator[str]:
    """The function under functions-framework's production server; gives its URL.

    `on_line` gets each line of its log.
    """
    command = [
        *(sys.executable, "-m", "functions_framework", "--target", target),
        *("--source", str(ROOT / "main.py"), "--host", "127.0.0.1", "--port", "0"),
    ]
    # The level at which it says where it listens.
    environment = {"GUNICORN_LOG_LEVEL": "info", **environment}
    with serving(command, environment, r"Listening at: (http://\S+)", on_line) as url:
        yield url


@contextmanager
def serving(
    command: list[str],
    environment: Mapping[str, str],
    ready: str,
    on_line: Callable[[str], None] = _ignore,
) -> Iterator[str]:
    """A server process; gives what the pattern `ready` captured of its log."""
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A process group of its own, so that it ends with all that it started.
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        captured = _wait_for(ready, process.stdout, command)
        reader = threading.Thread(target=_pass_on, args=(process.stdout, on_line), daemon=True)
        reader.start()
        yield captured
    finally:
        _end(process)
    reader.join(timeout=5)


def _wait_for(ready: str, lines: Iterable[str], command: list[str]) -> str:
    seen = []
    for line in lines:
        seen.append(line)
        if found := re.search(ready, line):
            return found[1]
    raise RuntimeError(f"{' '.join(command)} did not start:\n{''.join(seen[-20:])}")


def _pass_on(lines: Iterable[str], on_line: Callable[[str], None]) -> None:
    for line in lines:
        on_line(line.rstrip("\n"))


def _end(process: subprocess.Popen[str]) -> None:
    """End the process and its group, if need be by force."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
