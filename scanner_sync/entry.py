"""The function's side of a sync: one process for each run, one run at a time."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import flask
from cloudevents.http import CloudEvent

from scanner_sync import errors, log
from scanner_sync.request import resources_of_body, resources_of_message

_under_way = threading.Lock()


def answer(request: flask.Request) -> flask.Response:
    """The answer to an HTTP request: the report of a sync, or an error with its status."""
    try:
        if request.method != "POST":
            raise errors.MethodNotAllowed("Send a POST request.")
        response = flask.jsonify(sync(resources_of_body(request.get_data())))
    except errors.SyncError as error:
        response = flask.jsonify(error.body())
        response.status_code = error.http_status
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, errors.MethodNotAllowed):
            response.headers["Allow"] = "POST"
    return response


def handle(event: CloudEvent) -> None:
    """Sync what a Pub/Sub message asks for.

    Raises the `SyncError` that a later try may mend, so that Pub/Sub delivers the message again;
    logs any other, so that it does not.
    """
    try:
        sync(resources_of_message(event.data))
    except errors.SyncError as error:
        if error.retryable:
            raise
        _log_error("message_dropped", type(error).__name__, str(error))


def sync(resources: tuple[str, ...]) -> dict[str, Any]:
    """The report of one sync in a process of its own. Raises a `SyncError`."""
    if not _under_way.acquire(blocking=False):
        raise errors.AlreadyRunning("A sync is under way in this instance. Wait until it is done.")
    try:
        with tempfile.TemporaryDirectory(prefix="scanner_sync-") as directory:
            done = subprocess.run(
                [sys.executable, "-m", "scanner_sync", *resources],
                env=os.environ | {"TMPDIR": directory, "PYTHONPATH": _search_path()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                check=False,
            )
    finally:
        _under_way.release()
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        message = (
            f"The process of the sync ended with status {done.returncode} and no answer; -9 is"
            " most often too little memory. The next run starts anew."
        )
        _log_error("sync_failed", "InternalError", message)
        raise errors.InternalError(message) from None
    if answer["status"] != "ok":
        kind = getattr(errors, answer["error"]["type"])
        raise kind(answer["error"]["message"], retry_after=answer["retry_after"])
    return dict(answer)


def _log_error(event: str, error_type: str, error_message: str) -> None:
    log.configure("ERROR")
    log.event(event, logging.ERROR, error_type=error_type, error_message=error_message)


def _search_path() -> str:
    """Where Python finds this package, whatever directory the function was started in."""
    here = str(Path(__file__).parent.parent)
    return os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
