"""What is asked for: the resources to sync, out of an HTTP request or a Pub/Sub message."""

import base64
import json
from typing import Any

from scanner_sync.errors import RequestError
from scanner_sync.tables import TABLES

ALLOWED = f'{{"resources": [...]}} with one or more of {", ".join(TABLES)}'


def resources_of_body(body: bytes) -> tuple[str, ...]:
    """The resources that a request names, in the tables' order; all where it names none.

    `body` is empty, `{}` or `{"resources": [NAME, ...]}`. Raises `RequestError` for anything else,
    saying what is allowed.
    """
    if not body.strip():
        return tuple(TABLES)
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError(f"The request is no JSON. Send nothing, {{}}, or {ALLOWED}.") from None
    if not isinstance(request, dict) or request.keys() - {"resources"}:
        raise RequestError(f"The request has to be an object with no other key: {ALLOWED}.")
    return select_resources(request.get("resources", list(TABLES)))


def select_resources(names: Any) -> tuple[str, ...]:
    """The named resources, each once, in the tables' order. Raises `RequestError`."""
    if not isinstance(names, list) or not names or not all(name in list(TABLES) for name in names):
        raise RequestError(f"There is no such selection of resources. Allowed: {ALLOWED}.")
    return tuple(name for name in TABLES if name in names)


def resources_of_message(data: Any) -> tuple[str, ...]:
    """The resources that a Pub/Sub message names, from the data of its CloudEvent.

    Eventarc's event and a raw push, which functions-framework turns into one, both hold
    `{"message": {"data": BASE64}}`, or no data. Raises `RequestError` as `resources_of_body` does.
    """
    message = data.get("message") if isinstance(data, dict) else None
    if not isinstance(message, dict):
        raise RequestError("The event holds no Pub/Sub message. Trigger it by a Pub/Sub topic.")
    try:
        body = base64.b64decode(message.get("data") or "", validate=True)
    except (TypeError, ValueError):
        raise RequestError("The Pub/Sub message's data is no base64.") from None
    return resources_of_body(body)
