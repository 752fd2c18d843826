"""Standard input, output and error that can be used whatever they are.

Their reader may go away (`| head`), their disk may be full, and they may be closed from the start.
"""

import io
import os
import select
import sys
from typing import TYPE_CHECKING, Final, TextIO

from scanner_sync.errors import MachineError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Output(io.FileIO):
    """A descriptor to write to. The first failure is kept; from then on, nothing is written."""

    failure: OSError | None = None

    def write(self, data: "ReadableBuffer") -> int:
        """Write some of `data`; all of it, as far as the caller can see, after a failure."""
        while self.failure is None:
            try:
                written = super().write(data)
            except OSError as error:
                self.failure = error
            else:
                if written is not None:
                    return written
                select.select([], [self], [])  # whoever shares the descriptor made it non-blocking
        return memoryview(data).nbytes


_standard_output: Final[list[_Output]] = []


def open_closed() -> None:
    """Open `os.devnull` where a standard stream is closed.

    The next file that is opened would otherwise take its descriptor, and get what is printed.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115


def guard() -> None:
    """Let no write to standard output or standard error raise; `settle` tells of a failure."""
    open_closed()
    sys.stdout, output = _guarded(sys.stdout)
    sys.stderr, _ = _guarded(sys.stderr)
    _standard_output[:] = [output]


def _guarded(stream: TextIO) -> tuple[TextIO, _Output]:
    output = _Output(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=bool(stream.line_buffering),
    ), output


def settle(status: int) -> int:
    """Write what is still buffered, and give the exit status of a command that ends with `status`.

    A reader that went away has read all that it wanted, so the status stays. Where the output is
    lost for another reason, such as a full disk, one line on standard error says so, and a command
    that did its work exits 1: its caller does not have the answer.
    """
    sys.stdout.flush()
    for output in _standard_output:
        if output.failure and not isinstance(output.failure, ConnectionError):
            did = "" if status else " What was asked for is done."
            error = f"The output could not be written: {output.failure.strerror}.{did}"
            print(f"{MachineError.__name__}: {error}", file=sys.stderr)
            status = status or 1
    sys.stderr.flush()
    return status
