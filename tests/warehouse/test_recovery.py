"""A sync that is killed, refused or doubled leaves nothing that the next one does not put right."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from google.cloud import bigquery

from local.bigquery import error_of, proxy
from local.processes import ROOT
from local.secret_manager import SecretManager
from sample_api import Account, generate
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import FOUR, PROJECT, SYNC, Dataset
from tests.support.commands import AHEAD, answer, start, told
from tests.support.moments import is_history, is_merge
from tests.support.rows import reads, release_lease
from tests.warehouse.conftest import Run

Seen = list[tuple[str, str, bytes]]


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=6, targets=5, scans=5)


@pytest.fixture
def command(dataset: Dataset, api_url: str, resources: tuple[str, ...]) -> list[str]:
    """The command of a sync, whose settings are in the environment."""
    assert dataset.name
    assert api_url
    return [*SYNC, "--resources", ",".join(resources)]


def rows_of(account: Account) -> dict[str, list[tuple[Any, ...]]]:
    """The keys of the rows that a dataset holds after an undisturbed run, but for licenses."""
    return {
        "issues": [(row["id"],) for row in account.issues],
        "occurrences_issues": [
            (issue, row["id"]) for issue, rows in account.occurrences.items() for row in rows
        ],
        "scans": [(row["id"],) for row in account.scans],
        "targets": [(row["id"],) for row in account.targets],
        "fixed_occurrences": [
            (row["occurrence_id"], datetime.fromisoformat(row["remediated_at"]))
            for row in account.fixed
        ],
        "scan_schedules": [(row["id"],) for row in account.schedules],
        "tags": [(row["name"],) for row in account.tags],
    }


def assert_as_undisturbed(
    dataset: Dataset, account: Account, resources: tuple[str, ...] = FOUR
) -> None:
    """Every row once, as the API has it, and each issue with its severity of now."""
    # The views read the fixed occurrences.
    assert dataset.tables() == {*resources, "fixed_occurrences"}
    expected = {
        table: sorted(rows) for table, rows in rows_of(account).items() if table in resources
    }
    assert {
        table: [tuple(row[name] for name in TABLES[table].key) for row in dataset.rows(table)]
        for table in expected
    } == expected
    if "licenses" in resources:
        assert dataset.rows("licenses")
    severities = {row["id"]: row["severity"] for row in dataset.rows("issues")}
    assert severities == {row["id"]: row["severity"] for row in account.issues}
    still_open = dataset.query("SELECT id, severity FROM {d}.issues_history WHERE valid_to IS NULL")
    assert sorted((row["id"], row["severity"]) for row in still_open) == sorted(severities.items())
    assert _until(dataset) == 0


def is_load(method: str, path: str, body: bytes) -> bool:
    return "/upload/" in path and method in ("POST", "PUT") and b"_dlt_id" in body


def is_first_query(method: str, path: str, body: bytes) -> bool:
    return path.split("?", maxsplit=1)[0].endswith("/queries")


def is_schema(method: str, path: str, body: bytes) -> bool:
    return b"ALTER TABLE" in body or b"CREATE TABLE" in body


@pytest.mark.parametrize(
    ("resources", "is_first_run", "moment", "number"),
    [
        (FOUR, True, is_schema, 2),
        (FOUR, True, is_load, 1),
        (tuple(TABLES), True, is_merge, 2),
        (tuple(TABLES), False, is_history, 1),
    ],
    indirect=["resources"],
)
def test_the_next_sync_recovers_from_a_kill_while_loading(
    command: list[str],
    run: Run,
    dataset: Dataset,
    account: Account,
    resources: tuple[str, ...],
    emulator_port: int,
    moment: Callable[[str, str, bytes], bool],
    number: int,
    is_first_run: bool,
) -> None:
    """SIGKILL before or between the steps in BigQuery; then one run brings what one always does."""
    if not is_first_run:
        run()
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
                os.killpg(process.pid, signal.SIGKILL)

    with proxy(emulator_port, kill) as url:
        process = start(command, BIGQUERY_EMULATOR_HOST=url)
        started.set()
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (-signal.SIGKILL, "")
    release_lease(dataset)
    run()
    assert_as_undisturbed(dataset, account, resources)


def test_missing_rows_close_no_history(
    command: list[str],
    run: Run,
    dataset: Dataset,
    account: Account,
    emulator_port: int,
) -> None:
    """What was read and is not in its table is a failure that passes, not something fixed."""
    run()
    before = dataset.query("SELECT * FROM {d}.issues_history ORDER BY entity_key, valid_from")
    account.issues[0] = account.issues[0] | {"description": "changed, so that all are loaded"}

    def lose(method: str, path: str, body: bytes) -> None:
        if is_merge(method, path, body) and b"`issues`" in body:
            dataset.query("DELETE FROM {d}_staging.issues WHERE TRUE")

    with proxy(emulator_port, lose) as url:
        found, done = told(command, BIGQUERY_EMULATOR_HOST=url)
    assert (found["error"]["type"], done.status) == ("LoadUnavailable", 75)
    assert "0 of 6 in issues. No history was changed" in found["error"]["message"]
    assert (
        dataset.query("SELECT * FROM {d}.issues_history ORDER BY entity_key, valid_from") == before
    )
    run()
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


def test_transient_failures_of_bigquery_are_retried(
    command: list[str], dataset: Dataset, account: Account, emulator_port: int
) -> None:
    """Two answers of 503 or of a rate limit to each kind of call, and all is as without them."""
    moments = [is_first_query, is_schema, is_load, is_merge, is_history]
    left = [(moment, fault) for moment in moments for fault in (UNAVAILABLE, RATE_LIMIT)]

    def fail(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        for one in left:
            if one[0](method, path, body):
                left.remove(one)
                return one[1]
        return None

    with proxy(emulator_port, fail) as url:
        found, _ = told(command, BIGQUERY_EMULATOR_HOST=url)
    assert (found["status"], left) == ("ok", [])
    assert_as_undisturbed(dataset, account)


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ((403, error_of(403, "Access Denied: no jobs", "accessDenied")), "LoadError", 1),
        ((400, error_of(400, "marker-in-a-row", "invalidQuery")), "LoadError", 1),
    ],
)
def test_bigquery_refuses_a_merge(
    command: list[str],
    run: Run,
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    fault: tuple[int, bytes],
    kind: str,
    status: int,
) -> None:
    """A statement that fails for good fails the run, with no text that may quote a row."""
    refuse = failing(is_merge, 1000, fault)
    with proxy(emulator_port, refuse) as url:
        found, done = told(command, BIGQUERY_EMULATOR_HOST=url)
    assert (found["error"]["type"], done.status) == (kind, status)
    assert '"message": "fault"' in done.err
    assert "marker-in-a-row" not in done.out + done.err
    run()
    assert_as_undisturbed(dataset, account)


def test_no_call_to_bigquery_after_the_deadline(
    command: list[str], run: Run, dataset: Dataset, account: Account, emulator_port: int
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
        process = start(command, BIGQUERY_EMULATOR_HOST=url, SYNC_DEADLINE_SECONDS="15")
        assert arrived.wait(timeout=60)
        found = answer(process)
        ended.set()
    assert (found["error"]["type"], process.returncode) == ("DeadlineExceeded", 75)
    assert "while loading into BigQuery" in found["error"]["message"]
    assert after == []
    release_lease(dataset)
    run()
    assert_as_undisturbed(dataset, account)


@pytest.mark.parametrize(
    ("moment", "reason"),
    [("load", "tableUnavailable"), ("load", "jobBackendError"), ("merge", "tableUnavailable")],
)
def test_a_job_that_fails_transiently(
    command: list[str],
    run: Run,
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    moment: str,
    reason: str,
) -> None:
    """Pub/Sub is asked to deliver again where BigQuery says that a job may work later."""
    body = error_of(400, "marker-in-a-row", reason)

    def fail(method: str, path: str, sent: bytes) -> tuple[int, bytes] | None:
        if moment == "merge":
            return (400, body) if is_merge(method, path, sent) else None
        if not is_load(method, path, sent):
            return None
        error = json.loads(body)["error"]["errors"][0]
        job = {
            "jobReference": {"projectId": PROJECT, "jobId": "j", "location": "US"},
            "configuration": {"load": {}},
            "status": {"state": "DONE", "errorResult": error, "errors": [error]},
        }
        return 200, json.dumps(job).encode()

    with proxy(emulator_port, fail) as url:
        found, done = told(command, BIGQUERY_EMULATOR_HOST=url)
    assert (found["error"]["type"], done.status) == ("LoadUnavailable", 75)
    assert "marker-in-a-row" not in done.out
    run()
    assert_as_undisturbed(dataset, account)


@pytest.mark.parametrize("name", ["BIGQUERY_EMULATOR_HOST", "SECRET_MANAGER_EMULATOR_HOST"])
def test_a_missing_network_is_reported_soon(
    command: list[str], dataset: Dataset, name: str, secret_manager: SecretManager
) -> None:
    """Where Google cannot be reached a run says so, before its deadline says less."""
    address = "http://127.0.0.1:9" if name == "BIGQUERY_EMULATOR_HOST" else "127.0.0.1:9"
    found, done = told(command, SYNC_DEADLINE_SECONDS="40", **{name: address})
    kind = "LoadUnavailable" if name == "BIGQUERY_EMULATOR_HOST" else "TokenUnavailable"
    assert (found["error"]["type"], done.status) == (kind, 75)
    assert "Check the network of this machine" in found["error"]["message"]


def test_status_reports_a_missing_network_soon(command: list[str]) -> None:
    """Google's client alone would try for ten minutes."""
    python, *_ = command
    status = subprocess.run(
        [python, "-m", "scanner_sync", "status"],
        env=os.environ | {"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:9"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (status.returncode, status.stdout) == (75, "")
    assert "BigQuery cannot be reached" in status.stderr


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


Held = tuple[str, threading.Event, threading.Event]


def assert_refused(
    second: list[str], command: list[str], dataset: Dataset, account: Account, held: Held
) -> None:
    """Check that a second sync is refused while the first loads, which is not disturbed."""
    url, arrived, go_on = held
    first = start(command, BIGQUERY_EMULATOR_HOST=url)
    assert arrived.wait(timeout=60)
    refused = start(second)
    found = answer(refused)
    assert (found["error"]["type"], refused.returncode) == ("AlreadyRunning", 75)
    go_on.set()
    assert answer(first)["status"] == "ok"
    assert_as_undisturbed(dataset, account)


def test_a_second_sync_into_a_dataset_is_refused(
    command: list[str], dataset: Dataset, account: Account, held: Held
) -> None:
    """The second says that another sync is running; the first ends with the right rows."""
    assert_refused(command, command, dataset, account, held)


def test_losing_the_lease_ends_the_sync(
    command: list[str],
    run: Run,
    dataset: Dataset,
    account: Account,
    held: Held,
) -> None:
    """A run that was not heard of for so long that another took over ends before it loads on.

    No issue counts as read by it.
    """
    url, arrived, go_on = held
    first = start(command, BIGQUERY_EMULATOR_HOST=url)
    assert arrived.wait(timeout=60)
    dataset.client.delete_table(
        bigquery.TableReference.from_string(f"{PROJECT}.{dataset.name}.{LEASE_TABLE}")
    )
    found = answer(first)
    assert (found["error"]["type"], first.returncode) == ("LoadUnavailable", 75)
    assert "lost its lease" in found["error"]["message"]
    assert reads(dataset) == {}
    go_on.set()
    run()
    assert_as_undisturbed(dataset, account)


@pytest.fixture
def ahead(command: list[str], resources: tuple[str, ...]) -> list[str]:
    """The command of a worker on a machine whose clock is an hour ahead."""
    return [command[0], "-c", AHEAD, *resources]


def test_a_clock_that_is_ahead_does_not_take_a_held_lease(
    command: list[str], dataset: Dataset, account: Account, held: Held, ahead: list[str]
) -> None:
    """The clock of the machine that asks does not decide whether a lease has expired."""
    assert_refused(ahead, command, dataset, account, held)


def test_instants_come_from_bigquery_and_never_go_back(
    command: list[str], dataset: Dataset, account: Account, ahead: list[str]
) -> None:
    """After a run an hour ahead, and a state that an earlier version wrote in the future."""
    assert answer(start(ahead))["status"] == "ok"
    first = dataset.query("SELECT valid_from, CURRENT_TIMESTAMP() AS now FROM {d}.issues_history")
    assert {row["valid_from"] < row["now"] for row in first} == {True}
    dataset.query(
        "UPDATE {d}.issues_history SET valid_from = TIMESTAMP_ADD(valid_from, INTERVAL 1 HOUR)"
        f" WHERE id = {account.issues[0]['id']}"
    )
    account.issues = [row | {"severity": "changed"} for row in account.issues[:2]]
    assert told(command)[0]["history"]["issues"] == {"opened": 0, "closed": 4, "changed": 2}
    states = dataset.query("SELECT id, valid_from, valid_to FROM {d}.issues_history")
    assert len(states) == 8
    assert all(row["valid_from"] < row["valid_to"] for row in states if row["valid_to"])
    [closed] = {row["valid_to"] for row in states if row["valid_to"]}
    assert {row["valid_from"] for row in states if not row["valid_to"]} == {closed}
    days = dataset.query("SELECT days_open FROM {d}.issue_lifecycle")
    assert all(row["days_open"] >= 0 for row in days)


# A worker for which a lease expires after 3 seconds, so that the test does not take 30. It does not
# renew its own, because it would then take that for lost.
IMPATIENT = """
import sys
from scanner_sync.process import child
from scanner_sync.warehouse import lease
lease.LEASE_SECONDS = 3
lease.RENEW_SECONDS = 600
child.main(sys.argv[1:])
"""


def test_the_lease_of_a_killed_sync_expires(
    command: list[str],
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    ahead: list[str],
) -> None:
    """The next sync waits until the lease expires, whatever the clock of the killed one said."""

    def kill(method: str, path: str, body: bytes) -> None:
        if is_load(method, path, body):
            os.killpg(process.pid, signal.SIGKILL)

    with proxy(emulator_port, kill) as url:
        process = start(ahead, BIGQUERY_EMULATOR_HOST=url)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    started = time.monotonic()
    assert answer(start([command[0], "-c", IMPATIENT, *FOUR]))["status"] == "ok"
    assert time.monotonic() - started > 3
    assert_as_undisturbed(dataset, account)


def _until(dataset: Dataset) -> int:
    lease = dataset.client.get_table(f"{PROJECT}.{dataset.name}.{LEASE_TABLE}")
    return int(lease.labels["until"])
