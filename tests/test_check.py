"""What `check` says of an API that does not answer well, without a local BigQuery."""

import time

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from sample_api import serve as serve_api
from scanner_sync import check as check_module
from scanner_sync.check import CheckResult, check
from scanner_sync.source import retry
from tests.conftest import PROJECT, TOKEN


def token_check(url: str, monkeypatch: pytest.MonkeyPatch) -> CheckResult:
    """Return the first check that asks the API."""
    for name, value in {
        "API_BASE_URL": url,
        "ACCESS_TOKEN": TOKEN,
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    return next(result for result in check() if result.name == "token")


HANGS = Response(None, 299)
ANSWERS = {
    "did not answer the request for targets/ within 0.5 seconds. Check API_BASE_URL": HANGS,
    "gave status 503 for targets/. The next attempt is due in 3600 seconds, which is": Response(
        None, 503, {"Retry-After": "3600"}
    ),
    "gave no JSON (if this recurs, check API_BASE_URL) for targets/, 4": Response("<html>"),
}


def test_an_api_that_does_not_answer_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said holds for a check, not for a sync, and another try may help."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 0.02)
    answer = HANGS

    def targets(_: object) -> Response:
        if answer is HANGS:
            time.sleep(2)
        return answer

    with serve_api(Starlette(routes=[Route("/v1/targets/", targets)])) as url:
        for said, answer in ANSWERS.items():
            monkeypatch.setattr(check_module, "TIMEOUT", 0.5 if answer is HANGS else 600)
            found = token_check(url, monkeypatch)
            assert (found.status, found.retryable) == ("failed", True)
            assert said in found.detail
            assert "sync" not in found.detail
