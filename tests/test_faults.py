"""The function against an API with every fault at once, as `python -m sample_api` can make them."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flask.testing
import pytest
from starlette.middleware import Middleware

from local.processes import ROOT, serving
from sample_api import create_app, generate
from sample_api import serve as serve_api
from sample_api.faults import Faults, FaultyApi
from scanner_sync.tables import TABLES
from tests.conftest import TOKEN, Dataset


@contextmanager
def api(monkeypatch: pytest.MonkeyPatch, faults: Faults, **options: int | None) -> Iterator[object]:
    account = generate(seed=6, issues=40, targets=120, scans=260)
    middleware = [Middleware(FaultyApi, account, faults)]
    app = create_app(account, token=TOKEN, middleware=middleware, **options)  # type: ignore[arg-type]
    with serve_api(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
        yield account


def test_a_bad_day(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """Failures, cut bodies, a quota by the second, short pages, rows that move: all rows come."""
    faults = Faults(fail=0.03, cut=0.03, requests_per_second=40, retry_after=1, churn=0.05, seed=1)
    with api(monkeypatch, faults, max_limit=25) as account:
        moving = ("scans", "targets")
        before = {table: {row["id"] for row in getattr(account, table)} for table in moving}
        answer = http.post("/")
        assert answer.status_code == 200, answer.get_json()
        for table, there in before.items():
            now = {row["id"] for row in getattr(account, table)}
            ids = [row["id"] for row in dataset.rows(table)]
            assert len(ids) == len(set(ids))
            assert there & now <= set(ids)
        issues = [row["id"] for row in dataset.rows("issues")]
        assert issues == sorted(row["id"] for row in account.issues)  # type: ignore[attr-defined]
        found = [(row["issue_id"], row["id"]) for row in dataset.rows("occurrences_issues")]
        assert found == sorted(
            (issue, row["id"])
            for issue, rows in account.occurrences.items()  # type: ignore[attr-defined]
            for row in rows
        )


def test_a_thousand_issues_under_a_quota_by_the_second(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """With 100 requests a second allowed and the rest refused, no request fails for good."""
    faults = Faults(requests_per_second=100, retry_after=1)
    account = generate(seed=9, issues=1000, targets=1, scans=1)
    middleware = [Middleware(FaultyApi, account, faults)]
    app = create_app(account, token=TOKEN, middleware=middleware, quota_per_hour=None)
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    with serve_api(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert [row["id"] for row in dataset.rows("issues")] == sorted(r["id"] for r in account.issues)
    found = [(row["issue_id"], row["id"]) for row in dataset.rows("occurrences_issues")]
    assert found == sorted(
        (n, row["id"]) for n, rows in account.occurrences.items() for row in rows
    )
    refused = sum(request.status == 429 for request in app.state.requests)
    assert 0 < refused < len(app.state.requests) / 10
    assert answer.get_json()["requests"] == len(app.state.requests)


@pytest.mark.parametrize(
    ("faults", "status", "kind"),
    [
        (Faults(html=1.0), 503, "ApiUnavailable"),
        (Faults(fail=1.0, fail_status=501), 502, "ApiError"),
        (Faults(fail=1.0, fail_status=403), 502, "ApiRefused"),
        (Faults(fail=1.0, fail_status=503), 503, "ApiUnavailable"),
    ],
)
def test_a_failure_while_reading_loads_nothing(
    monkeypatch: pytest.MonkeyPatch,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    faults: Faults,
    status: int,
    kind: str,
) -> None:
    """Whatever the fault, the tables are as they were, and the answer says which it was."""
    with api(monkeypatch, Faults()):
        assert http.post("/").status_code == 200
    before = {table: dataset.rows(table) for table in TABLES}
    with api(monkeypatch, faults):
        answer = http.post("/")
    assert (answer.status_code, answer.get_json()["error"]["type"]) == (status, kind)
    assert set(answer.get_json()["error"]) == {"type", "message"}
    assert {table: dataset.rows(table) for table in TABLES} == before


@pytest.mark.usefixtures("dataset")
def test_a_quota_that_is_used_up(
    monkeypatch: pytest.MonkeyPatch, http: flask.testing.FlaskClient
) -> None:
    """503 at once, with the seconds after which to come again."""
    with api(monkeypatch, Faults(), quota_per_hour=0):
        answer = http.post("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3600")
    assert answer.get_json()["error"]["type"] == "ApiUnavailable"
    assert float(re.findall(r"in (\d+) seconds", answer.get_json()["error"]["message"])[0]) == 3600


def test_the_faults_are_options_of_the_command() -> None:
    """`python -m sample_api --help` names each, and the server makes those that are asked for."""
    command = [sys.executable, "-m", "sample_api"]
    shown = subprocess.run(
        [*command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in vars(Faults()):
        option = "--fault-seed" if name == "seed" else f"--{name.replace('_', '-')}"
        assert f"{option} " in shown.stdout
    import requests

    with serving([*command, "--port", "0", "--html", "1"], {}, r"(http://\S+)") as url:
        headers = {"Authorization": "Bearer sample-token"}
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(requests.get(f"{url}/scans/", headers=headers, timeout=9))
        )
        thread.start()
        thread.join()
        assert [(a.status_code, a.text[:6]) for a in answers] == [(200, "<html>")]
