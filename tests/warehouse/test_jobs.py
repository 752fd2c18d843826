"""A job that outlives its sync changes nothing in the next one."""

import json
import os
import re
import signal
import threading
from http.client import HTTPConnection
from typing import Any

import pytest

from local.bigquery import error_of, proxy
from sample_api import Account, generate
from scanner_sync.errors import LoadError, SyncError
from scanner_sync.report.figures import read_figures
from scanner_sync.settings import read_settings
from scanner_sync.sync import sync
from scanner_sync.warehouse import Warehouse, jobs, lease
from tests.conftest import FOUR, PROJECT, SYNC, Dataset
from tests.support.commands import start


class HeldLoad:
    """A fault of the proxy: BigQuery takes the first load job, and is in no hurry to run it.

    It runs when the next load arrives, unless it was cancelled. A cancelled job is listed as
    running twice more.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.arrived = threading.Event()
        self.is_cancelled = False
        self.events: list[str] = []
        """Each load, and what happened to the held one, in order."""
        self.labels: list[dict[str, str]] = []
        """The labels of each job."""
        self._job: dict[str, Any] = {}
        self._upload: tuple[str, bytes] | None = None
        self._listings_left = 2

    def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        bare = path.split("?", maxsplit=1)[0]
        if method == "POST" and bare.endswith(("/jobs", "/queries")):
            job = json.loads(body)
            self.labels.append(job.get("configuration", job).get("labels", {}))
            if "/upload/" in path and not self._job:
                self._job = {
                    "kind": "bigquery#job",
                    "id": f"{PROJECT}:US.{job['jobReference']['jobId']}",
                    "jobReference": job["jobReference"],
                    "configuration": {"jobType": "LOAD"} | job["configuration"],
                }
        if method == "PUT" and self._upload is None:
            self._upload = path, body
            self.events.append("held")
            self.arrived.set()
            return self._answer()
        if method == "PUT":
            self._run_late()
            self.events.append("loaded")
        if self._upload is None:
            return None
        own = f"/jobs/{self._job['jobReference']['jobId']}"
        if method == "POST" and bare.endswith(f"{own}/cancel"):
            self.is_cancelled = True
            self.events.append("cancelled")
            return self._answer(within="job")
        if method == "GET" and bare.endswith(own):
            return self._answer()
        if method == "GET" and bare.endswith("/jobs"):
            is_listed = "stateFilter=running" in path and self._is_running()
            if is_listed and self.is_cancelled:
                self._listings_left -= 1
            self.events.append("listed" if is_listed else "not listed")
            found = [json.loads(self._answer()[1])] if is_listed else []
            return 200, json.dumps({"kind": "bigquery#jobList", "jobs": found}).encode()
        return None

    def _is_running(self) -> bool:
        return self._upload is not None and not (self.is_cancelled and self._listings_left <= 0)

    def _answer(self, within: str | None = None) -> tuple[int, bytes]:
        status: dict[str, Any] = {"state": "RUNNING"}
        if self.is_cancelled and not self._is_running():
            status = {"state": "DONE", "errorResult": {"reason": "stopped", "message": "stopped"}}
        job = self._job | {"status": status}
        return 200, json.dumps({within: job} if within else job).encode()

    def _run_late(self) -> None:
        if self._upload is None or self.is_cancelled:
            return
        self.events.append("late")
        path, body = self._upload
        self.is_cancelled, self._listings_left = True, 0
        connection = HTTPConnection("127.0.0.1", self.port)
        size = {"Content-Length": str(len(body)), "Content-Range": f"bytes 0-{len(body) - 1}/*"}
        connection.request("PUT", path, body, size)
        assert connection.getresponse().status == 200
        connection.close()


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=1, targets=2, scans=3)


def abort(error: SyncError) -> None:
    raise error


@pytest.mark.usefixtures("api_url")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_load_that_is_late_changes_nothing(
    account: Account,
    dataset: Dataset,
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
    how: signal.Signals,
) -> None:
    """The next sync, or the interrupted one itself, ends the job before anything else loads."""
    sync(("scans",), abort)
    expected = {row["id"]: row["status"] for row in account.scans}
    account.scans.append(account.scans[0] | {"id": 77, "status": "withdrawn"})

    held = HeldLoad(emulator_port)
    with proxy(emulator_port, held) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        process = start([*SYNC, "--resources", "scans"])
        assert held.arrived.wait(60)
        os.killpg(process.pid, how)
        assert process.wait(60) == (-9 if how is signal.SIGKILL else 143)
        process.communicate()
        labels = dataset.client.get_table(f"{dataset.name}.{lease.LEASE_TABLE}").labels
        is_released = how is signal.SIGTERM
        assert (labels["until"] == "0", held.is_cancelled) == (is_released, is_released)

        account.scans.pop()
        account.scans[0] = account.scans[0] | {"status": "completed, of course"}
        expected[account.scans[0]["id"]] = "completed, of course"
        monkeypatch.setattr(lease, "LEASE_SECONDS", 2)
        sync(("scans",), abort)

    assert {row["id"]: row["status"] for row in dataset.rows("scans")} == expected
    assert held.events.index("cancelled") < held.events.index("loaded")
    assert "late" not in held.events
    listings = [event for event in held.events if "listed" in event]
    assert listings[-2:] == ["not listed", "not listed"]  # neither pending nor running
    assert held.events[-1] == "loaded"
    holders = {job[jobs.HOLDER] for job in held.labels}
    assert held.labels == [
        {jobs.DATASET: dataset.name, jobs.HOLDER: job[jobs.HOLDER]} for job in held.labels
    ]
    assert len(holders) == 2


def test_a_dataset_that_can_be_no_label_has_a_hash(dataset: Dataset) -> None:
    """Two such datasets do not share one, so no job of another dataset is ended."""
    client = dataset.client
    found = set()
    for name in ("p.Scanner", "p.scanner", "q.Scanner", f"p.{'s' * 64}"):
        jobs.label_jobs(client, jobs.labels_for(name, "holder"))
        labels = jobs.labels_of(client)
        assert labels[jobs.HOLDER] == "holder"
        found.add(labels[jobs.DATASET])
    assert "scanner" in found
    assert {len(label) for label in found} == {7, 32}
    assert len(found) == 4


@pytest.mark.usefixtures("api_url")
def test_jobs_run_in_the_project_that_pays(
    account: Account,
    dataset: Dataset,
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They start, are found and are ended there, and what they change is in the dataset's project.

    After an error the sync lists its jobs, to end them.
    """
    asked: dict[str, set[str]] = {}
    is_failing = False

    def note(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        found = re.fullmatch(
            r"(?:/upload|/resumable/upload)?/bigquery/v2/projects/([^/]+)/(\w+).*", path
        )
        if found:
            asked.setdefault(found[2], set()).add(found[1])
        if is_failing and b"BEGIN TRANSACTION" in body:
            return 403, error_of(403, "Access Denied", "accessDenied")
        return None

    with proxy(emulator_port, note) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        monkeypatch.setenv("BIGQUERY_BILLING_PROJECT", "finance-project")
        sync(("scans",), abort)
        account.scans[0] = account.scans[0] | {"status": "paused"}
        is_failing = True
        with pytest.raises(LoadError):
            sync(("scans",), abort)
        named = Warehouse.connect(read_settings()).located()
        [row] = named.query("SELECT COUNT(*) AS scans FROM scans")
    assert row["scans"] == 3
    assert asked == {
        "datasets": {PROJECT},
        "jobs": {"finance-project"},
        "queries": {"finance-project"},
    }


def test_queries_run_in_utc(
    dataset: Dataset, emulator_port: int, api_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project may have another time zone, by which days and weeks would begin elsewhere."""
    assert dataset.name
    assert api_url
    found = []

    def note(method: str, path: str, body: bytes) -> None:
        request = json.loads(body) if method == "POST" and b'"query":' in body else {}
        job = request.get("configuration", request).get("query", request)
        if job and "view" not in job:
            found.append((job if isinstance(job, dict) else request).get("connectionProperties"))

    with proxy(emulator_port, note) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        sync(FOUR, abort)
        warehouse = Warehouse.connect(read_settings())
        read_figures(warehouse.located(), warehouse.now())
        warehouse.read_status()
        assert [*warehouse.query("SELECT COUNT(*) FROM findings")]
    assert len(found) > 8
    assert [of for of in found if of != [{"key": "time_zone", "value": "UTC"}]] == []
