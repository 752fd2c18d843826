"""Many accounts at once: processes of the function behind Pub/Sub, and what goes wrong."""

import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from local import bigquery as local_bigquery
from local.accounts import PROJECT, Customer, Round, sync_all
from sample_api import generate
from scanner_sync.schema.tables import TABLES
from tests.conftest import FOUR, Dataset
from tests.support.commands import runs
from tests.support.moments import is_merge
from tests.support.rows import all_rows, expected_rows

KILLED, REFUSED, SLOW, LARGE = range(4)
TWO_TABLES = (("tags", "scan_schedules"), ("scans", "tags"))
RESOURCES = {KILLED: tuple(TABLES), SLOW: FOUR, LARGE: FOUR}


def customer(number: int) -> Customer:
    """Return an account of its own size. One asks for all tables, others for four or two."""
    issues = 40 if number == LARGE else number % 4 + 1
    account = generate(number, issues, targets=number % 5 + 2, scans=7 * number)
    return Customer(
        f"customer_{number}",
        account,
        RESOURCES.get(number, TWO_TABLES[number % 2]),
        latency_seconds=1 if number == SLOW else 0,
        is_refused=number == REFUSED,
    )


def test_accounts_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One process is killed while it loads, one token is refused, and one API is slow.

    The message of the slow one is published twice, because Pub/Sub may deliver any twice. Every
    other account has each row of its API, and so has the killed one after the redelivery. No
    account was synced twice at once, and nothing that is logged for one names another.
    """
    # Other tests hold these statements to BigQuery's analyzer.
    monkeypatch.setattr(local_bigquery, "observer", None)
    customers = [customer(number) for number in range(5)]
    killed, refused = customers[KILLED], customers[REFUSED]
    first = threading.Lock()

    def kill(method: str, path: str, body: bytes) -> None:
        """End the function's process with its worker, which waits for the answer to this."""
        if (
            is_merge(method, path, body)
            and killed.dataset.encode() in body
            and first.acquire(blocking=False)
        ):
            [worker] = runs(f"SCANNER_SYNC_ACCOUNT={killed.name}\0", f"TMPDIR={tmp_path}/")
            os.killpg(os.getpgid(worker), signal.SIGKILL)

    with sync_all([*customers[: SLOW + 1], *customers[SLOW:]], 3, kill) as found:
        synced = [of for of in customers if of is not refused]
        for of in synced:
            assert_has_every_row(found, of)
        assert dataset_of(found, refused).tables() == set()

    # A process that ended answers nothing, so Pub/Sub delivers once more; what was refused is
    # acknowledged, because no redelivery can succeed.
    statuses = found.statuses(killed.name)
    assert 503 in statuses[:-1]
    assert statuses[-1] == 200
    assert {entry["account"] for entry in found.events("sync_finished")} == {
        of.name for of in synced
    }
    dropped = found.events("message_dropped")
    assert {(entry["account"], entry["error_type"]) for entry in dropped} == {
        (refused.name, "ApiRefused")
    }

    assert len({holder for dataset, holder in found.jobs if dataset == killed.dataset}) > 1
    assert found.mixed() == []
    for entry in found.entries:
        named = set(re.findall(r"customer_\d+", json.dumps(entry)))
        assert named == {entry[key] for key in ("account",) if key in entry}


def dataset_of(found: Round, of: Customer) -> Dataset:
    credentials = Credentials(token="anonymous")  # type: ignore[no-untyped-call]
    options = {"api_endpoint": found.bigquery_url}
    return Dataset(of.dataset, bigquery.Client(PROJECT, credentials, client_options=options))


def assert_has_every_row(found: Round, of: Customer) -> None:
    """Row for row what its API has, in the tables that its message asked for, and histories."""
    dataset = dataset_of(found, of)
    expected = expected_rows(of.account, found.api_url)
    assert all_rows(dataset, of.resources) == {table: expected[table] for table in of.resources}
    if "issues" in of.resources:
        open_now = dataset.query("SELECT id FROM {d}.issues_history WHERE valid_to IS NULL")
        assert sorted(row["id"] for row in open_now) == [row["id"] for row in expected["issues"]]


def test_syncs_that_load_at_once_are_noticed() -> None:
    """One that goes on after another began was not alone; syncs of other accounts are."""
    jobs = [("d", "a"), ("e", "x"), ("d", "a"), ("d", "b"), ("e", "x"), ("d", "b")]
    assert Round("", "", jobs=jobs).mixed() == []
    assert Round("", "", jobs=[*jobs, ("d", "a")]).mixed() == ["d"]
