"""The function against an API that sends invalid responses: an error, and unchanged tables."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import flask.testing
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.bigquery import proxy
from local.processes import ROOT
from sample_api import Account, create_app, generate
from sample_api import serve as serve_api
from tests.conftest import SYNC, TOKEN, Dataset, Vanishing, asked
from tests.source.faults import Faults
from tests.support.rows import release_lease

BEFORE = [{"id": 1, "address": "before"}]


def listing(*rows: dict[str, Any], count: object = None) -> bytes:
    total = len(rows) if count is None else count
    return json.dumps({"count": total, "next": None, "results": list(rows)}).encode()


NESTED = json.loads("[" * 300 + "]" * 300)
INVALID: dict[str, tuple[bytes, int, str]] = {
    "HTML": (b"<html>", 503, "no JSON (if this recurs, check API_BASE_URL) for targets/, 4 times"),
    "an id twice": (listing({"id": 2}, {"id": 2}), 503, "2 rows, but 1 different row came"),
    "the same page forever": (
        listing(*({"id": n} for n in range(100)), count=250),
        503,
        "250 rows, but 100 different rows came",
    ),
    "an array": (b"[]", 502, "targets/ is not a listing: it is not an object"),
    "UTF-16": (listing({"id": 2}).decode().encode("utf-16"), 502, "it is UTF-16 or UTF-32"),
    "deep nesting": (listing({"id": 2, "tags": NESTED}), 502, "Column tags of targets"),
    "an id past 64 bits": (listing({"id": 2**63}), 502, "Column id of targets"),
    "a number past 64 bits": (listing({"id": 2, "new": 2**64}), 502, "Field new of targets is new"),
    "a long name": (listing({"id": 2, "x" * 301: 1}), 502, "cannot be a column name: xxx"),
    "200 MB": (b" " * 200_000_000, 502, "targets/ is longer than 64 MiB"),
}
"""What an API sends in place of a page, the status of the answer, and what its error says."""


@pytest.mark.parametrize("status", [502, 503])
def test_an_invalid_response_is_an_error_and_loads_nothing(
    status: int, dataset: Dataset, http: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the resource and the fault, not the body. The table does not change."""
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    body = listing(*BEFORE)
    soon = {"Retry-After": "0.1"}  # so that retries do not wait for the backoff
    app = Starlette(routes=[Route("/v1/targets/", lambda _: Response(body, headers=soon))])
    with serve_api(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        assert http.post("/", json={"resources": ["targets"]}).status_code == 200
        before = dataset.rows("targets")
        kinds = [kind for kind, (_, expected, _) in INVALID.items() if expected == status]
        for kind in kinds:
            body, _, fault = INVALID[kind]
            answer = http.post("/", json={"resources": ["targets"]})
            assert answer.status_code == status, (kind, answer.get_json())
            assert fault in answer.get_json()["error"]["message"]
    assert kinds
    assert dataset.rows("targets") == before


def test_a_404_from_a_gateway_closes_nothing(
    dataset: Dataset, http: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 404 for the occurrences of a listed issue fails the sync; a vanished issue is closed.

    The listing is read again only after a 404, once for all of them.
    """
    account = Account(
        issues=[{"id": n} for n in (1, 2, 3)],
        occurrences={n: [{"id": n, "occurrence_id": 10 * n}] for n in (1, 2, 3)},
    )
    fails: set[str] = set()

    def fault(request: Request) -> Response | None:
        return Response("default backend - 404", 404) if request.url.path in fails else None

    app = create_app(account, token=TOKEN, middleware=[Middleware(Faults, fault)])
    call = {"resources": ["occurrences_issues"]}
    history = "SELECT * FROM {d}.occurrences_issues_history ORDER BY occurrence_id"
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    with serve_api(app) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        answer = http.post("/", json=call).get_json()
        assert (answer["status"], answer["requests"]) == ("ok", 4)
        before = dataset.query(history)
        assert len(before) == 3

        fails = {"/v1/issues/1/occurrences/", "/v1/issues/2/occurrences/"}
        app.state.requests.clear()
        answer = http.post("/", json=call)
        assert (answer.status_code, answer.get_json()["error"]["type"]) == (503, "ApiUnavailable")
        assert "of 2 issues that it still lists" in answer.get_json()["error"]["message"]
        assert asked(app)["issues/"] == 2
        assert dataset.query(history) == before

        fails = set()
        account.occurrences = Vanishing(account)
        del account.occurrences[2], account.occurrences[3]
        answer = http.post("/", json=call).get_json()
        assert (answer["status"], answer["requests"]) == ("ok", 5)
        assert answer["history"] == {"occurrences_issues": {"opened": 0, "closed": 2, "changed": 0}}
        assert account.issues == [{"id": 1}]


@pytest.mark.usefixtures("dataset")
def test_the_function_sends_the_token_nowhere_else(
    http: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect to a second server is not followed by the function either."""
    elsewhere = create_app(Account(targets=BEFORE), token=TOKEN)
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    with serve_api(elsewhere) as other:
        redirect = Response(None, 302, {"Location": f"{other}/targets/"})
        with serve_api(Starlette(routes=[Route("/v1/targets/", lambda _: redirect)])) as url:
            monkeypatch.setenv("API_BASE_URL", url)
            answer = http.post("/", json={"resources": ["targets"]})
    assert (answer.status_code, answer.get_json()["error"]["type"]) == (502, "ApiError")
    assert asked(elsewhere) == {}


def test_a_sync_killed_before_loading_is_completed_by_the_next(
    dataset: Dataset, emulator_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killed after reading everything and before loading anything; the next sync loads it all."""
    account = generate(seed=8, issues=0, targets=0, scans=3000)
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    uploads = []

    def see(method: str, path: str, body: bytes) -> None:
        if "/upload/" in path:
            uploads.append(path)

    command = [*SYNC, "--resources", "scans"]
    with serve_api(create_app(account, token=TOKEN)) as url, proxy(emulator_port, see) as bigquery:
        settings = {"API_BASE_URL": url, "BIGQUERY_EMULATOR_HOST": bigquery}
        run = subprocess.Popen(
            command,
            env=os.environ | settings,
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert run.stderr is not None
        assert any("Running file normalizing" in line for line in run.stderr)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate(timeout=60)
        assert (run.returncode, uploads) == (-signal.SIGKILL, [])
        release_lease(dataset)
        done = subprocess.run(command, env=os.environ | settings, cwd=ROOT, check=False)
        assert done.returncode == 0
    assert [row["id"] for row in dataset.rows("scans")] == sorted(s["id"] for s in account.scans)
