"""What ends the report is told apart by its cause."""

from datetime import UTC, datetime

import pytest
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from local.bigquery import error_of, proxy
from scanner_sync.errors import LoadError, LoadUnavailable, SyncError
from scanner_sync.report.figures import read_figures
from scanner_sync.warehouse import Warehouse
from tests.conftest import PROJECT


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((403, "accessDenied", "Access Denied: no jobs."), LoadError, "roles/bigquery.dataViewer"),
        ((403, "billingNotEnabled", "Billing has not been enabled."), LoadError, "billing account"),
        ((403, "policyViolation", "VPC Service Controls: no."), LoadError, "service perimeter"),
        ((403, "quotaExceeded", "Quota exceeded: queries."), LoadUnavailable, "Try again"),
        ((404, "notFound", "Not found: Job p:US.j"), LoadUnavailable, "Try again"),
        ((404, "notFound", "Not found: Table p:d.t"), LoadError, "There are no histories"),
        ((400, "stopped", "Job execution was cancelled"), LoadUnavailable, "was stopped"),
    ],
)
def test_an_answer_that_ends_the_report(
    answer: tuple[int, str, str], kind: type[SyncError], said: str
) -> None:
    """The error says what to do about its cause, and whether trying again helps."""
    status, reason, message = answer

    def always(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        return status, error_of(status, message, reason)

    with proxy(0, always) as url:
        credentials = Credentials(token="anonymous")  # type: ignore[no-untyped-call]
        client = bigquery.Client(PROJECT, credentials, client_options={"api_endpoint": url})
        with pytest.raises(SyncError) as raised:
            read_figures(Warehouse(client, "not_there"), datetime.now(UTC))
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert ("jobUser" in str(raised.value)) is (reason == "accessDenied")
