"""What can go wrong in a sync, one class for each thing that a caller would do about it.

A message names what is wrong, where, and what to do. It never holds the token, a row or the body of
an answer: messages travel into logs, HTTP answers and Pub/Sub retries.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from typing import ClassVar


def shown(text: str) -> str:
    """Text from outside, for a message: at most 100 characters, control characters escaped."""
    escaped = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:101])
    return escaped if len(escaped) <= 100 else f"{escaped[:97]}..."


class SyncError(Exception):
    """A sync that did not happen, or did not finish.

    `http_status` is what `sync_http` answers. `retryable` says whether the same call may succeed
    later with nothing changed: then Pub/Sub is asked to deliver again. `retry_after` is the number
    of seconds after which that is worth trying, where it is known.
    """

    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def body(self) -> dict[str, object]:
        """The error as it is answered, in JSON's types."""
        error = {"type": type(self).__name__, "message": str(self)}
        return {"status": "error", "error": error}


class RequestError(SyncError):
    """The call itself is malformed: its JSON, a key, a resource."""

    http_status = 400


class MethodNotAllowed(SyncError):
    """The HTTP method is not POST."""

    http_status = 405


class AlreadyRunning(SyncError):
    """A sync is under way, in this instance or into this dataset."""

    http_status = 409
    retryable = True


class SettingsError(SyncError):
    """One or more settings are missing or malformed."""


class TokenError(SyncError):
    """The token's secret is missing, denied, disabled or corrupt."""


class TokenUnavailable(SyncError):
    """Secret Manager does not answer."""

    http_status = 503
    retryable = True


class LoadError(SyncError):
    """BigQuery refuses what it is asked to do."""


class LoadUnavailable(SyncError):
    """BigQuery stayed unavailable, or a job of its failed in a way that passes."""

    http_status = 503
    retryable = True


class MachineError(SyncError):
    """The machine lacks disk space, memory, open files or a directory."""


class InternalError(SyncError):
    """A fault of this program, or a process that was ended from outside."""


class ApiRefused(SyncError):
    """The API refuses the token (401 or 403)."""

    http_status = 502


class ApiError(SyncError):
    """The API answers something that is no listing, or rows that fit no table."""

    http_status = 502


class ListingUnstable(SyncError):
    """A listing changed so fast, or contradicts itself so, that it could not be read whole."""

    http_status = 503
    retryable = True


class ApiUnavailable(SyncError):
    """The API stays unavailable after all retries, or its quota is used up."""

    http_status = 503
    retryable = True


class DeadlineExceeded(SyncError):
    """The run took longer than `SYNC_DEADLINE_SECONDS`."""

    http_status = 504
    retryable = True


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, what caused that, and so on."""
    while error is not None:
        yield error
        # dlt keeps what BigQuery said of a load job that failed beside the chain of causes.
        of_job = getattr(error, "client_exception", None)
        error = of_job or error.__cause__ or error.__context__


def machine_error(error: BaseException) -> MachineError | None:
    """The `MachineError` that says what the machine lacks, if that is what caused `error`."""
    for cause in causes_of(error):
        if message := _lack(cause):
            return MachineError(f"{message} Trying again does not help until then.")
    return None


def _lack(error: BaseException) -> str | None:  # noqa: PLR0911 - one return for each cause
    if isinstance(error, MemoryError):
        return "Memory ran out. Give the process more; in the function, raise `memory`."
    if not isinstance(error, OSError):
        return None
    directory = tempfile.tempdir or os.environ.get("TMPDIR")
    name, said = error.filename or directory, error.strerror or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"{name or 'The temporary directory'} cannot take what is written to it: {said}. Free"
            " some space, or set TMPDIR to a directory that has more; in the function, whose /tmp"
            " is memory, raise `memory`."
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{said}. Raise the limit (ulimit -n), or lower MAX_CONCURRENT_REQUESTS."
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        return "The working directory no longer exists. Start in one that does."
    if isinstance(error, _UNUSABLE) or error.errno == errno.EROFS:
        return (
            f"{name or 'A file'} cannot be used: {said}. If it is for temporary files, set TMPDIR"
            " to a directory that exists and can be written; if not, let the user who runs this"
            " use it."
        )
    return None


_UNUSABLE = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)


def _has_working_directory() -> bool:
    try:
        return bool(os.getcwd())
    except OSError:
        return False
