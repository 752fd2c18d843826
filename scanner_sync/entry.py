"""The function's side of a sync: one process for each run, one run at a time."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import flask
from cloudevents.http import CloudEvent

from scanner_sync import errors, log, scratch
from scanner_sync.request import resources_of_body, resources_of_message

COMMAND: Final = ("-m", "scanner_sync", "sync", "--json")
"""What Python runs in the process of a run: see `__main__`."""
_under_way = threading.Lock()


def answer(request: flask.Request) -> flask.Response:
    """The answer to an HTTP request: the report of a sync, or an error with its status."""
    _follow_trace(request)
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
    _follow_trace(flask.request)
    try:
        sync(resources_of_message(event.data))
    except errors.SyncError as error:
        if error.retryable:
            raise
        log.event(
            "message_dropped",
            logging.ERROR,
            error_type=type(error).__name__,
            error_message=str(error),
        )


def sync(resources: tuple[str, ...]) -> dict[str, Any]:
    """The report of one sync in a process of its own. Raises a `SyncError`."""
    if not _under_way.acquire(blocking=False):
        raise errors.AlreadyRunning("A sync is under way in this instance. Wait until it is done.")
    started = time.monotonic()
    trace = log.trace.get()
    try:
        done = subprocess.run(
            [sys.executable, "-P", *COMMAND, "--resources", ",".join(resources)],
            env=os.environ
            | {"PYTHONPATH": _search_path()}
            | ({log.TRACE_VARIABLE: trace} if trace else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
        answer = json.loads(done.stdout)
    except (OSError, ValueError) as error:
        found = (
            log.explain(error)
            if isinstance(error, OSError)
            else errors.InternalError(
                f"The process of the sync ended with status {done.returncode} and no answer; -9 is"
                " most often too little memory. The next run starts anew."
            )
        )
        # The process could not say so itself, nor what it had done.
        log.event(
            "sync_failed",
            logging.ERROR,
            error_type=type(found).__name__,
            error_message=str(found),
            seconds=round(time.monotonic() - started, 1),
        )
        raise found from None
    finally:
        scratch.remove_leftovers()  # of a process that was killed
        _under_way.release()
    if answer["status"] != "ok":
        kind = getattr(errors, answer["error"]["type"])
        raise kind(answer["error"]["message"], retry_after=answer["retry_after"])
    return dict(answer)


def _follow_trace(request: flask.Request) -> None:
    headers = request.headers
    log.trace.set(
        log.trace_of(headers.get("traceparent", ""), headers.get("X-Cloud-Trace-Context", ""))
    )


def _search_path() -> str:
    """Where Python finds this package, whatever directory the function was started in."""
    here = str(Path(__file__).parent.parent)
    return os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
