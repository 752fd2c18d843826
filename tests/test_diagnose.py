"""Errors of Google's libraries and requests become errors of a sync."""

from typing import Any

import pytest
import requests
from google.api_core import exceptions as google_exceptions
from google.auth.exceptions import DefaultCredentialsError, RefreshError

from scanner_sync.diagnose import ENOUGH, diagnose, repeated_for
from scanner_sync.errors import (
    ApiRefused,
    InternalError,
    LoadError,
    LoadUnavailable,
    MachineError,
    SettingsError,
    SyncError,
)

exceptions: Any = google_exceptions  # whose classes have no types


def answered(status: int, reason: str, message: str) -> Exception:
    """Return the error that Google's client makes of an answer of BigQuery."""
    details = [{"reason": reason, "message": message}]
    error: Exception = exceptions.from_http_status(status, message, errors=details)
    return error


FOR_A_WHILE, NEVER = (900, 900, 900), (0, 0, 0)
AT_GOOGLES_WILL = (ENOUGH, ENOUGH, ENOUGH)
TWICE, MARKER = "UPDATE or MERGE must match at most one source row", "marker-in-a-row"
PASSING = {
    # status, reason and message, and for how many seconds SELECT, MERGE and INSERT are repeated
    **{
        (400, "invalidQuery", f"{said} {MARKER}"): FOR_A_WHILE
        for said in (
            "Query error: Transaction is aborted due to concurrent update against table p:d.t.",
            "Could not serialize access to table p:d.t due to concurrent update",
            "Resources exceeded: Too many DML statements outstanding against table p:d.t",
        )
    },
    **{
        (400, "invalidQuery", f"{said} {MARKER}"): NEVER
        for said in (
            TWICE,
            "Column already exists: c",
            "MERGE statement over table p:d.t would affect rows in the streaming buffer",
        )
    },
    **{
        (500, reason, MARKER): AT_GOOGLES_WILL
        for reason in ("backendError", "internalError", "jobBackendError", "jobInternalError")
    },
    **{
        (400, reason, MARKER): NEVER
        for reason in ("quotaExceeded", "tableUnavailable", "blocked", "timeout", "stopped")
    },
    (200, "stopped", f"Job execution was cancelled: {MARKER}"): NEVER,
    (403, "rateLimitExceeded", MARKER): AT_GOOGLES_WILL,
    (403, "quotaExceeded", MARKER): NEVER,
    (404, "notFound", "Not found: Job p:US.j"): (60, 60, 0),
    (404, "notFound", "Not found: Dataset p:d was not found in location US"): (0, 30, 30),
    (404, "notFound", "Not found: Table p:d.t"): (0, 30, 30),
    (409, "duplicate", "Already Exists: Table p:d.t"): NEVER,
    (412, "conditionNotMet", "Precondition check failed."): NEVER,
    (429, "", MARKER): AT_GOOGLES_WILL,
    (503, "", MARKER): (ENOUGH, ENOUGH, 0),
    (503, "who knows", MARKER): NEVER,
}
JOB_USER = "Grant the account roles/bigquery.jobUser on the project"
FINAL = {
    # status, reason and message, and the advice that follows Google's message
    (403, "accessDenied", "Access Denied: no jobs."): JOB_USER,
    (403, "accessDenied", "Access Denied: Project billing: no permission."): JOB_USER,
    (
        403,
        "billingNotEnabled",
        "Billing has not been enabled for this project. DML queries are not allowed in the free"
        " tier.",
    ): "Link an active billing account to the project.",
    (
        403,
        "accountDisabled",
        "The billing account for the owning project is disabled in state absent.",
    ): "Link an active billing account to the project.",
    (
        403,
        "policyViolation",
        "VPC Service Controls: Request is prohibited by organization's policy."
        " vpcServiceControlsUniqueIdentifier: a1b2",
    ): "Ask whoever administers the service perimeter",
    (
        403,
        "accessDenied",
        "Access Denied: Project p: User does not have bigquery.datasets.create permission in p.",
    ): "Create the dataset and its _staging twin, as Terraform does, or grant the account"
    " roles/bigquery.user on the project.",
    (
        403,
        "accessNotConfigured",
        "BigQuery API has not been used in project 1 before or it is disabled.",
    ): "Enable bigquery.googleapis.com in the project.",
    (
        403,
        "accessDenied",
        "Please grant Cloud KMS CryptoKey Encrypter/Decrypter role to bq-1@example.com.",
    ): "",
    (404, "notFound", "Not found: Project p"): "Check GOOGLE_CLOUD_PROJECT.",
    (
        412,
        "conditionNotMet",
        "'us' violates constraint 'constraints/gcp.resourceLocations'",
    ): "Ask whoever administers the organization's policies.",
}


@pytest.mark.parametrize("answer", PASSING, ids=lambda answer: " ".join(map(str, answer))[:60])
def test_answers_that_pass(answer: tuple[int, str, str]) -> None:
    """The next sync may succeed, and the same statement, if repeating it is safe."""
    error = answered(*answer)
    found = diagnose(error)
    assert type(found) is LoadUnavailable
    assert MARKER not in str(found)
    repeated = [repeated_for(error, f"\n{sql} ...") for sql in ("SELECT", "MERGE", "INSERT")]
    assert tuple(repeated) == PASSING[answer]
    assert repeated_for(exceptions.RetryError("gave up", error)) == repeated[0]


@pytest.mark.parametrize("answer", FINAL, ids=lambda answer: answer[2][:60])
def test_answers_that_are_final(answer: tuple[int, str, str]) -> None:
    """The message is Google's, with the advice that fits, and no other."""
    error = answered(*answer)
    found = diagnose(error)
    assert type(found) is LoadError
    _, _, said = answer
    _, _, advice = str(found).partition(f"{said.rstrip('.')}.")
    assert advice.strip().startswith(FINAL[answer])
    assert bool(advice) is bool(FINAL[answer])
    assert ("jobUser" in str(found)) is (FINAL[answer] == JOB_USER)
    assert repeated_for(error, "MERGE") == 0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.RetryError("marker", exceptions.ServiceUnavailable("marker")), LoadUnavailable),
        (requests.ConnectionError("marker"), LoadUnavailable),
        (requests.Timeout("marker"), LoadUnavailable),
        (exceptions.BadRequest("marker"), LoadError),
        (answered(400, "invalidQuery", "marker"), LoadError),
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
    """An error of this program is found below dlt's, which wrap it."""
    wrapped = ValueError("wrapped")
    wrapped.__cause__ = KeyError("wrapped too")
    wrapped.__cause__.__cause__ = refused = ApiRefused("refused")
    assert diagnose(wrapped) is refused
