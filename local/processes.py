"""Run servers, such as the function, in processes that end with everything they started."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


class NotStarted(Exception):
    """A server that did not start, and what it said last."""


def _ignore(_line: str) -> None:
    pass


@contextmanager
def function(
    environment: Mapping[str, str],
    target: str = "sync_http",
    on_line: Callable[[str], None] = _ignore,
) -> Iterator[str]:
    """Run the function under functions-framework's production server; yields its URL.

    `on_line` is called with each line of its log.
    """
    command = [
        *(sys.executable, "-m", "functions_framework", "--target", target),
        *("--source", str(ROOT / "main.py"), "--host", "127.0.0.1", "--port", "0"),
    ]
    # At this level it logs where it listens.
    environment = {"GUNICORN_LOG_LEVEL": "info", **environment}
    with serving(command, environment, r"Listening at: (http://\S+)", on_line) as url:
        yield url


class _Server(ThreadingHTTPServer):
    # Of more than its 5 connections that wait at once, Linux drops some, whose clients try again
    # after a second. A sync opens ten at a time.
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what a handler raises, but not that a client has hung up: it may have ended."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answer requests in threads of this process; yields the base URL."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, name=handler.__name__)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(
    command: list[str],
    environment: Mapping[str, str],
    ready: str,
    on_line: Callable[[str], None] = _ignore,
) -> Iterator[str]:
    """Run a server; yields what the pattern `ready` captured from its log. Raises `NotStarted`."""
    try:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A separate process group, so that it ends with everything that it started.
            start_new_session=True,
        )
    except OSError as error:
        raise NotStarted(f"{command[0]} cannot be started: {error.strerror}.") from None
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
    raise NotStarted(f"{' '.join(command)} did not start:\n{''.join(seen[-20:])}")


def _pass_on(lines: Iterable[str], on_line: Callable[[str], None]) -> None:
    for line in lines:
        on_line(line.rstrip("\n"))


def _end(process: subprocess.Popen[str]) -> None:
    """End the process group, with SIGKILL if necessary."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
