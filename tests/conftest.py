"""Real parts for the tests: a sample API, a local BigQuery and a local Secret Manager."""

import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import flask.testing
import functions_framework
import hypothesis
import pytest
from google.cloud import bigquery
from google.oauth2.credentials import Credentials
from starlette.applications import Starlette

from local import bigquery as local_bigquery
from local import processes
from local.secret_manager import SecretManager, Version, serve
from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync.process import exits, parent
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.sla_policy import SLA
from scanner_sync.schema.tables import TABLES
from scanner_sync.settings import EMULATORS, SETTINGS
from scanner_sync.warehouse import Warehouse
from scanner_sync.warehouse.views import VIEWS
from tests.support.analysis import Observer
from tests.support.analysis import serve as serve_analyzer
from tests.support.forked import FORKED, run_command

TOKEN = "a-token-that-must-not-show"
PROJECT = "test-project"
SECRET = f"projects/{PROJECT}/secrets/token"
SYNC = [sys.executable, "-m", "scanner_sync", "sync", "--json"]
"""The command of a sync; its settings are in the environment."""
FOUR = ("issues", "occurrences_issues", "scans", "targets")
"""Tables for tests that need no others: all eight take more than twice the time."""


# The same examples in each run: a test that fails has to fail again.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile("same")

ANALYZER = pytest.StashKey[int]()
"""The port of the analyzer."""


class Dataset:
    """A dataset in a local BigQuery, as a user queries it."""

    def __init__(self, name: str, client: bigquery.Client) -> None:
        self.name = name
        self.client = client

    @property
    def warehouse(self) -> Warehouse:
        """The same dataset, as the program uses it."""
        return Warehouse(self.client, self.name)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query, in which `{d}` is the dataset."""
        return [dict(row) for row in self.client.query(sql.replace("{d}", self.name)).result()]

    def rows(self, table: str, without: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Return all rows of a table without dlt's columns, ordered by key."""
        rows = [
            {k: v for k, v in row.items() if not k.startswith("_dlt_") and k not in without}
            for row in self.query(f"SELECT * FROM {{d}}.{table}")
        ]
        key = TABLES[table].key if table in TABLES else ("issue_id", "id")
        return sorted(rows, key=lambda row: [row.get(name, 0) for name in key])

    def tables(self) -> set[str]:
        """Return the merged tables, without what is derived from them and internal tables."""
        found = self.query("SELECT table_name FROM {d}.INFORMATION_SCHEMA.TABLES")
        names = {row["table_name"] for row in found if not row["table_name"].startswith("_")}
        derived = {*HISTORIES, *CONCLUSIONS, *VIEWS, READS, SLA, INTELLIGENCE}
        return names - derived

    def columns(self, table: str) -> dict[str, str]:
        """Return the columns of a table with their types."""
        found = self.client.query(f"SELECT * FROM {self.name}.{table} LIMIT 0").result().schema
        return {
            field.name: f"ARRAY<{field.field_type}>"
            if field.mode == "REPEATED"
            else field.field_type
            for field in found
        }


def pytest_configure(config: pytest.Config) -> None:
    """Let the analyzer run in one process, and have every statement analyzed.

    Whoever starts pytest in the background may ignore interrupts. What the tests start would, too.
    """
    for number in exits.INTERRUPTS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    assert config.cache is not None
    given = getattr(config, "workerinput", {}).get("analyzer")
    config.stash[ANALYZER] = given or serve_analyzer(config.cache.mkdir("analyzer"))
    local_bigquery.observer = Observer(config.stash[ANALYZER])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what one process has to do alone, and mix what computes with what waits.

    Tests of whole syncs keep a core busy. Most of the others wait, for an answer or a limit.
    """
    kinds: dict[str, list[pytest.Item]] = {"alone": [], "sync": [], "other": []}
    for item in items:
        is_sync = "emulator_port" in getattr(item, "fixturenames", ())
        is_alone = item.get_closest_marker("xdist_group")
        kinds["alone" if is_alone else "sync" if is_sync else "other"].append(item)
    places = {
        item: number / len(kinds[kind])
        for kind in ("sync", "other")
        for number, item in enumerate(kinds[kind])
    }
    items[:] = [*kinds["alone"], *sorted(places, key=lambda item: places[item])]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the analyzer is."""
    node.workerinput["analyzer"] = node.config.stash[ANALYZER]


@pytest.fixture(autouse=True)
def refused() -> Iterator[list[str]]:
    """Statements that BigQuery would refuse, which fail the test unless it expects them."""
    observer = local_bigquery.observer
    assert isinstance(observer, Observer)
    found = observer.refused
    found.clear()
    yield found
    observer.settle()
    assert not found, "\n".join(found)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Keep the machine's settings out of a test, and its loggers out of the next test."""
    for name in (*(s.upper() for s in SETTINGS), *EMULATORS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    handlers = {name: logging.getLogger(name).handlers[:] for name in ("", "dlt")}
    yield
    for name, before in handlers.items():
        logging.getLogger(name).handlers = before


@pytest.fixture(scope="session")
def emulator_port() -> Iterator[int]:
    if not (processes.ROOT / ".venv-bigquery/made").exists():
        pytest.skip("There is no local BigQuery: make .venv-bigquery/made")
    assert isinstance(local_bigquery.observer, Observer)
    local_bigquery.observer.start()
    with local_bigquery.emulator() as port:
        # The first sync takes so long that it may lose its lease on a busy machine.
        with (
            local_bigquery.proxy(port) as url,
            serve_api(create_app(Account(), token=TOKEN)) as api,
        ):
            settings = {"API_BASE_URL": api, "ACCESS_TOKEN": TOKEN, "BIGQUERY_EMULATOR_HOST": url}
            settings |= {"GOOGLE_CLOUD_PROJECT": PROJECT, "DATASET": "first"}
            run_command(["sync"], os.environ | settings, timeout=300)
        yield port


@pytest.fixture(scope="session")
def bigquery_url(emulator_port: int) -> Iterator[str]:
    with local_bigquery.proxy(emulator_port) as url:
        yield url


@pytest.fixture
def dataset(bigquery_url: str, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A new dataset for this test, and the settings that name it."""
    name = f"d{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    monkeypatch.setenv("DATASET", name)
    credentials = Credentials(token="anonymous")  # type: ignore[no-untyped-call]
    return Dataset(name, bigquery.Client(PROJECT, credentials))


@pytest.fixture
def today() -> date:
    """The day in UTC, for what happens once a day."""
    now = datetime.now(UTC)
    if (now + timedelta(minutes=5)).date() != now.date():
        pytest.skip("The day ends within five minutes, and perhaps within this test.")
    return now.date()


@pytest.fixture
def account() -> Account:
    """An empty account, which the test fills."""
    return Account()


@pytest.fixture
def missing() -> dict[str, int]:
    """The listings that the plan of `account` lacks, which the test fills: path and status."""
    return {}


@pytest.fixture
def api(account: Account, missing: dict[str, int]) -> Starlette:
    return create_app(account, token=TOKEN, missing=missing)


@pytest.fixture
def api_url(api: Starlette, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with the API of `account`, and the settings that name it."""
    with serve_api(api) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
        yield url


@pytest.fixture
def secret_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretManager]:
    """A local Secret Manager that holds the token, and the settings that name it."""
    manager = SecretManager({SECRET: [Version(TOKEN.encode())]})
    with serve(manager) as host:
        monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", host)
        monkeypatch.setenv("ACCESS_TOKEN_SECRET", SECRET)
        monkeypatch.delenv("ACCESS_TOKEN", raising=False)
        yield manager


class Vanishing(dict[int, list[dict[str, Any]]]):
    """Occurrences of an account; an issue without any vanishes when they are requested."""

    def __init__(self, account: Account) -> None:
        super().__init__(account.occurrences)
        self.account = account

    def get(self, issue: int, default: Any = None) -> Any:
        if issue not in self:
            self.account.issues = [row for row in self.account.issues if row["id"] != issue]
        return super().get(issue, default)


def function_client(target: str) -> flask.testing.FlaskClient:
    """Return functions-framework's test client for an entry point."""
    create_app: Callable[..., flask.Flask] = functions_framework.create_app
    app = create_app(target, str(processes.ROOT / "main.py"))
    return app.test_client()


@pytest.fixture(autouse=True)
def _forked_workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the workers that this process starts, unless the test uses `started_workers`."""
    if "started_workers" not in request.fixturenames:
        monkeypatch.setattr(parent, "subprocess", FORKED)


@pytest.fixture
def started_workers() -> None:
    """Start workers as the program does."""


@pytest.fixture
def http() -> flask.testing.FlaskClient:
    return function_client("sync_http")


@pytest.fixture
def event() -> flask.testing.FlaskClient:
    return function_client("sync_event")


def asked(api: Starlette) -> dict[str, int]:
    """Return how many requests arrived for each path of the API."""
    counts: dict[str, int] = {}
    for request in api.state.requests:
        path = request.path.removeprefix("/v1/")
        counts[path] = counts.get(path, 0) + 1
    return counts
