"""Errors of Google's libraries and requests become errors of a sync."""

from typing import Any

import pytest
import requests
from google.api_core import exceptions as google_exceptions
from google.auth.exceptions import DefaultCredentialsError, RefreshError

from scanner_sync.errors import (
    ApiRefused,
    InternalError,
    LoadError,
    LoadUnavailable,
    MachineError,
    SettingsError,
    SyncError,
)
from scanner_sync.warehouse.diagnose import TRANSIENT_REASONS, diagnose

exceptions: Any = google_exceptions  # whose classes have no types


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.ServiceUnavailable("marker"), LoadUnavailable),
        (exceptions.RetryError("marker", exceptions.ServiceUnavailable("marker")), LoadUnavailable),
        (exceptions.TooManyRequests("marker"), LoadUnavailable),
        (exceptions.Forbidden("marker", errors=[{"reason": "rateLimitExceeded"}]), LoadUnavailable),
        (requests.ConnectionError("marker"), LoadUnavailable),
        (exceptions.BadRequest("marker"), LoadError),
        *(
            (exceptions.BadRequest("marker", errors=[{"reason": reason}]), LoadUnavailable)
            for reason in TRANSIENT_REASONS
        ),
        (exceptions.Forbidden("denied", errors=[{"reason": "accessDenied"}]), LoadError),
        (KeyError("marker"), InternalError),
    ],
)
def test_errors_are_told_apart(error: Exception, kind: type[SyncError]) -> None:
    """Temporary failures are retryable; final ones and bugs are not. No message is passed on."""
    found = diagnose(error)
    assert type(found) is kind
    assert "marker" not in str(found)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (exceptions.Forbidden("Access Denied: no jobs."), LoadError, "no jobs. Grant the account"),
        (exceptions.NotFound("Not found: Table t."), LoadError, "Not found: Table t. Check"),
        (DefaultCredentialsError("none"), SettingsError, "gcloud auth application-default login"),  # type: ignore[no-untyped-call]
        (RefreshError("expired"), SettingsError, "rejected the credentials"),  # type: ignore[no-untyped-call]
        (RefreshError("busy", retryable=True), LoadUnavailable, "temporarily"),  # type: ignore[no-untyped-call]
        (MemoryError(), MachineError, "Out of memory"),
        (requests.ConnectionError("refused"), LoadUnavailable, "cannot be reached"),
    ],
)
def test_a_message_says_what_to_do(error: Exception, kind: type[SyncError], said: str) -> None:
    found = diagnose(error)
    assert type(found) is kind
    assert said in str(found)


def test_the_cause_counts() -> None:
    """An error of this program is found below those of dlt, which wrap it."""
    wrapped = ValueError("wrapped")
    wrapped.__cause__ = KeyError("wrapped too")
    wrapped.__cause__.__cause__ = refused = ApiRefused("refused")
    assert diagnose(wrapped) is refused
