"""HTTP requests and Pub/Sub events: what they ask for, and what they are answered."""

import base64
import json
import logging
import threading
from typing import Any, Final

import flask
from cloudevents.http import CloudEvent

from scanner_sync import log
from scanner_sync.errors import AlreadyRunning, MethodNotAllowed, RequestError, SyncError
from scanner_sync.tables import TABLES
from scanner_sync.worker import run_worker

_ALLOWED: Final = f'{{"resources": [...]}} with one or more of {", ".join(TABLES)}'
_running = threading.Lock()


def answer(request: flask.Request) -> flask.Response:
    """Answer an HTTP request with the result of a sync, or with an error and its status."""
    _follow_trace(request)
    try:
        if request.method != "POST":
            raise MethodNotAllowed("Send a POST request.")
        response = flask.jsonify(_run(resources_of_body(request.get_data())))
    except SyncError as error:
        response = flask.jsonify(error.body())
        response.status_code = error.http_status
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = "POST"
    return response


def handle(event: CloudEvent) -> None:
    """Sync what a Pub/Sub message asks for.

    Retryable errors are raised so that Pub/Sub redelivers the message; others are logged.
    """
    _follow_trace(flask.request)
    try:
        _run(resources_of_message(event.data))
    except SyncError as error:
        if error.retryable:
            raise
        log.event(
            "message_dropped",
            logging.ERROR,
            error_type=type(error).__name__,
            error_message=str(error),
        )


def _run(resources: tuple[str, ...]) -> dict[str, Any]:
    """Sync in a worker process, one at a time in this instance."""
    if not _running.acquire(blocking=False):
        raise AlreadyRunning("A sync is running in this instance. Wait until it is done.")
    try:
        return run_worker(resources)
    finally:
        _running.release()


def resources_of_body(body: bytes) -> tuple[str, ...]:
    """Return the resources that a request names, in the tables' order; all if it names none.

    `body` is empty, `{}` or `{"resources": [NAME, ...]}`. Raises `RequestError` for anything else.
    """
    if not body.strip():
        return tuple(TABLES)
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError(
            f"The request is not JSON. Send an empty body, {{}}, or {_ALLOWED}."
        ) from None
    if not isinstance(request, dict) or request.keys() - {"resources"}:
        raise RequestError(f"The request must be an object with no other key: {_ALLOWED}.")
    names = request.get("resources", list(TABLES))
    if not isinstance(names, list) or not names or not all(name in list(TABLES) for name in names):
        raise RequestError(f"The request selects unknown resources. Allowed: {_ALLOWED}.")
    return tuple(name for name in TABLES if name in names)


def resources_of_message(data: Any) -> tuple[str, ...]:
    """Return the resources that a Pub/Sub message names, from the data of its CloudEvent.

    Eventarc's event and a raw push, which functions-framework turns into one, both hold
    `{"message": {"data": BASE64}}`, or no data. Raises `RequestError` as `resources_of_body` does.
    """
    message = data.get("message") if isinstance(data, dict) else None
    if not isinstance(message, dict):
        raise RequestError("The event contains no Pub/Sub message. Use a Pub/Sub trigger.")
    try:
        body = base64.b64decode(message.get("data") or "", validate=True)
    except (TypeError, ValueError):
        raise RequestError("The data of the Pub/Sub message is not base64.") from None
    return resources_of_body(body)


def _follow_trace(request: flask.Request) -> None:
    headers = request.headers
    log.trace.set(
        log.trace_of(headers.get("traceparent", ""), headers.get("X-Cloud-Trace-Context", ""))
    )
