"""The log: its format, its trace, and the events that Terraform's metrics and alerts read."""

import functools
import json
import logging
import operator
import os
import re
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import flask.testing
import pytest
import requests

from local.processes import ROOT, function
from sample_api import Account, create_app, generate
from sample_api import serve as serve_api
from scanner_sync.errors import SyncError
from scanner_sync.log import logger, trace_of
from scanner_sync.progress import STEPS, Progress, logged
from scanner_sync.schema.tables import TABLES
from scanner_sync.sync import sync
from tests.conftest import PROJECT, TOKEN, Dataset, Vanishing
from tests.support.events import FIELDS
from tests.support.pubsub import push
from tests.support.stranger import Stranger, serve

NONSENSE = "bm9uc2Vuc2U="
"""Data of a Pub/Sub message with an unknown resource."""

TRACE = "ab" * 16
SPAN = "00f067aa0ba902b7"
TRACE_FIELDS = {
    "logging.googleapis.com/trace": f"projects/{PROJECT}/traces/{TRACE}",
    "logging.googleapis.com/spanId": SPAN,
}
SHAPE = {"severity", "message", "logger"}


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=6, targets=5, scans=5)


def entries(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what was logged since the last call. Each line is a JSON object without a secret."""
    lines = capfd.readouterr().err.splitlines()
    assert not any(TOKEN in line for line in lines)
    found = [json.loads(line) for line in lines]
    assert all(entry.keys() >= SHAPE for entry in found)
    return found


@pytest.mark.usefixtures("dataset", "api_url")
def test_events_have_the_fields_that_terraform_reads(
    http: flask.testing.FlaskClient,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A sync that finished and one that failed log each field, with the figures of the answer."""
    del account.occurrences[account.issues[1]["id"]]
    account.occurrences = Vanishing(account)
    answer = http.post("/").get_json()
    finished = entries(capfd)
    monkeypatch.setenv("ACCESS_TOKEN", "another-token")
    assert http.post("/").status_code == 502
    failed = entries(capfd)
    assert [entry["message"] for entry in finished if entry["message"] in FIELDS] == [
        "sync_started",
        *["table_synced"] * len(TABLES),
        "sync_finished",
    ]
    assert [entry["message"] for entry in failed] == ["sync_started", "sync_failed"]
    logged = {entry["message"]: entry for entry in [*finished, *failed]}
    assert {event: logged[event].keys() - SHAPE for event in FIELDS} == FIELDS

    end = logged["sync_finished"]
    same = ("load_id", "history", "unavailable", "unchanged", "requests", "seconds")
    assert end["tables"] == {name: of["rows"] for name, of in answer["tables"].items()}
    assert {name: end[name] for name in same} == {name: answer[name] for name in same}
    assert (end["retries"], end["throttled"], end["vanished"]) == (0, 0, 1)
    assert {"reading_api", "loading"} < end["steps"].keys()
    assert abs(sum(end["steps"].values()) - end["seconds"]) <= 0.1 * len(end["steps"])
    assert end["peak_memory_mib"] > 50
    end = logged["sync_failed"]
    assert (end["severity"], end["error_type"]) == ("ERROR", "ApiRefused")
    assert "rejects the token" in end["error_message"]
    assert end["rows_read"] == dict.fromkeys(TABLES, 0)
    assert end["requests"] > 0
    assert "reading_api" in end["steps"]

    # What Terraform extracts from an event, or matches in one, is a field of it.
    metrics = (ROOT / "terraform/metrics.tf").read_text()
    measured = re.findall(
        r'\{ event = "(\w+)", field = "([\w.]+)", .*label = (?:null|"(\w+)")', metrics
    )
    assert len(measured) == metrics.count("{ event = ")
    # test_a_mass_disappearance_is_seen_twice has the fields of this one.
    rare = "mass_disappearance"
    for event, field, label in measured:
        if event == rare:
            continue
        value = functools.reduce(operator.getitem, field.split("."), logged[event])
        assert isinstance(value, int | float)
        assert not label or label in logged[event]
    alerts = (ROOT / "terraform/alerts.tf").read_text()
    matched = set(re.findall(r'jsonPayload\.message=\W*"(\w+)', metrics + alerts))
    assert matched == {"sync_finished", "sync_failed", "feed_failed", rare}
    read = set(re.findall(r"jsonPayload\.(\w[\w.]*)", metrics + alerts)) - {"message"}
    read -= {"disappeared", "open_before"}  # of the rare one
    # Of feeds, see test_a_feed_that_stays_unreadable_counts_the_days.
    read -= {"feed", "failures", "reason"}
    read -= {"account"}  # of a deployment with many, see test_every_line_of_a_run_names_the_account
    finished_fields = {
        *logged["sync_finished"],
        *(f"refresh.{name}" for name in logged["sync_finished"]["refresh"]),
    }
    assert read <= logged["sync_failed"].keys() | finished_fields


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, TRACE_FIELDS),
        ({"X-Cloud-Trace-Context": f"{TRACE}/{int(SPAN, 16)};o=1"}, TRACE_FIELDS),
    ],
)
@pytest.mark.usefixtures("dataset", "api_url")
def test_every_line_has_the_trace_of_its_request(
    event: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    headers: dict[str, str],
    expected: dict[str, str],
) -> None:
    """Lines of the worker and of the function, for a dropped and for a redelivered message."""
    message = push("eyJyZXNvdXJjZXMiOiBbInNjYW5zIl19")["json"]  # {"resources": ["scans"]}
    assert event.post("/", json=message, headers=headers).status_code == 200
    with serve_api(create_app(Account(), token=TOKEN, quota_per_hour=0)) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        assert event.post("/", json=message, headers=headers).status_code == 500
    nonsense = push(NONSENSE)["json"]
    assert event.post("/", json=nonsense, headers=headers).status_code == 200
    found = entries(capfd)
    assert [entry["message"] for entry in found] == [
        "sync_started",
        "table_synced",
        "sync_finished",
        "sync_started",
        "sync_failed",
        "Exception on / [POST]",
        "message_dropped",
    ]
    for entry in found:
        assert {name: entry[name] for name in expected} == expected
    [raised] = [entry for entry in found if "stack_trace" in entry]
    assert raised["severity"] == "ERROR"
    assert raised["stack_trace"].startswith("Traceback (most recent call last):\n")
    assert re.search(r"\n\w+: The (API|sync) .*$", raised["stack_trace"])

    event.post("/", json=nonsense)
    assert not TRACE_FIELDS.keys() & entries(capfd)[0].keys()


@pytest.mark.parametrize(
    ("traceparent", "cloud", "expected"),
    [
        ("", TRACE, f"00-{TRACE}-{'0' * 16}-01"),
        ("", f"{TRACE.upper()}/0;o=0", f"00-{TRACE}-{'0' * 16}-01"),
        ("garbage", f"{TRACE}/1", f"00-{TRACE}-{'0' * 15}1-01"),
        (f"00-{'0' * 32}-{SPAN}-01", "", None),
        ("", f"{'0' * 32}/1", None),
        (f'00-{TRACE}-{SPAN}-01", "x": "', "", None),
        ("", f"{TRACE}\n/1", None),
        ("", f"{TRACE}/x", None),
    ],
)
def test_a_trace_is_hexadecimal_or_none(traceparent: str, cloud: str, expected: str | None) -> None:
    """Any other header is ignored."""
    assert trace_of(traceparent, cloud) == expected


@pytest.mark.usefixtures("dataset")
def test_the_server_logs_in_the_same_format() -> None:
    """functions-framework under gunicorn, with the execution ids that Google Cloud adds."""
    lines: list[str] = []
    seen = threading.Event()

    def see(line: str) -> None:
        lines.append(line)
        if '"message_dropped"' in line:
            seen.set()

    with function({"LOG_EXECUTION_ID": "true"}, "sync_event", see) as url:
        message = push(NONSENSE)["json"]
        headers = {"X-Cloud-Trace-Context": f"{TRACE}/{int(SPAN, 16)}"}
        assert requests.post(url, json=message, headers=headers, timeout=60).status_code == 200
        assert seen.wait(timeout=60)
    # With execution ids the framework writes an entry and its end of line one after the other, so
    # that an entry of gunicorn's own process may come between them.
    found, rest = [], "".join(lines)
    while rest:
        entry, end = json.JSONDecoder().raw_decode(rest)
        found.append(entry)
        rest = rest[end:].lstrip()
    assert all(entry.keys() >= SHAPE for entry in found)
    assert {"gunicorn.error", "scanner_sync"} == {entry["logger"] for entry in found}
    [dropped] = [entry for entry in found if entry["message"] == "message_dropped"]
    assert (dropped["severity"], dropped["error_type"]) == ("ERROR", "RequestError")
    assert dropped.items() >= TRACE_FIELDS.items()
    assert dropped["logging.googleapis.com/labels"].keys() == {"execution_id"}


@pytest.mark.filterwarnings("ignore:Cannot create BigQuery Storage client")
def test_a_long_sync_logs_its_progress(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A line at each interval with rows read and expected, while the API delays an answer.

    In the end, all jobs of the load are done, as the bars of a terminal show, and each step was
    timed.
    """
    said: list[dict[str, Any]] = []
    shown: list[Progress] = []
    half, loaded = threading.Event(), threading.Event()

    class Listen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "sync_progress":
                fields = vars(record)["fields"]
                said.append(fields)
                if fields["rows_read"]["issues"] and fields["issues_read"]:
                    half.set()
                if fields["step"] == "loading":
                    loaded.set()

    class Held(Stranger):
        def answer(self, url: str, token: str | None) -> tuple[int, Any]:
            if "offset=78" in url:  # the last page of the issues
                half.wait(timeout=60)
            return super().answer(url, token)

    def fail(error: SyncError) -> None:
        raise AssertionError(error)

    def show(progress: Progress) -> AbstractContextManager[None]:
        shown.append(progress)
        return logged(progress, 0.005)

    listen = Listen()
    logger.addHandler(listen)
    try:
        with serve(Held()) as base_url:
            monkeypatch.setenv("API_BASE_URL", base_url)
            monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
            resources = ("issues", "occurrences_issues")
            sync(resources, abort=fail, show=show)
    finally:
        logger.removeHandler(listen)
    assert half.is_set()
    assert loaded.is_set()
    [first, *_] = [of for of in said if of["issues_read"] and of["rows_read"]["issues"]]
    assert first["step"] == "reading_api"
    assert first["rows_expected"] == {"issues": 90}
    assert 0 < first["rows_read"]["issues"] < 90
    last = said[-1]
    assert (last["rows_read"]["issues"], last["issues_read"]) == (90, 90)
    assert last["rows_read"] == {"issues": 90, "occurrences_issues": 135} | last["rows_loaded"]
    assert last["requests"] == 93
    [progress] = shown
    assert progress.jobs == {"done": 3, "all": 3}  # two tables are loaded, and then merged in one
    assert progress.cost()["steps"].keys() == STEPS.keys() - {"reading_feeds"}  # there is no feed
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]
    assert os.environ["DATASET"] == dataset.name
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_peak_memory_excludes_the_parent() -> None:
    """The parent may use far more memory."""
    ballast = bytearray(b"x" * (256 * 2**20))
    code = "import dlt; from scanner_sync.progress import peak_memory_mib; print(peak_memory_mib())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert 20 < int(done.stdout) < len(ballast) / 2**20
