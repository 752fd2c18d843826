"""Workers that are forked from a process with all imports, as most of a worker's time goes there.

Tests of how a worker starts and ends, and of what it takes from its environment, start a real one.
"""

import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.reduction import DupFd
from typing import Any

from scanner_sync import worker

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["scanner_sync.sync", "scanner_sync.secret", "tests.support.forked"])


class ForkedWorker:
    """A worker as `worker.run_worker` knows it: what it uses of `subprocess.Popen`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: dict[str, str],
        stdin: int,
        stdout: int,
        pass_fds: Sequence[int],
    ) -> None:
        assert tuple(command[2:4]) == worker.COMMAND
        self._output, output = os.pipe()
        streams = [DupFd(stream) for stream in (stdin, output, 2, *pass_fds)]
        self._process = _SERVER.Process(target=_work, args=(command[4:], env, streams))
        self._process.start()
        os.close(output)

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def communicate(self) -> tuple[bytes, None]:
        with os.fdopen(self._output, "rb") as output:
            said = output.read()
        self.wait()
        return said, None

    def send_signal(self, number: int) -> None:
        assert self._process.pid
        os.kill(self._process.pid, number)

    def wait(self) -> None:
        self._process.join()


def _work(resources: Sequence[str], environment: dict[str, str], streams: Sequence[Any]) -> None:
    """Be the worker: with the streams, in which the lock is the last, and this environment."""
    for number, stream in enumerate(streams[:3]):
        os.dup2(stream.detach(), number)
    for stream in streams[3:]:
        stream.detach()  # stays open until this process ends
    os.environ.clear()
    os.environ.update(environment)
    worker.main(resources)
