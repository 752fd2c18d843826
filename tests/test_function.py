"""The function as a running server, against independent implementations of its neighbors."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from local import pubsub
from local.processes import ROOT, function
from local.secret_manager import SecretManager
from tests.conftest import PROJECT, Dataset
from tests.support.commands import runs
from tests.support.rows import all_rows
from tests.support.stranger import HeldStranger, Stranger, serve


@pytest.fixture
def environment(dataset: Dataset, secret_manager: SecretManager) -> dict[str, str]:
    """Settings of a function with a local BigQuery and a local Secret Manager."""
    assert dataset.name
    assert secret_manager.secrets
    names = (
        "BIGQUERY_EMULATOR_HOST",
        "SECRET_MANAGER_EMULATOR_HOST",
        "ACCESS_TOKEN_SECRET",
        "GOOGLE_CLOUD_PROJECT",
        "DATASET",
    )
    return {name: os.environ[name] for name in names}


def test_another_server_is_synced_row_for_row_twice(
    environment: dict[str, str], dataset: Dataset
) -> None:
    """The function needs nothing of the API that its description does not promise."""
    stranger = Stranger()
    expected: dict[str, list[dict[str, Any]]] = {
        "issues": [
            {"id": n, "title": f"Issue {n} — “ü”", "severity": "high", "snoozed": n % 2 == 0}
            for n in range(1, 91)
        ],
        "occurrences_issues": [
            {"issue_id": issue, "id": n, "target": f"host-{n}", "port": str(n)}
            for issue in range(1, 91)
            for n in range(issue % 4)
        ],
        "scans": [{"id": n, "status": "done"} for n in range(41)],
        "targets": [{"id": n, "address": f"192.0.2.{n}"} for n in range(40)],
        "fixed_occurrences": [
            {
                "occurrence_id": n,
                "remediated_at": datetime(2020, 1, day + 1, tzinfo=UTC),
                "id": (2 * n + day) % 3,
            }
            for n in range(45)
            for day in range(2)
        ],
        "scan_schedules": [{"id": n, "targets": [n]} for n in range(3)],
        "tags": [{"name": name} for name in ("1", "1.0", "ü")],
        "licenses": [{"total_application_licenses": 9}],
    }
    # One of two requests for targets shows that the API cannot say which were scanned lately.
    pages = {"issues": 3, "scans": 2, "targets": 2, "occurrences/fixed": 3}  # of 40 rows, 39 new
    pages |= {"scans/schedules": 1, "tags": 1, "licenses": 1}
    with serve(stranger) as base_url, function(environment | {"API_BASE_URL": base_url}) as url:
        for number in range(2):
            pages["issues"] += number  # the second sync asks for a signal, which is ignored
            pages["targets"] -= number  # and not again for those that were scanned lately
            stranger.paths.clear()
            answer = requests.post(url, json={}, timeout=60)
            body = answer.json()
            assert answer.status_code == 200, body
            assert body["tables"] == {name: {"rows": len(r)} for name, r in expected.items()}
            assert body["requests"] == len(stranger.paths) == sum(pages.values()) + 90
            for name, count in pages.items():
                assert stranger.paths.count(f"/v1/{name}/") == count
            found = {
                table: [
                    {name: value for name, value in row.items() if value is not None}
                    for row in rows
                ]
                for table, rows in all_rows(dataset).items()
            }
            assert found == expected


def test_a_killed_worker_leaves_the_function_serving(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """A worker killed while it reads: 500, nothing is left behind, and the next sync works."""
    api = HeldStranger()
    with serve(api) as base_url, function(environment | {"API_BASE_URL": base_url}) as url:
        answers: list[requests.Response] = []
        body = {"resources": ["targets"]}
        call = threading.Thread(
            target=lambda: answers.append(requests.post(url, json=body, timeout=60))
        )
        call.start()
        assert api.arrived.wait(timeout=60)
        assert [entry.name[:13] for entry in tmp_path.iterdir()] == ["scanner_sync-"]
        [run] = runs(f"DATASET={environment['DATASET']}\0")
        os.kill(run, signal.SIGKILL)
        call.join(timeout=60)
        assert [answer.status_code for answer in answers] == [500]
        assert "status -9" in answers[0].json()["error"]["message"]
        assert list(tmp_path.iterdir()) == []
        api.go_on.set()
        assert requests.post(url, json=body, timeout=60).status_code == 200


def test_nothing_runs_after_the_deadline(environment: dict[str, str], tmp_path: Path) -> None:
    """At the deadline the answer is 504, and the worker is gone."""
    api = HeldStranger()
    limits = {"SYNC_DEADLINE_SECONDS": "2"}
    with (
        serve(api) as base_url,
        function(environment | limits | {"API_BASE_URL": base_url}) as url,
    ):
        answer = requests.post(url, json={"resources": ["targets"]}, timeout=60)
        assert (answer.status_code, answer.json()["error"]["type"]) == (504, "DeadlineExceeded")
        # On a slow machine it does not get as far as the API, which would answer nothing.
        assert "not done after 2 seconds, while " in answer.json()["error"]["message"]
        assert runs(f"DATASET={environment['DATASET']}\0") == []
        assert list(tmp_path.iterdir()) == []
        api.go_on.set()


JAR = pubsub.emulator_jar()


@pytest.mark.skipif(JAR is None, reason="no java, or no Pub/Sub emulator in the gcloud CLI")
def test_pubsub_pushes_to_the_function(environment: dict[str, str], dataset: Dataset) -> None:
    """Google's Pub/Sub emulator delivers a message to sync_event, which syncs what it names."""
    assert JAR
    synced = threading.Event()

    def see(line: str) -> None:
        if '"sync_finished"' in line:
            synced.set()

    stranger = Stranger()
    with (
        pubsub.emulator(JAR, PROJECT) as project,
        serve(stranger) as base_url,
        function(environment | {"API_BASE_URL": base_url}, "sync_event", see) as url,
    ):
        pubsub.subscribe(project, "syncs", url)
        pubsub.publish(project, "syncs", [b'{"resources": ["scans"]}'])
        assert synced.wait(timeout=600)
    assert dataset.tables() == {"scans", "fixed_occurrences", "issues"}
    assert set(stranger.paths) == {"/v1/scans/"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_leaves_nothing_running_when_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: signal.Signals
) -> None:
    """Everything the demo started ends with it, and it says so in a line."""
    mark = f"DEMO_OF_A_TEST={uuid.uuid4().hex}"
    name, _, value = mark.partition("=")
    monkeypatch.setenv(name, value)
    demo = subprocess.Popen(
        [sys.executable, "-m", "local.demo"],
        cwd=tmp_path,  # where the page would be written
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    assert any("sync_started" in line for line in demo.stdout)
    assert len(_marked(mark)) >= 4
    demo.send_signal(how)
    output, errors = demo.communicate(timeout=60)
    assert (demo.returncode, errors) == (128 + how, "Interrupted; nothing is left running.\n")
    assert "retried" not in output  # what the function says while it is ended
    assert _marked(mark) == []
    assert list(tmp_path.glob("*.html")) == []


def _marked(mark: str) -> list[int]:
    """Return the other processes that have this in their environment."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            environment = (directory / "environ").read_bytes().split(b"\0")
            if mark.encode() in environment and int(directory.name) != os.getpid():
                found.append(int(directory.name))
    return found
