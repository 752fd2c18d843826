"""A run that is killed, refused or doubled leaves nothing that the next run does not mend."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from google.api_core import exceptions as google_exceptions
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from local.bigquery import error_of, proxy
from local.processes import ROOT
from sample_api import Account, generate
from scanner_sync.deadline import Deadline
from scanner_sync.entry import COMMAND
from scanner_sync.errors import InternalError, LoadError, LoadUnavailable, SyncError
from scanner_sync.lease import LEASE_TABLE, Lease
from scanner_sync.pipeline import diagnose
from scanner_sync.tables import TABLES

from .conftest import PROJECT, Dataset

Seen = list[tuple[str, str, bytes]]


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=6, targets=5, scans=5)


@pytest.fixture
def command(dataset: Dataset, api_url: str) -> list[str]:
    """The command of a sync, whose settings are in the environment."""
    assert dataset.name
    assert api_url
    return [sys.executable, *COMMAND]


def start(command: list[str], **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, env=os.environ | settings, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=60)
    found: dict[str, Any] = json.loads(out)
    return found


def rows_of(account: Account) -> dict[str, set[tuple[int, ...]]]:
    """The keys of the rows that a dataset holds after an undisturbed run."""
    return {
        "issues": {(row["id"],) for row in account.issues},
        "occurrences_issues": {
            (issue, row["id"]) for issue, rows in account.occurrences.items() for row in rows
        },
        "scans": {(row["id"],) for row in account.scans},
        "targets": {(row["id"],) for row in account.targets},
    }


def keys(dataset: Dataset) -> dict[str, list[tuple[int, ...]]]:
    return {
        table: [tuple(row[name] for name in declaration.key) for row in dataset.rows(table)]
        for table, declaration in TABLES.items()
    }


def assert_as_undisturbed(dataset: Dataset, account: Account) -> None:
    """Every row once, as the API has it, and each issue with its severity of now."""
    found = keys(dataset)
    assert {table: set(all_) for table, all_ in found.items()} == rows_of(account)
    assert {table: len(all_) for table, all_ in found.items()} == {
        table: len(all_) for table, all_ in rows_of(account).items()
    }
    severities = {row["id"]: row["severity"] for row in dataset.rows("issues")}
    assert severities == {row["id"]: row["severity"] for row in account.issues}
    still_open = dataset.query("SELECT id, severity FROM {d}.issues_history WHERE valid_to IS NULL")
    assert sorted((row["id"], row["severity"]) for row in still_open) == sorted(severities.items())
    assert _until(dataset) == 0


def let_lease_run_out(dataset: Dataset) -> None:
    """As if the time had passed in which a killed run is taken to be alive."""
    lease = dataset.client.get_table(f"{PROJECT}.{dataset.name}.{LEASE_TABLE}")
    lease.labels = lease.labels | {"until": "1"}
    dataset.client.update_table(lease, ["labels"])


def is_merge(method: str, path: str, body: bytes) -> bool:
    return method == "POST" and b"MERGE INTO" in body


def is_history(method: str, path: str, body: bytes) -> bool:
    return method == "POST" and b"MERGE `" in body and b"_history" in body


def is_load(method: str, path: str, body: bytes) -> bool:
    return "/upload/" in path and method in ("POST", "PUT") and b"_dlt_id" in body


def is_first_query(method: str, path: str, body: bytes) -> bool:
    return path.split("?", maxsplit=1)[0].endswith("/queries")


def is_schema(method: str, path: str, body: bytes) -> bool:
    return b"ALTER TABLE" in body or b"CREATE TABLE" in body


def is_end(method: str, path: str, body: bytes) -> bool:
    return b"INSERT INTO" in body and b"_dlt_loads" in body


@pytest.mark.parametrize(
    ("is_first_run", "moment", "number"),
    [
        (True, is_first_query, 1),
        (True, is_schema, 2),
        (True, is_load, 1),
        (True, is_merge, 2),
        (False, is_merge, 1),
        (False, is_history, 1),
        (False, is_end, 1),
    ],
)
def test_a_run_killed_while_it_loads_is_mended_by_the_next(
    command: list[str],
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    moment: Callable[[str, str, bytes], bool],
    number: int,
    is_first_run: bool,
) -> None:
    """SIGKILL before or between the steps in BigQuery; then one run brings what one always does."""
    if not is_first_run:
        assert answer(start(command))["status"] == "ok"
        account.issues[0] = account.issues[0] | {"severity": "changed", "new_field": 1}
        account.targets.append({"id": 77})
    left = number
    process: subprocess.Popen[str]
    started = threading.Event()

    def kill(method: str, path: str, body: bytes) -> None:
        nonlocal left
        if moment(method, path, body):
            left -= 1
            if left == 0:
                started.wait(timeout=60)
                os.kill(process.pid, signal.SIGKILL)

    with proxy(emulator_port, kill) as url:
        process = start(command, BIGQUERY_EMULATOR_HOST=url)
        started.set()
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (-signal.SIGKILL, "")
    let_lease_run_out(dataset)
    assert answer(start(command))["status"] == "ok"
    assert_as_undisturbed(dataset, account)


def failing(
    moment: Callable[[str, str, bytes], bool], times: int, *fault: tuple[int, bytes]
) -> Callable[[str, str, bytes], tuple[int, bytes] | None]:
    left = times

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        nonlocal left
        if left and moment(method, path, body):
            left -= 1
            return fault[0]
        return None

    return answer


UNAVAILABLE = (503, error_of(503, "Service unavailable", "backendError"))
RATE_LIMIT = (403, error_of(403, "Exceeded rate limits", "rateLimitExceeded"))


@pytest.mark.parametrize(
    ("moment", "fault"),
    [
        (is_first_query, UNAVAILABLE),
        (is_schema, RATE_LIMIT),
        (is_load, UNAVAILABLE),
        (is_merge, UNAVAILABLE),
        (is_merge, RATE_LIMIT),
        (is_end, UNAVAILABLE),
    ],
)
def test_bigquery_fails_for_a_moment(
    command: list[str],
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    moment: Callable[[str, str, bytes], bool],
    fault: tuple[int, bytes],
) -> None:
    """Two answers of 503 or of a rate limit are retried, and the run does what one always does."""
    with proxy(emulator_port, failing(moment, 2, fault)) as url:
        assert answer(start(command, BIGQUERY_EMULATOR_HOST=url))["status"] == "ok"
    assert_as_undisturbed(dataset, account)


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ((403, error_of(403, "Access Denied: no jobs", "accessDenied")), "LoadError", 1),
        ((400, error_of(400, "marker-in-a-row", "invalidQuery")), "LoadUnavailable", 75),
    ],
)
def test_bigquery_refuses_a_merge(
    command: list[str],
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    fault: tuple[int, bytes],
    kind: str,
    status: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A statement that fails for good fails the run, with no text that may quote a row."""
    refuse = failing(is_merge, 1000, fault)
    with proxy(emulator_port, refuse) as url:
        process = start(command, BIGQUERY_EMULATOR_HOST=url)
        found = answer(process)
    assert (found["error"]["type"], process.returncode) == (kind, status)
    logged = capfd.readouterr().err
    assert '"message": "fault"' in logged
    assert "marker-in-a-row" not in json.dumps(found) + logged
    assert answer(start(command))["status"] == "ok"
    assert_as_undisturbed(dataset, account)


def test_nothing_is_asked_of_bigquery_after_the_deadline(
    command: list[str], dataset: Dataset, account: Account, emulator_port: int
) -> None:
    """A run whose time is over while it waits for a MERGE ends there and then."""
    after: Seen = []
    ended = threading.Event()
    arrived = threading.Event()

    def hold(method: str, path: str, body: bytes) -> None:
        if ended.is_set():
            after.append((method, path, body))
        if is_merge(method, path, body):
            arrived.set()
            ended.wait(timeout=60)

    with proxy(emulator_port, hold) as url:
        process = start(command, BIGQUERY_EMULATOR_HOST=url, SYNC_DEADLINE_SECONDS="6")
        assert arrived.wait(timeout=60)
        found = answer(process)
        ended.set()
    assert (found["error"]["type"], process.returncode) == ("DeadlineExceeded", 75)
    assert "while loading into BigQuery" in found["error"]["message"]
    assert after == []
    let_lease_run_out(dataset)
    assert answer(start(command))["status"] == "ok"
    assert_as_undisturbed(dataset, account)


@pytest.fixture
def held(emulator_port: int) -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """A proxy that holds the first MERGE back; its URL, and when one came and may go on."""
    arrived, go_on = threading.Event(), threading.Event()

    def hold(method: str, path: str, body: bytes) -> None:
        if is_merge(method, path, body):
            arrived.set()
            go_on.wait(timeout=60)

    with proxy(emulator_port, hold) as url:
        yield url, arrived, go_on
        go_on.set()


def test_two_processes_on_one_dataset(
    command: list[str],
    dataset: Dataset,
    account: Account,
    held: tuple[str, threading.Event, threading.Event],
) -> None:
    """The second says that another run is under way; the first ends with the right rows."""
    url, arrived, go_on = held
    first = start(command, BIGQUERY_EMULATOR_HOST=url)
    assert arrived.wait(timeout=60)
    second = start(command)
    found = answer(second)
    assert (found["error"]["type"], second.returncode) == ("AlreadyRunning", 75)
    go_on.set()
    assert answer(first)["status"] == "ok"
    assert_as_undisturbed(dataset, account)


def test_a_lease_that_was_taken_over_ends_the_run(
    command: list[str],
    dataset: Dataset,
    account: Account,
    held: tuple[str, threading.Event, threading.Event],
) -> None:
    """A run that was not heard of for so long that another took over ends before it loads on."""
    url, arrived, go_on = held
    first = start(command, BIGQUERY_EMULATOR_HOST=url)
    assert arrived.wait(timeout=60)
    dataset.client.delete_table(
        bigquery.TableReference.from_string(f"{PROJECT}.{dataset.name}.{LEASE_TABLE}")
    )
    found = answer(first)
    assert (found["error"]["type"], first.returncode) == ("LoadUnavailable", 75)
    assert "lost its lease" in found["error"]["message"]
    go_on.set()
    assert answer(start(command))["status"] == "ok"
    assert_as_undisturbed(dataset, account)


def test_a_killed_run_costs_the_next_no_more_than_its_lease(
    command: list[str], dataset: Dataset, account: Account, emulator_port: int
) -> None:
    """The next run waits until the lease has run out, and then does what one always does."""

    def kill(method: str, path: str, body: bytes) -> None:
        if is_load(method, path, body):
            os.kill(process.pid, signal.SIGKILL)

    with proxy(emulator_port, kill) as url:
        process = start(command, BIGQUERY_EMULATOR_HOST=url)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    started = time.monotonic()
    assert answer(start(command))["status"] == "ok"
    assert time.monotonic() - started < 60
    assert_as_undisturbed(dataset, account)


@pytest.mark.parametrize("was_done", [False, True], ids=["refused", "answer lost"])
def test_a_lease_survives_a_renewal_that_fails(
    dataset: Dataset, emulator_port: int, was_done: bool
) -> None:
    """One renewal that is refused, or whose answer is lost, is made good by the next."""
    renewals: list[str] = []
    renewed = threading.Event()

    def fail_once(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        if method not in ("PATCH", "PUT"):
            return None
        renewals.append(path)
        if len(renewals) > 1:
            renewed.set()
            return None
        if was_done:
            emulator = f"http://127.0.0.1:{emulator_port}"
            requests.request(method, f"{emulator}{path}", data=body, timeout=9)
        return UNAVAILABLE

    lost: list[SyncError] = []
    with proxy(emulator_port, fail_once) as url:
        credentials = Credentials(**{"token": "anonymous"})  # type: ignore[no-untyped-call]
        client = bigquery.Client(PROJECT, credentials, client_options={"api_endpoint": url})
        with Lease(client, dataset.name, Deadline(60), lost.append):
            assert renewed.wait(timeout=30)
            assert _until(dataset) > time.time()
    assert lost == []
    assert len(renewals) >= 2


def _until(dataset: Dataset) -> int:
    lease = dataset.client.get_table(f"{PROJECT}.{dataset.name}.{LEASE_TABLE}")
    return int(lease.labels["until"])


exceptions: Any = google_exceptions  # whose classes have no types


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.ServiceUnavailable("row"), LoadUnavailable),
        (exceptions.RetryError("row", exceptions.ServiceUnavailable("row")), LoadUnavailable),
        (exceptions.TooManyRequests("row"), LoadUnavailable),
        (exceptions.Forbidden("row", errors=[{"reason": "rateLimitExceeded"}]), LoadUnavailable),
        (requests.ConnectionError("row"), LoadUnavailable),
        (exceptions.BadRequest("row"), LoadError),
        (exceptions.Forbidden("denied", errors=[{"reason": "accessDenied"}]), LoadError),
        (KeyError("row"), InternalError),
    ],
)
def test_what_google_answers_is_told_apart(error: Exception, kind: type[SyncError]) -> None:
    """What passes may be tried again; what does not, or is a fault of ours, may not."""
    found = diagnose(error)
    assert type(found) is kind
    assert "row" not in str(found).replace("throw", "")
