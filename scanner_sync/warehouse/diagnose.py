"""Exceptions of dlt, requests and Google's libraries, as errors of a sync."""

import logging
from collections.abc import Sequence
from typing import Final

from google.api_core.exceptions import (
    Forbidden,
    GoogleAPICallError,
    NotFound,
    RetryError,
    ServerError,
    TooManyRequests,
)
from google.auth.exceptions import (
    DefaultCredentialsError,
    GoogleAuthError,
    RefreshError,
    TransportError,
)
from requests.exceptions import ConnectionError, Timeout

from scanner_sync import log
from scanner_sync.errors import (
    InternalError,
    LoadError,
    LoadUnavailable,
    SettingsError,
    SyncError,
    bug,
    causes_of,
    machine_error,
)

TRANSIENT_REASONS: Final = frozenset(
    {
        "backendError",
        "internalError",
        "quotaExceeded",
        "rateLimitExceeded",
        "jobBackendError",
        "jobInternalError",
        "jobRateLimitExceeded",
        "tableUnavailable",
    }
)
"""BigQuery's reasons for errors after which it recommends a retry:
https://cloud.google.com/bigquery/docs/error-messages"""


def is_transient(error: BaseException) -> bool:
    """Return whether a retry may succeed after an error of Google's libraries."""
    kinds = (RetryError, ServerError, TooManyRequests, TransportError, ConnectionError, Timeout)
    details = getattr(error, "errors", None) or [{}]
    reason = details[0].get("reason") if isinstance(details[0], dict) else None
    return (isinstance(error, kinds) or reason in TRANSIENT_REASONS) and not machine_error(error)


def diagnose(error: BaseException) -> SyncError:
    """Return the `SyncError` that caused an error, or else one that says what the error means.

    Messages of other libraries may quote rows. Only two kinds of Google's are passed on: about
    permissions, and about resources that were not found.
    """
    causes = list(causes_of(error))
    for cause in causes:
        if isinstance(cause, SyncError):
            return cause
        if found := _of_google(cause):
            return found
    if found := machine_error(error):
        return found
    for cause in causes:
        if isinstance(cause, ConnectionError | TransportError):
            return LoadUnavailable(
                f"BigQuery cannot be reached ({type(cause).__name__}). Check the network of this"
                " machine, its DNS and its proxy, and try again."
            )
    return _of_load(causes)


def explain(error: Exception) -> SyncError:
    """Return what `diagnose` returns, and log where a bug was raised."""
    found = diagnose(error)
    if isinstance(found, InternalError):
        log.event("fault", logging.ERROR, frames=log.frames_of(error))
    return found


def _of_google(cause: BaseException) -> SyncError | None:
    if isinstance(cause, DefaultCredentialsError):
        return SettingsError(
            "No Google credentials were found. On a laptop, run: gcloud auth application-default"
            " login."
        )
    if isinstance(cause, RefreshError) and not cause.retryable:
        return SettingsError(
            "Google rejected the credentials. On a laptop, run: gcloud auth application-default"
            " login."
        )
    if isinstance(cause, Forbidden) and not is_transient(cause):
        return LoadError(
            f"BigQuery denied access: {cause.message} Grant the account roles/bigquery.jobUser on"
            " the project, and roles/bigquery.dataEditor on the dataset and its _staging twin."
        )
    if isinstance(cause, NotFound):
        return LoadError(
            f"BigQuery did not find a resource: {str(cause.message).rstrip('.')}. Check"
            " GOOGLE_CLOUD_PROJECT and DATASET. A table that was dropped is created by the next"
            " sync."
        )
    return None


def _of_load(causes: Sequence[BaseException]) -> SyncError:
    from dlt.common.destination.exceptions import DestinationException
    from dlt.common.exceptions import TransientException

    kinds = " < ".join(dict.fromkeys(type(cause).__name__ for cause in causes))
    # dlt treats a failed statement whose reason it does not know as transient.
    is_googles = any(isinstance(cause, GoogleAPICallError) for cause in causes)
    transient = () if is_googles else (TransientException, GoogleAuthError)
    if any(isinstance(cause, transient) or is_transient(cause) for cause in causes):
        return LoadUnavailable(
            f"BigQuery failed temporarily ({kinds}). Try again: the next sync starts from the"
            " beginning."
        )
    if any(isinstance(cause, DestinationException | GoogleAPICallError) for cause in causes):
        return LoadError(
            f"BigQuery rejected a request ({kinds}). Look at the job in BigQuery's job history."
        )
    return bug(kinds)
