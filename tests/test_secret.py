"""The token, read by Google's client from a local Secret Manager."""

from typing import Any

import flask.testing
import pytest

from local.secret_manager import SecretManager, Version
from scanner_sync.deadline import Deadline
from scanner_sync.errors import SyncError, TokenError, TokenUnavailable
from scanner_sync.secret import read_token
from tests.conftest import SECRET, TOKEN

LATEST = f"{SECRET}/versions/latest"


def read(secret: str, deadline: float = 30) -> str:
    import os

    return read_token(secret, os.environ["SECRET_MANAGER_EMULATOR_HOST"], Deadline(deadline))


@pytest.mark.parametrize("data", [TOKEN, f"{TOKEN}\n", f" {TOKEN}\r\n"])
def test_the_token_is_read(secret_manager: SecretManager, data: str) -> None:
    """The latest version is read, without the white space that `echo` leaves around it."""
    secret_manager.secrets[SECRET] = [Version(b"older"), Version(data.encode())]
    assert read(SECRET) == TOKEN
    assert secret_manager.accesses == [LATEST]


def test_a_named_version_is_read(secret_manager: SecretManager) -> None:
    secret_manager.secrets[SECRET] = [Version(b"first"), Version(b"second")]
    assert read(f"{SECRET}/versions/1") == "first"
    assert secret_manager.accesses == [f"{SECRET}/versions/1"]


def missing(manager: SecretManager) -> None:
    manager.secrets.clear()


def denied(manager: SecretManager) -> None:
    manager.denied.add(SECRET)


def disabled(manager: SecretManager) -> None:
    manager.secrets[SECRET].append(Version(b"new", enabled=False))


def corrupt(manager: SecretManager) -> None:
    manager.secrets[SECRET].append(Version(b"new", damaged=True))


def empty(manager: SecretManager) -> None:
    manager.secrets[SECRET].append(Version(b"\n"))


def two_lines(manager: SecretManager) -> None:
    manager.secrets[SECRET].append(Version(b"a\nb"))


def no_text(manager: SecretManager) -> None:
    manager.secrets[SECRET].append(Version(b"\xff\xfe"))


CAUSES: list[Any] = [
    (missing, ["does not exist", "gcloud secrets versions add token --data-file=-"]),
    (denied, ["is denied", "roles/secretmanager.secretAccessor"]),
    (disabled, ["disabled or destroyed", "Enable it, or add a new version"]),
    (corrupt, ["checksum", "Add a new version"]),
    *(
        (cause, ["one word of printable ASCII", "Add a new version"])
        for cause in (empty, two_lines, no_text)
    ),
]


@pytest.mark.parametrize(("cause", "facts"), CAUSES, ids=[c[0].__name__ for c in CAUSES])
def test_each_cause_has_its_message(
    secret_manager: SecretManager,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    cause: Any,
    facts: list[str],
) -> None:
    """The answer is 500 and says what to do; Secret Manager is asked once."""
    monkeypatch.setenv("API_BASE_URL", "http://127.0.0.1:1")
    cause(secret_manager)
    answer = http.post("/")
    error = answer.get_json()["error"]
    assert (answer.status_code, error["type"]) == (500, "TokenError")
    assert all(fact in error["message"] for fact in (LATEST, *facts)), error
    assert secret_manager.accesses == [LATEST]
    assert not TokenError.retryable


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b'{"token":"t"}', "it is JSON: give the value alone"),
        (b'"t"\n', "it is in quotes: leave them out"),
        (b"ACCESS_TOKEN=t\n", "it is NAME=VALUE: give VALUE alone"),
        (b"Bearer t", "leave out Bearer"),
    ],
)
def test_what_is_around_a_token_is_named(
    secret_manager: SecretManager, data: bytes, hint: str
) -> None:
    """The API would reject it. As for a setting, whose test has more."""
    secret_manager.secrets[SECRET] = [Version(data)]
    with pytest.raises(TokenError) as caught:
        read(SECRET)
    assert str(caught.value) == (
        f"{LATEST} does not hold a token: one word of printable ASCII ({hint}). Add a new version."
    )


def test_an_unavailable_secret_manager_is_retryable(secret_manager: SecretManager) -> None:
    """It is asked until the timeout, and the error is retryable."""
    secret_manager.unavailable = True
    with pytest.raises(TokenUnavailable) as caught:
        read(SECRET, deadline=3)
    error: SyncError = caught.value
    assert error.retryable
    assert f"did not return {LATEST} (RetryError)" in str(error)
    assert "try again later" in str(error)
    assert len(secret_manager.accesses) > 1
