"""Logging in Cloud Logging's format: one JSON object per line, on standard error.

Everything that logs in the process uses it: this program, dlt, functions-framework and its server.
On a terminal, rich shows the same as readable lines.
"""

import contextlib
import functools
import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from scanner_sync.errors import InternalError, SyncError, unexpected
from scanner_sync.streams import open_closed

if TYPE_CHECKING:
    from rich.console import Console

logger = logging.getLogger("scanner_sync")

TRACE_VARIABLE: Final = "TRACEPARENT"
"""Environment variable that passes the trace on to the worker process, in W3C's format."""
trace: ContextVar[str | None] = ContextVar("trace", default=None)
"""The trace of the request that this thread answers, in W3C's format."""

ACCOUNT_VARIABLE: Final = "SCANNER_SYNC_ACCOUNT"
"""Environment variable that passes the account on to the worker process."""
account: ContextVar[str | None] = ContextVar("account", default=None)
"""The account that this thread works for."""

_W3C = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_CLOUD = re.compile(r"([0-9a-f]{32})(?:/([0-9]{1,20}))?(?:;o=[0-9]+)?", re.IGNORECASE)


def trace_of(traceparent: str, cloud_trace_context: str) -> str | None:
    """Return the trace that a request's headers name, in W3C's format, or None.

    The headers are W3C's `traceparent` and Google's `X-Cloud-Trace-Context`. A missing span is 0.
    """
    if _parts_of(traceparent):
        return traceparent
    if found := _CLOUD.fullmatch(cloud_trace_context):
        span = int(found[2] or 0) % 2**64
        given = f"00-{found[1].lower()}-{span:016x}-01"
        return given if _parts_of(given) else None
    return None


def _parts_of(traceparent: str) -> tuple[str, str] | None:
    found = _W3C.fullmatch(traceparent)
    return (found[1], found[2]) if found and int(found[1], 16) else None


def configure(level: str) -> None:
    """Write this program's records from `level` up, and others' warnings, to standard error."""
    open_closed()
    root = logging.getLogger()
    root.handlers = [_handler()]
    root.setLevel("WARNING")
    logger.setLevel(level)
    # dlt sets a formatter on the first handler of its logger, so that handler only forwards.
    logging.getLogger("dlt").handlers = [_PassOn()]
    # gunicorn adds a handler to its logger later, when it starts; a filter comes before it.
    logging.getLogger("gunicorn.error").filters = [_pass_on]
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def event(message: str, severity: int = logging.INFO, **fields: Any) -> None:
    """Log an event, with its figures as fields of the entry."""
    logger.log(severity, message, extra={"fields": fields})


def of_account() -> dict[str, str]:
    """Return the account of this thread or process, as a field of log entries and answers."""
    name = account.get() or os.environ.get(ACCOUNT_VARIABLE)
    return {"account": name} if name else {}


def frames_of(error: BaseException) -> list[str]:
    """Return where an error was raised, without its message, which may quote a row."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def explain(error: Exception, diagnose: Callable[[Exception], SyncError] = unexpected) -> SyncError:
    """Return the `SyncError` that `diagnose` finds for an error, and log where a bug was raised."""
    found = diagnose(error)
    if isinstance(found, InternalError):
        event("fault", logging.ERROR, frames=frames_of(error))
    return found


def _message_of(record: logging.LogRecord) -> str:
    message = record.getMessage()
    if record.name == logger.name:
        return message
    # After these words dlt quotes BigQuery, which may quote a row. So may further lines.
    return message.partition(" with message")[0].partition("\n")[0]


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    fields = of_account() | getattr(record, "fields", {})
    if record.exc_info and record.exc_info[1]:
        error = record.exc_info[1]
        # Of an exception only this program's own message is known to quote nothing.
        said = f": {error}" if isinstance(error, SyncError) else ""
        frames = traceback.format_tb(error.__traceback__)
        fields["stack_trace"] = (
            f"Traceback (most recent call last):\n{''.join(frames)}{type(error).__name__}{said}"
        )
    return fields


class _JsonObject(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "severity": record.levelname,
            "message": _message_of(record),
            "logger": record.name,
            **_fields_of(record),
        }
        parts = _parts_of(trace.get() or os.environ.get(TRACE_VARIABLE, ""))
        project = os.environ.get("GOOGLE_CLOUD_PROJECT")
        if parts and project:
            entry["logging.googleapis.com/trace"] = f"projects/{project}/traces/{parts[0]}"
            if int(parts[1], 16):
                entry["logging.googleapis.com/spanId"] = parts[1]
        return json.dumps(entry, default=str)


class _Text(logging.Formatter):
    """The message and its fields, as `rich.logging.RichHandler` shows them."""

    def format(self, record: logging.LogRecord) -> str:
        name = "" if record.name == logger.name else f"{record.name}: "
        fields = _fields_of(record)
        stack_trace = fields.pop("stack_trace", None)
        shown = (f"{key}={_readable(value)}" for key, value in fields.items())
        line = " ".join([f"{name}{_message_of(record)}", *shown])
        return f"{line}\n{stack_trace}" if stack_trace else line


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_readable(of)}" for key, of in value.items()) + "}"
    if isinstance(value, list | tuple):
        return ",".join(map(_readable, value))
    return json.dumps(value) if isinstance(value, str) and " " in value else str(value)


@functools.cache
def console() -> "Console":
    """Return rich's console on standard error. Raises `ImportError` without rich.

    The log and the progress bars share it: rich then prints records above the bars, which would
    otherwise overwrite them.
    """
    from rich.console import Console

    return Console(stderr=True)


def _handler() -> logging.Handler:
    """Return the handler of the root logger: rich's on a terminal, if it is installed."""
    if sys.stderr.isatty():
        with contextlib.suppress(ImportError):
            from rich.logging import RichHandler

            handler = RichHandler(console=console(), show_path=False)
            handler.setFormatter(_Text())
            return handler
    return _StandardError(_JsonObject())


class _StandardError(logging.Handler):
    """Writes to the present `sys.stderr`, which a server may replace."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


class _PassOn(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _pass_on(record)


def _pass_on(record: logging.LogRecord) -> bool:
    logging.getLogger().handle(record)
    return False


def _log_uncaught(
    kind: type[BaseException], error: BaseException, frames: TracebackType | None
) -> None:
    logger.critical("uncaught", exc_info=(kind, error, frames))
