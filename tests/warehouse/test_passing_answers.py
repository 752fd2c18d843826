"""Answers of BigQuery that look final, and are not a moment later, cost no sync."""

import json
from typing import Any

import pytest
import requests

from local.bigquery import Fault, proxy
from sample_api import Account, generate
from scanner_sync import diagnose
from scanner_sync.errors import LoadUnavailable
from tests.conftest import FOUR, PROJECT, Dataset
from tests.support.faults import (
    CONFLICT,
    NO_DATASET,
    NO_JOB,
    NO_TABLE,
    SERIALIZE,
    STOPPED,
    Once,
    creates,
    runs,
)
from tests.support.rows import all_rows, expected_rows
from tests.warehouse.conftest import Run


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=3, targets=2, scans=2)


def job(status: dict[str, Any], **configuration: Any) -> tuple[int, bytes]:
    """Return the answer that describes a job."""
    named = {"projectId": PROJECT, "jobId": "j", "location": "US"}
    described = {"jobReference": named, "configuration": configuration, "status": status}
    return 200, json.dumps(described).encode()


FAILED = job(
    {"state": "DONE", "errorResult": json.loads(CONFLICT[1])["error"]["errors"][0]},
    jobType="QUERY",
    query={"query": "DECLARE"},
)
"""A script that another statement made fail."""


class LostSight:
    """A fault of the proxy: the first load job runs, and is not found when it is asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jobs: list[str] = []
        """The ids of the load jobs, and then what was answered for the first."""

    def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        if method == "POST" and "/upload/" in path and "_jsonl" in str(body):
            self.jobs.append(json.loads(body)["jobReference"]["jobId"])
        if method == "PUT" and len(self.jobs) == 1:
            size = {"Content-Range": f"bytes 0-{len(body) - 1}/{len(body)}"}
            found = requests.put(self.url + path, data=body, headers=size, timeout=60).json()
            self.jobs.append("running")
            return 200, json.dumps(found | {"status": {"state": "RUNNING"}}).encode()
        if method == "GET" and f"/jobs/{self.jobs[0] if self.jobs else '-'}?" in path:
            self.jobs.append("not found")
            return NO_JOB
        return None


def test_answers_that_pass_cost_no_sync(
    run: Run,
    dataset: Dataset,
    account: Account,
    api_url: str,
    emulator_port: int,
    bigquery_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of them once, in a first sync, which creates all there is, and then in a second."""
    once = Once(
        bigquery_url,
        # What was done, though its answer was lost; and what was created a moment ago, and is not
        # found yet.
        dataset=(creates("datasets", dataset.name), None),
        staging_dataset=(creates("datasets", f"{dataset.name}_staging"), None),
        lease_in_new_dataset=(creates("tables", "_sync_lease"), NO_DATASET),
        lease=(creates("tables", "_sync_lease"), None),
        history=(creates("tables", "issues_history"), None),
        view=(creates("tables", "open_issues"), None),
        upload=(lambda method, path, body: method == "PUT" and b'"severity"' in body, None),
        goals=(lambda method, path, body: method == "PUT" and b'"days"' in body, None),
        table_in_new_dataset=(runs("CREATE TABLE"), NO_DATASET),
        merge_into_new_table=(runs("MERGE INTO"), NO_TABLE),
        view_of_new_table=(creates("tables", "issue_lifecycle"), NO_TABLE),
        script_result=(lambda method, path, body: "/queries/" in path, NO_JOB),
        # What something else changes at the same time.
        version=(runs("INSERT INTO"), CONFLICT),
        merge=(runs("MERGE INTO"), SERIALIZE),
        script=(runs("BEGIN TRANSACTION"), FAILED),
        script_aborted=(lambda method, path, body: "/queries/" in path, CONFLICT),
    )
    with proxy(emulator_port, once) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        run()
    assert once.left == {}
    once = Once(
        bigquery_url,
        merge_again=(runs("MERGE INTO"), CONFLICT),
        script_aborted=(lambda method, path, body: "/queries/" in path, CONFLICT),
    )
    account.issues[0] = account.issues[0] | {"severity": "changed"}
    with proxy(emulator_port, once) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        assert run().history["issues"] == {"opened": 0, "closed": 0, "changed": 1}
    assert once.left == {}
    expected = expected_rows(account, api_url)
    assert all_rows(dataset, FOUR) == {table: expected[table] for table in FOUR}
    counts = {
        name: dataset.query(f"SELECT COUNT(*) AS n FROM {{d}}.{name}")[0]["n"]
        for name in ("_dlt_loads", "_dlt_version", "sla_policy", "issues_history")
    }
    assert counts == {"_dlt_loads": 2, "_dlt_version": 1, "sla_policy": 4, "issues_history": 4}


@pytest.mark.parametrize("resources", [("scans",)], indirect=True)
def test_a_load_job_of_which_sight_was_lost_is_started_again(
    run: Run,
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    bigquery_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another job loads the rows in place of what the first one loaded."""
    fault = LostSight(bigquery_url)
    with proxy(emulator_port, fault) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        run()
    [first, *answered, second] = fault.jobs
    assert answered == ["running", "not found"]
    assert first.startswith("scans_")
    assert second.startswith("scans_")
    assert first != second
    staged = dataset.query("SELECT id FROM {d}_staging.scans ORDER BY id")
    assert [row["id"] for row in staged] == sorted(row["id"] for row in account.scans)


@pytest.mark.parametrize("resources", [("scans",)], indirect=True)
def test_what_does_not_pass_in_time_is_left_to_the_next_sync(
    run: Run,
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So is a job that an administrator stopped. The next sync needs no help."""
    patience = tuple(cause._replace(again=0.0) for cause in diagnose.CAUSES)
    monkeypatch.setattr(diagnose, "CAUSES", patience)

    def always(sql: str, answer: tuple[int, bytes]) -> Fault:
        fits = runs(sql)
        return lambda method, path, body: (
            answer if fits(method, path.partition("?")[0], body) else None
        )

    def loading(answer: tuple[int, bytes]) -> Fault:
        return lambda method, path, body: answer if method == "PUT" and b"_dlt_id" in body else None

    missing = {
        "state": "DONE",
        "errorResult": {"reason": "notFound", "message": "Not found: Table t"},
    }
    stopped = {"state": "DONE", "errorResult": {"reason": "stopped", "message": "marker"}}
    for fault, said in (
        (always("MERGE INTO", SERIALIZE), "Other statements kept changing a table"),
        (always("MERGE INTO", STOPPED), "A job of the sync was stopped"),
        (always("MERGE INTO", NO_JOB), "BigQuery failed temporarily"),
        (always("BEGIN TRANSACTION", CONFLICT), "Other statements kept changing a table"),
        (loading(job(stopped, load={})), "A job of the sync was stopped"),
        (loading(job(missing, load={})), "Not found: Table t. Try"),
    ):
        with proxy(emulator_port, fault) as url, monkeypatch.context() as patched:
            patched.setenv("BIGQUERY_EMULATOR_HOST", url)
            with pytest.raises(LoadUnavailable, match=said):
                run()
    run()
    assert [row["id"] for row in dataset.rows("scans")] == sorted(r["id"] for r in account.scans)
