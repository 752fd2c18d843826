"""The errors of a sync: one class for each reaction that a caller may have.

A message names what is wrong, where, and what to do. It never contains the token, a row or a
response body, because it ends up in logs, HTTP responses and Pub/Sub retries.
"""

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final


def shown(text: str) -> str:
    """Return foreign text for a message: control characters escaped, at most 100 characters."""
    escaped = printable(text[:101])
    return escaped if len(escaped) <= 100 else f"{escaped[:97]}..."


def printable(text: str) -> str:
    """Return foreign text for a terminal: control characters escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `2 rows`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


class SyncError(Exception):
    """A sync that did not start, or did not finish.

    `http_status` is the status of the HTTP response. `retryable` says whether the same call may
    succeed later with nothing changed; Pub/Sub then redelivers. `retry_after` is the number of
    seconds to wait before that, if it is known.
    """

    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def body(self) -> dict[str, object]:
        """Return the error as the function answers it, in JSON's types."""
        error = {"type": type(self).__name__, "message": str(self)}
        return {"status": "error", "error": error}


class RequestError(SyncError):
    """The request is malformed: its JSON, a key, a resource or the account."""

    http_status = 400


class MethodNotAllowed(SyncError):
    """The HTTP method is not POST."""

    http_status = 405


class AlreadyRunning(SyncError):
    """Another sync is running, in this instance or into this dataset."""

    http_status = 409
    retryable = True


class SettingsError(SyncError):
    """Settings are missing or malformed."""


class TokenError(SyncError):
    """The secret that holds the token is missing, denied, disabled or corrupt."""


class TokenUnavailable(SyncError):
    """Secret Manager did not answer."""

    http_status = 503
    retryable = True


class LoadError(SyncError):
    """BigQuery rejected a request for good."""


class LoadUnavailable(SyncError):
    """BigQuery was unavailable, or a request failed for a reason that passes."""

    http_status = 503
    retryable = True


class MachineError(SyncError):
    """The machine lacks disk space, memory, threads, open files or a directory."""


class InternalError(SyncError):
    """A bug in this program, or a process that was killed."""


class ApiRefused(SyncError):
    """The API rejected the token (401 or 403)."""

    http_status = 502


class ApiError(SyncError):
    """The API sent something that is not a listing, or a row that does not fit its table."""

    http_status = 502


class ListingUnstable(SyncError):
    """A listing changed too fast, or contradicted itself, and could not be read completely."""

    http_status = 503
    retryable = True


class ApiUnavailable(SyncError):
    """The API was still unavailable after all retries, or its quota is used up."""

    http_status = 503
    retryable = True


class DeadlineExceeded(SyncError):
    """The sync took longer than `SYNC_DEADLINE_SECONDS`."""

    http_status = 504
    retryable = True


TYPES: Final = {kind.__name__: kind for kind in SyncError.__subclasses__()}
"""All types of error by their names, in the order of the code."""


def answer_of(error: SyncError) -> dict[str, object]:
    """Return the error as a process answers it: its body, and `retry_after`."""
    return error.body() | {"retry_after": error.retry_after}


def error_of(answer: Mapping[str, Any]) -> SyncError:
    """Return the error of an answer that `answer_of` made."""
    kind = TYPES[answer["error"]["type"]]
    return kind(answer["error"]["message"], retry_after=answer["retry_after"])


def bug(names: str) -> InternalError:
    """Return the error for an exception that nobody expected. `names` are its types."""
    return InternalError(
        f"This is a bug in scanner-sync ({names}). The log says where; please report it."
    )


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, its cause, the cause of that, and so on."""
    while error is not None:
        yield error
        # dlt keeps BigQuery's error of a failed load job outside the chain of causes.
        of_job = getattr(error, "client_exception", None)
        error = of_job or error.__cause__ or error.__context__


def machine_error(error: BaseException) -> MachineError | None:
    """Return the `MachineError` that says what the machine lacks, if that caused `error`."""
    for cause in causes_of(error):
        if message := _lack(cause):
            return MachineError(f"{message} A retry will not help until then.")
    return None


def unexpected(error: BaseException) -> SyncError:
    """Return the error for an exception outside of any library that `diagnose` knows."""
    return machine_error(error) or bug(type(error).__name__)


def _lack(error: BaseException) -> str | None:  # noqa: PLR0911 - one return for each cause
    if isinstance(error, MemoryError):
        return _OUT_OF_MEMORY
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return _NO_THREAD
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.ENOMEM:
        return _OUT_OF_MEMORY
    if error.errno == errno.EAGAIN:  # from fork
        return _NO_THREAD
    directory = tempfile.tempdir or os.environ.get("TMPDIR")
    name, said = error.filename or directory, error.strerror or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"{name or 'The temporary directory'} cannot be written: {said}. Free some space, or"
            " set TMPDIR to a directory that has more; in the function, whose /tmp is memory,"
            " raise `memory`."
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{said}. Raise the limit (ulimit -n), or lower MAX_CONCURRENT_REQUESTS."
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        return "The working directory no longer exists. Start in one that does."
    if isinstance(error, _UNUSABLE) or error.errno == errno.EROFS:
        return (
            f"{name or 'A file'} cannot be used: {said}. For temporary files, set TMPDIR to a"
            " directory that exists and can be written. For any other file, give this user access"
            " to it."
        )
    return None


_OUT_OF_MEMORY = "Out of memory. Give the process more; in the function, raise `memory`."
_NO_THREAD = (
    "No further thread or process can be started. Raise the limit (ulimit -u, or the"
    " container's), give the process more memory, or lower MAX_CONCURRENT_REQUESTS."
)
_UNUSABLE = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)


def _has_working_directory() -> bool:
    try:
        return bool(os.getcwd())
    except OSError:
        return False
