"""The entry points of the Cloud Function."""

import flask
import functions_framework
from cloudevents.http import CloudEvent

from scanner_sync import function, log

log.configure("INFO")


@functions_framework.http
def sync_http(request: flask.Request) -> flask.Response:
    """Sync once: POST with no body, `{}` or `{"resources": [NAME, ...], "account": NAME}`."""
    return function.answer(request)


@functions_framework.cloud_event
def sync_event(event: CloudEvent) -> None:
    """Sync once for a Pub/Sub message, whose data is as the body of `sync_http`."""
    function.handle(event)
