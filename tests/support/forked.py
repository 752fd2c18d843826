"""Workers and commands that are forked from a process with all imports.

Imports take most of their time. Tests of how a process starts and ends, and of what it takes from
its environment, start real ones.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.reduction import DupFd
from types import SimpleNamespace
from typing import Any

from scanner_sync.process import child, parent

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        *("scanner_sync.sync", "scanner_sync.secret", "scanner_sync.cli", "scanner_sync.report"),
        *("scanner_sync.check", "scanner_sync.terminal", "tests.support.forked"),
        # What a sync imports when it begins to load.
        *("scanner_sync.warehouse.pipeline", "dlt.destinations.impl.bigquery.bigquery"),
        *("dlt.sources.helpers.requests", "google.cloud.bigquery.dbapi"),
    ]
)
PIPE = -1
"""What `parent` passes as `stdout`: the worker's output is read by its parent."""


class _Worker:
    """A worker as `parent.run_worker` knows it: what it uses of `subprocess.Popen`."""

    pid: int
    returncode: int | None = None

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stdin: int,
        stdout: int,
        pass_fds: Sequence[int],
    ) -> None:
        assert (tuple(command[2:4]), stdout) == (parent.COMMAND, PIPE)
        self._output, output = os.pipe()
        self._start(command[4:], env, [stdin, output, 2, *pass_fds])
        os.close(output)

    def _start(
        self, resources: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]
    ) -> None:
        """Start the process, which has these streams open, the first three as its standard ones."""
        raise NotImplementedError

    def communicate(self) -> tuple[bytes, None]:
        with os.fdopen(self._output, "rb") as output:
            said = output.read()
        self.wait()
        return said, None

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> None:
        raise NotImplementedError


class ForkedWorker(_Worker):
    """A worker that is forked from a server, as threads run in the process of the tests."""

    def _start(self, *of: Any) -> None:
        self._process = _fork(_work, *of)
        assert self._process.pid
        self.pid = self._process.pid

    def wait(self) -> None:
        self._process.join()
        self.returncode = self._process.exitcode


class _ForkedFromCommand(_Worker):
    """A worker of a command that was forked itself."""

    def _start(
        self, resources: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]
    ) -> None:
        self.pid = os.fork()
        if not self.pid:
            _become(environment, streams)
            child.main(resources)

    def wait(self) -> None:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


FORKED = SimpleNamespace(Popen=ForkedWorker, PIPE=PIPE)
"""In place of `subprocess` in `parent`."""


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], timeout: float
) -> tuple[int, str, str]:
    """Run a command to its end; return its exit status, its output and its error output."""
    with open(os.devnull) as nothing, tempfile.TemporaryFile("w+") as out:  # noqa: SIM117
        with tempfile.TemporaryFile("w+") as err:
            streams = [nothing.fileno(), out.fileno(), err.fileno()]
            process = _fork(_command, arguments, environment, streams)
            process.join(timeout)
            assert process.exitcode is not None, arguments
            out.seek(0)
            err.seek(0)
            return process.exitcode, out.read(), err.read()


def _fork(
    target: Any, arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]
) -> Any:
    passed = [DupFd(stream) for stream in streams]
    process = _SERVER.Process(target=target, args=(arguments, dict(environment), passed))
    process.start()
    return process


def _work(resources: Sequence[str], environment: Mapping[str, str], streams: Sequence[Any]) -> None:
    _become(environment, [stream.detach() for stream in streams])
    child.main(resources)


def _command(
    arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[Any]
) -> None:
    _become(environment, [stream.detach() for stream in streams])
    from scanner_sync.cli import main

    parent.subprocess = SimpleNamespace(Popen=_ForkedFromCommand, PIPE=PIPE)  # type: ignore[attr-defined, assignment]
    os._exit(main(arguments))


def _become(environment: Mapping[str, str], streams: Sequence[int]) -> None:
    """Have an environment, the first three of these streams, and the others open."""
    for number, stream in enumerate(streams[:3]):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(environment)
