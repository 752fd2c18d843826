"""Many accounts, one deployment: a call reaches what is its account's, and nothing else."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import flask.testing
import pytest
import requests
from google.cloud import bigquery
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local import demo
from local.bigquery import proxy
from local.processes import ROOT, function
from local.secret_manager import SecretManager, Version
from sample_api import generate
from scanner_sync.errors import RequestError, SettingsError
from scanner_sync.settings import Settings, read_settings
from tests.conftest import PROJECT, Dataset
from tests.report.conftest import ReadPage
from tests.support.commands import findings, on_terminal, run, runs
from tests.support.pubsub import push
from tests.support.stranger import Stranger, serve

TEMPLATES = {
    "DATASET": "scanner_{account}",
    "ACCESS_TOKEN_SECRET": "projects/p/secrets/sync-{account}-token",
    "API_BASE_URL": "https://api.example.com/{account}/v1",
}


@pytest.fixture
def templates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TEMPLATES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("templates")
def test_settings_are_those_of_the_account() -> None:
    assert read_settings("acme") == Settings(
        api_base_url="https://api.example.com/acme/v1/",
        access_token_secret="projects/p/secrets/sync-acme-token",
        dataset="scanner_acme",
        account="acme",
    )


@pytest.mark.usefixtures("templates")
def test_a_command_that_reads_one_dataset_needs_no_account() -> None:
    """What depends on an account is left out, so it cannot be used."""
    assert read_settings(dataset="scanner_all") == Settings(dataset="scanner_all")


NAMES = st.text() | st.from_regex(r"[a-z0-9_{}./A-Zé]{1,31}", fullmatch=True)
VALID = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*", re.ASCII)


@pytest.mark.usefixtures("templates")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, NAMES)
@example("acme", "acme_staging")
@example("staging", "staging_staging")
@example("acme", "{account}")
@example("0", "00")
@example("a" * 30, "a" * 31)
@example("acme", "acme\n")
@example("acme", "\N{FULLWIDTH LATIN SMALL LETTER A}cme")
@example("٣", "3")
def test_two_names_share_nothing(one: str, other: str) -> None:
    """A name is refused, or its dataset, the twin of that, and its secret are its own."""
    found: dict[str, set[str | None]] = {}
    for name in (one, other):
        accepted = (
            bool(VALID.fullmatch(name))
            and len(name) <= 30
            and not f"_{name}".endswith("_staging")  # the twin of another dataset
        )
        try:
            read = read_settings(name)
        except RequestError:
            assert not accepted
        else:
            assert accepted
            assert read.dataset == f"scanner_{name}"
            found[name] = {read.dataset, f"{read.dataset}_staging", read.access_token_secret}
    if len(found) == 2:
        assert not set.intersection(*found.values())


@pytest.mark.parametrize(
    ("account", "changed", "message"),
    [
        ("acme_staging", {}, "acme_staging, because DATASET must be .*_staging"),
        (
            "a_sta",
            {"DATASET": "scanner_{account}ging"},
            "a_sta, because DATASET must be .*_staging",
        ),
        ("a_b", {"API_BASE_URL": "https://{account}.example/"}, "a_b, because API_BASE_URL must"),
        ("a" * 31, {}, "must be 1 to 30 lower-case letters and digits"),
        (None, {}, 'Name the account: {"account": "acme"}'),
    ],
)
def test_an_account_that_is_refused(
    monkeypatch: pytest.MonkeyPatch, account: str | None, changed: dict[str, str], message: str
) -> None:
    for name, value in (TEMPLATES | changed).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RequestError, match=message):
        read_settings(account)


SHARED = "ACCESS_TOKEN_SECRET and DATASET must both hold {account}"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"DATASET": "scanner"}, SHARED),
        ({"DATASET": ""}, SHARED),
        ({"ACCESS_TOKEN_SECRET": "projects/p/secrets/s"}, SHARED),
        ({"ACCESS_TOKEN_SECRET": "projects/p/secrets/s", "DATASET": "scanner"}, SHARED),
        ({"ACCESS_TOKEN": "token"}, "ACCESS_TOKEN is of one account"),
        (
            {"ACCESS_TOKEN_SECRET": "projects/p/secrets/s/versions/{account}"},
            "ACCESS_TOKEN_SECRET must hold {account} in SECRET only",
        ),
        (
            {"ACCESS_TOKEN_SECRET": "projects/{account}/secrets/{account}"},
            "ACCESS_TOKEN_SECRET must hold {account} in SECRET only",
        ),
        ({"DATASET": "{account}"}, "DATASET must be"),
        ({"DATASET": "scanner_{accounts}"}, "DATASET must be"),
        ({"DATASET": "scanner__{account}"}, "DATASET must be"),
        ({"DATASET": "scanner_{account}_staging"}, "DATASET must be"),
        ({"API_BASE_URL": "http://{account}/v1"}, "API_BASE_URL must be"),
        ({"API_BASE_URL": "https://host:{account}/v1"}, "API_BASE_URL must be"),
        ({"GOOGLE_CLOUD_PROJECT": "{account}"}, "GOOGLE_CLOUD_PROJECT must be"),
    ],
)
def test_settings_with_which_accounts_could_share_something(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], message: str
) -> None:
    """They are an error in the settings, whatever account is named."""
    for name, value in (TEMPLATES | changed).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=re.escape(message)):
        read_settings("acme")


def test_an_account_where_there_is_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is synced for somebody who means another dataset."""
    monkeypatch.setenv("API_BASE_URL", "https://api.example.com/v1")
    monkeypatch.setenv("ACCESS_TOKEN", "token-of-{account}")
    assert read_settings().access_token == "token-of-{account}"
    with pytest.raises(RequestError, match="no setting holds"):
        read_settings("acme")


class Api(Stranger):
    """An API with the targets of all accounts, each below its own path."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str | None]] = []
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens before each answer."""

    def answer(self, url: str, token: str | None) -> tuple[int, Any]:
        self.calls.append((url.split("/")[2], token))
        self.meanwhile()
        rows = [{"id": 1, "address": url.split("/")[2]}]
        return 200, {"count": 1, "next": None, "previous": None, "results": rows}


@dataclass
class Deployment:
    """Settings for many accounts, two of which exist, and all calls that were made."""

    prefix: str
    api: Api
    secrets: SecretManager
    datasets: set[str] = field(default_factory=set)
    """The datasets that calls to BigQuery named."""

    def clear(self) -> None:
        for calls in (self.datasets, self.api.calls, self.secrets.accesses):
            calls.clear()

    def all_of(self, account: str) -> tuple[set[str], set[tuple[str, str | None]], set[str]]:
        """Return what all calls name if they are made for an account."""
        dataset = f"{self.prefix}_{account}"
        return (
            {dataset, f"{dataset}_staging"},
            {(account, f"Bearer token-of-{account}")},
            {f"projects/{PROJECT}/secrets/sync-{account}-token/versions/latest"},
        )

    def calls(self) -> tuple[set[str], set[tuple[str, str | None]], set[str]]:
        return self.datasets, set(self.api.calls), set(self.secrets.accesses)


ACCOUNTS = ("acme", "globex")


@pytest.fixture
def deployment(
    dataset: Dataset,
    secret_manager: SecretManager,
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    secret_manager.secrets.clear()
    for account in ACCOUNTS:
        secret = f"projects/{PROJECT}/secrets/sync-{account}-token"
        secret_manager.secrets[secret] = [Version(f"token-of-{account}".encode())]
    made = Deployment(dataset.name, Api(), secret_manager)

    def record(method: str, path: str, body: bytes) -> None:
        made.datasets.update(re.findall(rf"\b{dataset.name}\w*", f"{path} {body!r}"))

    with serve(made.api) as api_url, proxy(emulator_port, record) as bigquery_url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_url)
        monkeypatch.setenv("DATASET", f"{dataset.name}_{{account}}")
        secret = f"projects/{PROJECT}/secrets/sync-{{account}}-token"
        monkeypatch.setenv("ACCESS_TOKEN_SECRET", secret)
        monkeypatch.setenv("API_BASE_URL", api_url.replace("/v1", "/v1/{account}"))
        yield made


def entries(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_a_sync_reaches_its_account_only(
    deployment: Deployment,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By HTTP, with each call recorded; the answer and all that is logged name the account.

    The dataset of one account is in another location than the settings say.
    """
    monkeypatch.setenv("BIGQUERY_LOCATION", "EU")
    for name in ("acme", "acme_staging"):
        made = bigquery.Dataset(f"{PROJECT}.{deployment.prefix}_{name}")
        made.location = "US"
        dataset.client.create_dataset(made)
    for account in ACCOUNTS:
        deployment.clear()
        answer = http.post("/", json={"resources": ["targets"], "account": account})
        body = answer.get_json()
        assert (answer.status_code, body["account"]) == (200, account)
        assert body["dataset"] == f"{deployment.prefix}_{account}"
        assert deployment.calls() == deployment.all_of(account)
        logged = entries(capfd)
        assert [entry["message"] for entry in logged][:1] == ["sync_started"]
        assert {entry["account"] for entry in logged} == {account}
    for account in ACCOUNTS:
        rows = Dataset(f"{deployment.prefix}_{account}", dataset.client).rows("targets")
        assert [(row["id"], row["address"]) for row in rows] == [(1, account)]
    # The thread that answers forgets the account before.
    assert http.get("/").get_json().keys() == {"status", "error"}


def test_every_line_of_a_run_names_the_account(deployment: Deployment) -> None:
    """Also if the settings are wrong, the deadline passes, or the process is killed.

    Terraform's metrics, and so its alerts, take the account from these lines.
    """
    ended = threading.Event()

    def run(account: str, **settings: str) -> list[str]:
        """Sync, and return the events that were logged and how it ended."""
        lines: list[str] = []
        with function(settings, on_line=lines.append) as url:
            body = {"resources": ["targets"], "account": account}
            answer = requests.post(url, json=body, timeout=60).json()
        # The server's own lines, of its start and its end, are of no run.
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        logged = [entry for entry in parsed if entry["logger"] != "gunicorn.error"]
        assert [entry["account"] for entry in logged] == [account] * len(logged)
        assert answer["account"] == account
        found = [entry["message"] for entry in logged if entry["message"] != "sync_progress"]
        return [*found, answer.get("error", {}).get("type", "ok")]

    # This API ignores what it is asked for, such as the targets that were scanned lately.
    first = ["sync_started", "parameter_ignored", "table_synced", "sync_finished", "ok"]
    assert run("acme") == first
    assert run("acme", PAGE_SIZE="0") == ["sync_failed", "SettingsError"]
    deployment.api.meanwhile = lambda: ended.wait(timeout=60)
    expected = ["sync_started", "sync_failed", "DeadlineExceeded"]
    assert run("globex", SYNC_DEADLINE_SECONDS="1") == expected

    def kill() -> None:
        for process in runs(f"{deployment.prefix}_{{account}}"):
            os.kill(process, signal.SIGKILL)
        ended.wait(timeout=60)  # there is nobody left to answer

    deployment.api.meanwhile = kill
    assert run("acme") == ["sync_started", "sync_failed", "InternalError"]
    ended.set()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(min_size=1) | st.from_regex(r"[a-z0-9_{}./-]{1,31}", fullmatch=True))
@example("acme_staging")
@example("globex_2")
@example("../globex")
@example("{account}")
@example("globex-token/versions/latest#")
@example("\N{FULLWIDTH LATIN SMALL LETTER G}lobex")
@example("globex\n")
@pytest.mark.usefixtures("dataset")
def test_no_name_reaches_another_account(
    deployment: Deployment,
    http: flask.testing.FlaskClient,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    """An account that does not exist asks for its own secret at most; a malformed one, nothing."""
    deployment.clear()
    answer = http.post("/", json={"resources": ["targets"], "account": name})
    error = answer.get_json()["error"]
    logged = capfd.readouterr().err
    if answer.status_code == 400:
        assert error["type"] == "RequestError"
        assert deployment.calls() == (set(), set(), set())
    else:
        assert (answer.status_code, error["type"]) == (500, "TokenError")
        assert deployment.calls() == (set(), set(), deployment.all_of(name)[2])
        assert answer.get_json()["account"] == name
        assert {json.loads(line)["account"] for line in logged.splitlines()} == {name}
    said = f"{error['message']} {logged}"
    assert set(re.findall(r"sync-(\w+)-token", said)) <= {name}
    assert set(re.findall(rf"{deployment.prefix}_(\w+)", said)) <= {name}


@pytest.mark.parametrize(
    ("body", "account", "message"),
    [
        ({}, None, "Name the account"),
        ({"account": "acme_staging"}, "acme_staging", "no account acme_staging"),
        ({"account": "initech"}, "initech", "secrets/sync-initech-token/versions/latest does not"),
    ],
)
def test_a_message_is_dropped_for_its_account(
    deployment: Deployment,
    event: flask.testing.FlaskClient,
    capfd: pytest.CaptureFixture[str],
    body: dict[str, str],
    account: str | None,
    message: str,
) -> None:
    """By Pub/Sub: the worker's line and the function's name the account, if there is one."""
    assert deployment.prefix
    data = base64.b64encode(json.dumps(body).encode()).decode()
    assert event.post("/", **push(data)).status_code == 200
    logged = entries(capfd)
    assert [entry["message"] for entry in logged][-2:] == ["sync_failed", "message_dropped"]
    assert {entry.get("account") for entry in logged} == {account}
    assert all(message in entry["error_message"] for entry in logged[-2:])


def test_the_command_line(deployment: Deployment, dataset: Dataset, tmp_path: Path) -> None:
    """Each command takes an account; `status` and `combine` take many."""
    done = run("status", "--accounts", "acme,a__b")
    assert (done.status, done.out) == (2, "")
    assert "'a__b' must be 1 to 30 lower-case letters and digits" in done.err
    done = run("sync", "--account", "acme", "--resources", "targets", "--json")
    assert (done.status, json.loads(done.out)["account"]) == (0, "acme")
    done = run("sync", "--account", "initech")
    assert (done.status, done.out) == (1, "")
    assert "\nTokenError (account initech): projects/" in done.err

    deployment.clear()
    found = findings(run("check", "--account", "acme"))
    assert found["settings"][1].endswith(f"/v1/acme/ into {deployment.prefix}_acme")
    assert [found[name][0] for name in ("secret", "token", "dataset")] == ["ok"] * 3
    assert deployment.calls() == deployment.all_of("acme")

    done = run("status", "--accounts", "acme,globex")
    assert done.status == 1  # one of them could not be told
    assert [re.split("  +", line) for line in done.out.splitlines()] == [
        ["account", "state", "last success", "issues to do", "critical", "high"],
        ["acme", "fresh", ANY, "0", "0", "0"],
        ["globex", "unknown"],
    ]
    assert done.err.startswith(f"LoadError (account globex): Dataset {deployment.prefix}_globex")

    into = f"{deployment.prefix}_all"
    done = run("combine", "--accounts", "acme", "--into", into)
    assert done.status == 0, done.err
    rows = Dataset(into, dataset.client).query("SELECT account, address FROM {d}.targets")
    assert rows == [{"account": "acme", "address": "acme"}]
    out = str(tmp_path / "report.html")
    done = on_terminal("report", "--dataset", into, "--out", out)
    assert (done.status, done.out.splitlines()[-1].endswith(out)) == (0, True)
    assert "0 of 1 accounts read" in done.out
    done = run("report", "--dataset", into, "--out", out)
    assert (done.status, done.out, done.err) == (0, f"{out}\n", "")
    assert 'id="of-acme"' in (tmp_path / "report.html").read_text()
    done = run("report", "--account", "acme", "--out", out)
    assert (done.status, done.out) == (0, f"{out}\n")


def test_the_demo_with_accounts(tmp_path: Path) -> None:
    """Its table and its page have what each account's API has, from one function for all."""
    done = subprocess.run(
        [sys.executable, "-m", "local.demo", "2"],
        cwd=tmp_path,  # where the page is written
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = []
    for seed, (name, issues) in enumerate([*demo.ACCOUNTS.items()][:2]):
        account = generate(seed, issues=issues, first_day=datetime.now(UTC).date())
        found = [issue for issue in account.issues if not issue["snoozed"]]
        places = [place for issue in account.issues for place in account.occurrences[issue["id"]]]
        counts = (
            len(found),
            sum(issue["severity"] == "critical" for issue in found),
            sum(not place["snoozed"] for place in places),
            len(account.targets),
        )
        expected.append([name, *map(str, counts)])
    shown = [line.split() for line in done.stdout.partition("scanner_all  ")[2].splitlines()]
    assert shown[4:6] == expected
    page = ReadPage(tmp_path / "scanner-report.html")
    rows = page.tables["accounts-table"][1:-1]
    assert sorted([row[0], row[1], row[2].split()[0]] for row in rows) == [
        [name, "fresh", places] for name, _, _, places, _ in sorted(expected)
    ]
