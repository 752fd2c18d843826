"""Exceptions of dlt, requests and Google's libraries, as errors of a sync."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    GoogleAPICallError,
    NotFound,
    PreconditionFailed,
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

from scanner_sync.errors import (
    LoadError,
    LoadUnavailable,
    SettingsError,
    SyncError,
    bug,
    causes_of,
    machine_error,
)

ENOUGH: Final = 2400.0
"""Seconds for which Google's client repeats a statement by itself, which is longer than a sync."""


class Cause(NamedTuple):
    """What some answers of BigQuery mean, and whether they pass."""

    kind: type[GoogleAPICallError]
    says: str
    """A pattern that is in the reason of such an answer, or in its message."""
    message: str
    """What to tell the user. `{said}` is Google's message, which may quote a row unless it is about
    rights and names. `{kinds}` are the types of the exceptions."""
    error: type[SyncError] = LoadUnavailable
    """`LoadUnavailable` if the next sync may succeed."""
    again: float = 0
    """Seconds for which a statement that failed so is repeated. It did nothing."""
    unless: str = "-"
    """How a statement begins that is not repeated all the same."""


_BUSY: Final = (
    "BigQuery failed temporarily ({kinds}). Try again: the next sync starts from the beginning."
)
_DENIED: Final = "BigQuery denied access: {said}."

NO_RIGHT: Final = Cause(
    Forbidden,
    "",
    f"{_DENIED} Grant the account roles/bigquery.jobUser on the project in which jobs run"
    " (BIGQUERY_BILLING_PROJECT, or the dataset's), and"
    " roles/bigquery.dataEditor on the dataset and its _staging twin.",
    error=LoadError,
)
"""The account lacks a right, as far as Google says."""

CAUSES: Final = (
    # The reasons: https://cloud.google.com/bigquery/docs/error-messages
    Cause(
        GoogleAPICallError,
        "^(backendError|badGateway|internalError|rateLimitExceeded|jobBackendError"
        "|jobInternalError|jobRateLimitExceeded):",
        _BUSY,
        again=ENOUGH,
    ),
    Cause(GoogleAPICallError, "^(blocked|quotaExceeded|tableUnavailable|timeout):", _BUSY),
    Cause(
        GoogleAPICallError,
        "^stopped:|Job execution was cancelled",
        "A job of the sync was stopped in BigQuery, by an administrator or another program. Try"
        " again: the next sync starts from the beginning.",
    ),
    # Another statement or transaction changes the same table. BigQuery lets one of the two fail:
    # https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency
    Cause(
        BadRequest,
        "aborted due to concurrent update|Could not serialize access"
        "|Too many DML statements outstanding",
        "Other statements kept changing a table that the sync writes. Try again when they have"
        " ended: the next sync starts from the beginning.",
        again=900,
    ),
    Cause(
        BadRequest,
        "streaming buffer",
        "Rows were streamed into a table that the sync writes. BigQuery lets nothing change them"
        " for up to 90 minutes. Write nothing into these tables, and try again.",
    ),
    Cause(
        BadRequest,
        "must match at most one source row",
        "A staging table holds a row twice. Try again: the next sync empties it first. If it stays"
        " so, check that nothing else writes to the staging dataset.",
    ),
    Cause(
        BadRequest,
        "Column already exists",
        "A column was added to a table while the sync added it. Try again.",
    ),
    Cause(
        NotFound,
        "Not found: Project",
        "BigQuery did not find a resource: {said}. Check GOOGLE_CLOUD_PROJECT.",
        error=LoadError,
    ),
    # INSERT is not repeated: the job that is not found yet may have inserted the rows.
    Cause(NotFound, "(?i)not found: job", _BUSY, again=60, unless="INSERT"),
    # To read what may not be there is a question, which has its answer.
    Cause(
        NotFound,
        "",
        "BigQuery did not find a resource: {said}. Try again: what was just created is found a"
        " little later, and what was dropped is created by the next sync. If it stays so, check"
        " GOOGLE_CLOUD_PROJECT, DATASET and BIGQUERY_LOCATION.",
        again=30,
        unless="SELECT",
    ),
    Cause(Conflict, "", "Something else created what the sync was creating: {said}. Try again."),
    Cause(
        PreconditionFailed,
        "constraints/",
        "BigQuery refused a request: {said}. Ask whoever administers the organization's policies.",
        error=LoadError,
    ),
    Cause(
        PreconditionFailed,
        "",
        "Something else kept changing a table or view that the sync was changing: {said}. Try"
        " again.",
    ),
    Cause(
        Forbidden,
        "^billingNotEnabled:|[Bb]illing (account|has not been enabled|is disabled)",
        f"{_DENIED} Link an active billing account to the project.",
        error=LoadError,
    ),
    Cause(
        Forbidden,
        "VPC Service Controls",
        f"{_DENIED} Ask whoever administers the service perimeter to let this account reach"
        " BigQuery from here.",
        error=LoadError,
    ),
    Cause(
        Forbidden,
        "accessNotConfigured|SERVICE_DISABLED|API has not been used",
        f"{_DENIED} Enable bigquery.googleapis.com in the project.",
        error=LoadError,
    ),
    Cause(
        Forbidden,
        r"bigquery\.datasets\.create",
        f"{_DENIED} Create the dataset and its _staging twin, as Terraform does, or grant the"
        " account roles/bigquery.user on the project.",
        error=LoadError,
    ),
    # Such as the role on a key for encryption: Google names the account and the role.
    Cause(Forbidden, "[Gg]rant ", _DENIED, error=LoadError),
    NO_RIGHT,
    # Without a reason, what was asked may be done or running all the same.
    Cause(ServerError, "^: ", _BUSY, again=ENOUGH, unless="INSERT"),
    Cause(ServerError, "", _BUSY),
    Cause(TooManyRequests, "", _BUSY, again=ENOUGH),
)
"""What BigQuery's answers mean; the first that fits counts."""


def cause_of(error: GoogleAPICallError) -> Cause | None:
    """Return what an error of BigQuery means, if it is in `CAUSES`."""
    details = error.errors[0] if error.errors else {}
    reason = details.get("reason", "") if isinstance(details, dict) else ""
    text = f"{reason}: {error.message}"
    fitting = (c for c in CAUSES if isinstance(error, c.kind) and re.search(c.says, text))
    return next(fitting, None)


def repeated_for(error: BaseException, statement: str = "SELECT") -> float:
    """Return for how many seconds a statement is worth repeating that failed with an error.

    Any request that changes nothing, or checks what it changes, counts as the default.
    """
    if isinstance(error, RetryError):
        error = error.cause or error
    if isinstance(error, GoogleAPICallError):
        if (cause := cause_of(error)) is None:
            return 0
        return 0 if statement.lstrip().startswith(cause.unless) else cause.again
    is_lost = isinstance(error, TransportError | ConnectionError | Timeout)
    return ENOUGH if is_lost and not machine_error(error) else 0


def diagnose(error: BaseException) -> SyncError:
    """Return the `SyncError` that caused an error, or else one that says what the error means.

    Messages of other libraries may quote rows, so only the ones that `CAUSES` names are passed on.
    """
    causes = list(causes_of(error))
    kinds = " < ".join(dict.fromkeys(type(cause).__name__ for cause in causes))
    for cause in causes:
        if isinstance(cause, SyncError):
            return cause
        if found := _of_google(cause, kinds):
            return found
    if found := machine_error(error):
        return found
    for cause in causes:
        if isinstance(cause, ConnectionError | TransportError):
            return LoadUnavailable(
                f"BigQuery cannot be reached ({type(cause).__name__}). Check the network of this"
                " machine, its DNS and its proxy, and try again."
            )
    return _of_load(causes, kinds)


def _of_google(cause: BaseException, kinds: str) -> SyncError | None:
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
    if isinstance(cause, GoogleAPICallError) and (found := cause_of(cause)):
        said = " ".join(str(cause.message).split()).rstrip(".")
        return found.error(found.message.format(said=said, kinds=kinds))
    return None


def _of_load(causes: Sequence[BaseException], kinds: str) -> SyncError:
    from dlt.common.destination.exceptions import DestinationException
    from dlt.common.exceptions import TransientException

    # dlt treats a failed statement whose reason it does not know as transient.
    is_googles = any(isinstance(cause, GoogleAPICallError) for cause in causes)
    transient = () if is_googles else (TransientException, GoogleAuthError)
    if any(isinstance(cause, (RetryError, Timeout, *transient)) for cause in causes):
        return LoadUnavailable(_BUSY.format(kinds=kinds))
    if any(isinstance(cause, DestinationException | GoogleAPICallError) for cause in causes):
        return LoadError(
            f"BigQuery rejected a request ({kinds}). Look at the job in BigQuery's job history."
        )
    return bug(kinds)
