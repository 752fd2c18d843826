"""What `check` says of an API that does not answer well, without a local BigQuery."""

import time

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sample_api import Account, create_app, feeds
from sample_api import serve as serve_api
from scanner_sync import check as check_module
from scanner_sync.check import CheckResult, check
from scanner_sync.source import retry
from tests.conftest import PROJECT, TOKEN


def find(check_name: str, monkeypatch: pytest.MonkeyPatch, **settings: str) -> CheckResult:
    """Return the result of a check; those before it may fail."""
    for name, value in {
        "API_BASE_URL": "http://127.0.0.1:9",
        "ACCESS_TOKEN": TOKEN,
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:9",
        **settings,
    }.items():
        monkeypatch.setenv(name, value)
    return next(result for result in check() if result.name == check_name)


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
            found = find("token", monkeypatch, API_BASE_URL=url)
            assert (found.status, found.retryable) == ("failed", True)
            assert said in found.detail
            assert "sync" not in found.detail


def test_each_feed_is_tried_without_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that INTELLIGENCE names, once each, of a CVE that tells nothing of the account."""
    api = create_app(Account(), token=TOKEN)
    with serve_api(api) as url:
        settings = feeds.settings(url)
        assert find("feeds", monkeypatch, INTELLIGENCE="").detail.startswith("not asked for")
        found = find("feeds", monkeypatch, **settings)
    assert found.detail == ("read, but CVE-2021-44228 is not in kev, epss, ssvc: check the address")
    assert [(of.path, of.authorization) for of in api.state.requests] == [
        (f"/feeds/{name}", False) for name in ("kev.json", "epss.csv.gz", "cve/CVE-2021-44228")
    ]


def test_a_feed_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its setting and address, and whether another try may help."""
    entry = {"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10", "dueDate": "2021-12-24"}
    catalog = {"dateReleased": "2026-01-01T00:00:00Z", "count": 1, "vulnerabilities": [entry]}
    answers = {"/kev.json": JSONResponse(catalog), "/epss.csv": Response(None, 503)}
    asked = []

    def answer(request: Request) -> Response:
        asked.append(request.url.path)
        return answers[request.url.path.removeprefix("/v1")]

    with serve_api(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        settings = {"KEV_URL": f"{url}/kev.json", "EPSS_URL": f"{url}/epss.csv"}
        assert find("feeds", monkeypatch, INTELLIGENCE="kev", **settings) == (
            ("feeds", "ok", "read: kev", False)
        )
        advice = (
            ". Let this machine reach the address, or name a mirror. A sync goes on without it, and"
            " says so; without a feed in INTELLIGENCE it is not asked."
        )
        down = f"EPSS_URL ({url}/epss.csv): 127.0.0.1 gave status 503"
        assert find("feeds", monkeypatch, INTELLIGENCE="kev,epss") == (
            ("feeds", "failed", f"{down}{advice}", True)
        )
        answers["/kev.json"] = Response("<html>")
        other = f"KEV_URL ({url}/kev.json): it has another form (IncompleteJSONError)"
        assert find("feeds", monkeypatch) == ("feeds", "failed", f"{other}; {down}{advice}", False)
    assert sorted(asked) == 2 * ["/v1/epss.csv"] + 3 * ["/v1/kev.json"]
