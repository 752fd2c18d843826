"""Standard streams that are safe to use.

A reader may go away (`| head`), a disk may be full, and a stream may be closed from the start.
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
    """A descriptor to write to. After the first failure, which is kept, nothing is written."""

    failure: OSError | None = None

    def write(self, data: "ReadableBuffer") -> int:
        """Write some of `data`. After a failure, pretend to write all of it."""
        while self.failure is None:
            try:
                written = super().write(data)
            except OSError as error:
                self.failure = error
            else:
                if written is not None:
                    return written
                select.select([], [self], [])  # another process made it non-blocking
        return memoryview(data).nbytes


_standard_output: Final[list[_Output]] = []


def open_closed() -> None:
    """Open `os.devnull` in place of each standard stream that is closed.

    Otherwise the next file to be opened would take its descriptor, and receive what is printed.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115


def guard() -> None:
    """Make writes to standard output and standard error never raise. `settle` reports failures."""
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
    """Flush the output, and return the exit status of a command that ends with `status`.

    A reader that went away has read all it wanted, so the status stays. If the output was lost for
    another reason, such as a full disk, a line on standard error says so, and a successful command
    exits with 1, because its caller does not have the answer.
    """
    sys.stdout.flush()
    for output in _standard_output:
        if output.failure and not isinstance(output.failure, ConnectionError):
            did = "" if status else " The command itself succeeded."
            error = f"The output could not be written: {output.failure.strerror}.{did}"
            print(f"{MachineError.__name__}: {error}", file=sys.stderr)
            status = status or 1
    sys.stderr.flush()
    return status
