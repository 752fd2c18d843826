"""Messages as Pub/Sub delivers them."""

from typing import Any


def push(data: str | None) -> dict[str, Any]:
    """A Pub/Sub message as a push subscription delivers it.

    functions-framework takes it for one only where it has data, be it empty.
    """
    return {
        "json": {
            "message": {"messageId": "1", "data": data or ""},
            "subscription": "projects/p/subscriptions/s",
        },
        "headers": {"Content-Type": "application/json"},
    }
