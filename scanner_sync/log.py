"""Logging in Cloud Logging's shape: one JSON object a line, on standard error.

dlt's logger writes the same way. On a terminal the lines are plain text.
"""

import json
import logging
import sys
import traceback
from typing import Any

logger = logging.getLogger("scanner_sync")


def configure(level: str) -> None:
    """Send this program's records from `level` on, and dlt's warnings, to standard error."""
    handler = logging.StreamHandler()
    if not sys.stderr.isatty():
        handler.setFormatter(_JsonFormatter())
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
    # dlt sets a format of its own on the first handler of its logger, so that one only passes on.
    for name in ("dlt", "py.warnings"):
        logging.getLogger(name).handlers = [_PassOn()]
    logging.captureWarnings(True)


def event(message: str, severity: int = logging.INFO, **fields: Any) -> None:
    """Log what happened, with its figures as fields of the entry."""
    logger.log(severity, message, extra={"fields": fields})


def frames_of(error: BaseException) -> list[str]:
    """Where an error was raised, without its message, which may quote a row."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            **getattr(record, "fields", {}),
        }
        return json.dumps(entry, default=str)


class _PassOn(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        # After these words dlt quotes BigQuery, which may quote a row; so may an exception.
        message = record.getMessage().partition(" with message")[0].partition("\n")[0]
        record.msg, record.args, record.exc_info, record.exc_text = message, None, None, None
        logger.handle(record)
