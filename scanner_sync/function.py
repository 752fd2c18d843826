"""HTTP requests and Pub/Sub events: what they ask for, and what they are answered."""

import base64
import json
import logging
import threading
from typing import Any, Final, NamedTuple

import flask
from cloudevents.http import CloudEvent

from scanner_sync import log
from scanner_sync.errors import AlreadyRunning, MethodNotAllowed, RequestError, SyncError
from scanner_sync.process.parent import run_worker
from scanner_sync.schema.tables import TABLES
from scanner_sync.settings import ACCOUNT, ACCOUNT_FORM, account_name

_ALLOWED: Final = (
    f'{{"resources": [...]}} with one or more of {", ".join(TABLES)};'
    f' and {{"account": "..."}} if the settings hold {ACCOUNT}'
)
_running = threading.Lock()


class Call(NamedTuple):
    """What a call asks for."""

    resources: tuple[str, ...]
    """The resources to sync, in the tables' order."""
    account: str | None
    """The account to sync them for; None if there is only one."""


def answer(request: flask.Request) -> flask.Response:
    """Answer an HTTP request with the result of a sync, or with an error and its status."""
    _follow(request)
    try:
        if request.method != "POST":
            raise MethodNotAllowed("Send a POST request.")
        response = flask.jsonify(_run(call_of_body(request.get_data())) | log.of_account())
    except SyncError as error:
        response = flask.jsonify(error.body() | log.of_account())
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
    _follow(flask.request)
    try:
        _run(call_of_message(event.data))
    except SyncError as error:
        if error.retryable:
            raise
        log.event(
            "message_dropped",
            logging.ERROR,
            error_type=type(error).__name__,
            error_message=str(error),
        )


def _run(call: Call) -> dict[str, Any]:
    """Sync in a worker process, one at a time in this instance."""
    log.account.set(call.account)
    if not _running.acquire(blocking=False):
        raise AlreadyRunning("A sync is running in this instance. Wait until it is done.")
    try:
        return run_worker(*call)
    finally:
        _running.release()


def call_of_body(body: bytes) -> Call:
    """Return the resources that a request names, all if it names none, and the account.

    `body` is empty, or an object with `resources`, `account`, both or neither. Raises
    `RequestError` for anything else.
    """
    if not body.strip():
        return Call(tuple(TABLES), None)
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError(
            f"The request is not JSON. Send an empty body, {{}}, or {_ALLOWED}."
        ) from None
    if not isinstance(request, dict) or request.keys() - {"resources", "account"}:
        raise RequestError(f"The request must be an object with no other key: {_ALLOWED}.")
    names = request.get("resources", list(TABLES))
    if not isinstance(names, list) or not names or not all(name in list(TABLES) for name in names):
        raise RequestError(f"The request selects unknown resources. Allowed: {_ALLOWED}.")
    account: Any = request.get("account")
    if "account" in request:
        try:
            account_name(account)
        except (TypeError, ValueError):
            raise RequestError(
                f"The account must be {ACCOUNT_FORM}. Allowed: {_ALLOWED}."
            ) from None
    return Call(tuple(name for name in TABLES if name in names), account)


def call_of_message(data: Any) -> Call:
    """Return what a Pub/Sub message asks for, from the data of its CloudEvent.

    Eventarc's event and a raw push, which functions-framework turns into one, both hold
    `{"message": {"data": BASE64}}`, or no data. Raises `RequestError` as `call_of_body` does.
    """
    message = data.get("message") if isinstance(data, dict) else None
    if not isinstance(message, dict):
        raise RequestError("The event contains no Pub/Sub message. Use a Pub/Sub trigger.")
    try:
        body = base64.b64decode(message.get("data") or "", validate=True)
    except (TypeError, ValueError):
        raise RequestError("The data of the Pub/Sub message is not base64.") from None
    return call_of_body(body)


def _follow(request: flask.Request) -> None:
    """Let what is logged from now on follow the request, and not the one before in this thread."""
    log.account.set(None)
    headers = request.headers
    log.trace.set(
        log.trace_of(headers.get("traceparent", ""), headers.get("X-Cloud-Trace-Context", ""))
    )
