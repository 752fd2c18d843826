"""Requests to the function: over HTTP, and as a Pub/Sub message in either format."""

import base64
import gc
import json
import sys
import threading
from collections.abc import Callable
from typing import Any

import flask.testing
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from sample_api import Account, create_app
from scanner_sync.function import Call, call_of_message
from scanner_sync.schema.tables import TABLES
from tests.conftest import TOKEN, Dataset, asked
from tests.support.pubsub import push

ALLOWED = (
    f'{{"resources": [...]}} with one or more of {", ".join(TABLES)};'
    ' and {"account": "..."} if the settings hold {account}.'
)


def error(kind: str, message: str) -> dict[str, Any]:
    return {"status": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("{", "not JSON"),
        (b"\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no other key"),
        ("7", "no other key"),
        ('{"resources": ["issues"], "since": 1}', "no other key"),
        ('{"resources": ["issue"]}', "unknown resources"),
        ('{"resources": []}', "unknown resources"),
        ('{"resources": null}', "unknown resources"),
        ('{"resources": "issues"}', "unknown resources"),
        ('{"resources": [["issues"]]}', "unknown resources"),
        *(
            (json.dumps({"account": account}), "The account must be 1 to 30 lower-case letters")
            for account in ("", None, 7, ["acme"], "Acme", "a__b", "_a", "a_", "a-b", "a" * 31)
        ),
    ],
)
def test_a_malformed_request_is_refused(
    http: flask.testing.FlaskClient, body: str | bytes, fault: str
) -> None:
    """The answer is 400 and says what is allowed, before any setting is read."""
    gc.collect()  # a finalizer of another test would fail at the depth that a nested body reaches
    answer = http.post("/", data=body, content_type="application/json")
    found = answer.get_json()
    message = found["error"]["message"]
    assert (answer.status_code, found) == (400, error("RequestError", message))
    assert fault in message
    assert message.endswith(ALLOWED)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(http: flask.testing.FlaskClient, method: str) -> None:
    """The answer is 405 and names the allowed method."""
    answer = http.open("/", method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.get_json() == error("MethodNotAllowed", "Send a POST request.")


@pytest.fixture
def account() -> Account:
    return Account(targets=[{"id": 1}])


class HeldBack:
    """Delays every request to the API until it is told to go on."""

    def __init__(self, app: ASGIApp, arrived: threading.Event, go_on: threading.Event) -> None:
        self.app, self.arrived, self.go_on = app, arrived, go_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.arrived.set()
        assert self.go_on.wait(timeout=60)
        await self.app(scope, receive, send)


@pytest.fixture
def held_back() -> tuple[threading.Event, threading.Event]:
    return threading.Event(), threading.Event()


@pytest.fixture
def api(account: Account, held_back: tuple[threading.Event, threading.Event]) -> Starlette:
    return create_app(account, token=TOKEN, middleware=[Middleware(HeldBack, *held_back)])


@pytest.mark.usefixtures("api_url", "dataset")
def test_a_second_sync_in_an_instance_is_refused(
    api: Starlette,
    http: flask.testing.FlaskClient,
    held_back: tuple[threading.Event, threading.Event],
) -> None:
    """The answer is 409 during a sync, which is not disturbed; after it, the next may start."""
    arrived, go_on = held_back
    answers: list[Any] = []
    body = {"resources": ["targets"]}
    first = threading.Thread(target=lambda: answers.append(http.post("/", json=body)))
    first.start()
    assert arrived.wait(timeout=60)
    second = http.application.test_client().post("/", json=body)
    assert (second.status_code, second.get_json()) == (
        409,
        error("AlreadyRunning", "A sync is running in this instance. Wait until it is done."),
    )
    go_on.set()
    first.join(timeout=60)
    assert [answer.status_code for answer in answers] == [200]
    assert asked(api) == {"targets/": 3}  # two of them for those that were scanned lately
    assert http.post("/", json=body).status_code == 200


def eventarc(data: str | None) -> dict[str, Any]:
    """A Pub/Sub message as Eventarc delivers it: a CloudEvent in binary mode."""
    message = {"messageId": "1", "attributes": {}} | ({} if data is None else {"data": data})
    return {
        "json": {"message": message, "subscription": "projects/p/subscriptions/s"},
        "headers": {
            "ce-id": "1",
            "ce-source": "//pubsub.googleapis.com/projects/p/topics/t",
            "ce-specversion": "1.0",
            "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
            "Content-Type": "application/json",
        },
    }


@pytest.fixture(autouse=True)
def _go_on(request: pytest.FixtureRequest) -> None:
    """Let requests through at once, except in the test that delays them."""
    if request.function is not test_a_second_sync_in_an_instance_is_refused:
        request.getfixturevalue("held_back")[1].set()


def encode(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    ("shape", "data", "tables"),
    [
        (eventarc, encode({"resources": ["targets"]}), {"targets"}),
        (push, "", set(TABLES)),
    ],
)
@pytest.mark.usefixtures("api_url")
def test_a_message_starts_a_sync(
    event: flask.testing.FlaskClient,
    dataset: Dataset,
    shape: Callable[[str | None], dict[str, Any]],
    data: str | None,
    tables: set[str],
) -> None:
    """The data of a message has the format of an HTTP body; without data, everything is synced."""
    answer = event.post("/", **shape(data))
    assert answer.status_code == 200
    assert dataset.tables() == tables | {"fixed_occurrences", "issues"}
    assert dataset.query("SELECT id FROM {d}.targets") == [{"id": 1}]


@pytest.mark.parametrize("shape", [eventarc, push])
@pytest.mark.parametrize("data", [None, ""])
def test_a_message_without_data_asks_for_everything(
    shape: Callable[[str | None], dict[str, Any]], data: str | None
) -> None:
    """Whether its field is missing or empty."""
    assert call_of_message(shape(data)["json"]) == Call(tuple(TABLES), None)


@pytest.mark.parametrize("shape", [eventarc, push])
@pytest.mark.parametrize("data", [encode({"since": 1}), "no base64!", "é", encode(["issues"])])
def test_a_malformed_message_is_acknowledged(
    event: flask.testing.FlaskClient,
    capfd: pytest.CaptureFixture[str],
    shape: Callable[[str | None], dict[str, Any]],
    data: str,
) -> None:
    """It is logged as an error, and not redelivered."""
    assert event.post("/", **shape(data)).status_code == 200
    [entry] = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (entry["severity"], entry["message"]) == ("ERROR", "message_dropped")
    assert entry["error_type"] == "RequestError"


def test_a_permanent_failure_acknowledges_the_message(
    event: flask.testing.FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    """Redelivery would not correct a setting."""
    assert event.post("/", **push(None)).status_code == 200
    entries = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [entry["message"] for entry in entries] == ["sync_failed", "message_dropped"]
    assert {entry["error_type"] for entry in entries} == {"SettingsError"}


@pytest.mark.usefixtures("api_url", "dataset")
def test_a_retryable_failure_redelivers_the_message(
    event: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retryable error is raised, and functions-framework answers 500."""
    monkeypatch.setenv("SYNC_DEADLINE_SECONDS", "1")
    monkeypatch.setenv("API_BASE_URL", "http://127.0.0.1:1")
    event.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert event.post("/", **push(None)).status_code == 500


@pytest.mark.usefixtures("started_workers")
def test_a_killed_worker_is_reported(
    http: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is 500 with the most likely cause, and the next sync is not refused."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    for _ in range(2):
        answer = http.post("/")
        assert (answer.status_code, answer.get_json()["error"]["type"]) == (500, "InternalError")
        assert "status 1" in answer.get_json()["error"]["message"]
