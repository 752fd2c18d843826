"""The check of a deployment, with the real function and a local BigQuery instead of the cloud."""

import json
import time
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest
import requests
from google.cloud import bigquery

from local.dist import checkout_digest
from local.processes import answering
from local.secret_manager import Version
from local.smoke import (
    PLAN,
    Cloud,
    Deployment,
    Run,
    check,
    plan_differences,
)
from tests.docs.markdown import blocks, table

from .cloud import LocalCloud, serve
from .conftest import ANONYMOUS, Here
from .deployment import State, values

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

RUNS, LOGGED, ROWS, CHARTS, ALERTS = (
    "Cloud Scheduler's job starts a run, which succeeds",
    "The log of the run tells of each table, and of no error",
    "BigQuery holds the rows of the run",
    "The dashboard shows the run (its metrics may take minutes)",
    "Each alert is valid, and none on missing runs would fire",
)


def test_a_deployment_is_compared_with_what_is_promised(here: Here) -> None:
    """Nothing differs after a run that succeeded. Whatever is changed then is named."""
    local, cloud, deployment, _ = here
    run = Run(deployment, cloud)
    promises = [(promise, differences()) for promise, differences in check(run)]
    assert promises == [(promise, []) for promise in (RUNS, LOGGED, ROWS, CHARTS, ALERTS)]

    run.entries = [of for of in local.entries if "'table': 'scans'" not in str(of)]
    run.entries.append({"severity": "ERROR", "jsonPayload": {"message": "fault"}})
    assert run.log_differences() == [
        "tables synced: issues, occurrences_issues, targets, fixed_occurrences, scan_schedules,"
        " tags, licenses; expected: issues, occurrences_issues, scans, targets, fixed_occurrences,"
        " scan_schedules, tags, licenses",
        "ERROR in the log: fault",
    ]

    run.entries = json.loads(json.dumps(local.entries).replace(checkout_digest(), "0" * 64))
    assert run.log_differences() == [
        f"the code that runs is {'0' * 64}; this checkout's: {checkout_digest()}."
        ' docs/runbook.md says more under "A build failed"'
    ]

    first = "SELECT MIN(id) FROM scanner.targets"
    cloud.bigquery.query_and_wait(f"DELETE FROM scanner.targets WHERE id = ({first})")
    cloud.bigquery.delete_table("scanner.open_issues")
    assert run.table_differences() == [
        "scanner.open_issues is missing",
        "scanner.targets holds 4 of the run's 5 rows",
    ]

    run.entries = local.entries
    local.uncounted = {"runs", "rows"}
    assert run.chart_differences() == [
        "Runs and failures: shows 0 where the log says 1",
        f"Rows by table: shows 0 where the log says {sum(run.end['tables'].values())}",
    ]

    failed, refused, missing = (
        values(deployment.state, f"google_monitoring_alert_policy.{name}")["name"]
        for name in ("run_failed", "token_refused", "no_success[0]")
    )
    local.policies[failed]["enabled"] = False
    local.policies[refused]["validity"] = {"code": 3, "message": "no such metric"}
    [condition] = local.policies[missing]["conditions"]
    [query] = condition["conditionPrometheusQueryLanguage"].values()
    assert run.alert_differences() == [
        f"scanner-sync: no run succeeded: it does not see this run: {query}",
        "scanner-sync: a run failed: it is disabled",
        "scanner-sync: the token was refused: it is not valid: no such metric",
    ]


def test_a_run_that_fails_is_compared_with_nothing_else(here: Here) -> None:
    """The error of the run is all there is to tell."""
    _, cloud, deployment, secrets = here
    [versions] = secrets.secrets.values()
    versions.append(Version(b"another-token"))
    run = Run(deployment, cloud)
    [(promise, differences)] = [(promise, call()) for promise, call in check(run)]
    [difference] = differences
    assert (promise, difference) == (
        RUNS,
        f"the run failed: ApiRefused: {run.end['error_message']}",
    )


def test_one_of_many_accounts_is_checked(deployments: dict[str, State]) -> None:
    """Its own job, dataset, log entries and metrics; what others log at the same time is theirs."""
    state = deployments["accounts"]
    assert Deployment(state).accounts == ["acme", "globex"]
    deployment = Deployment(state, "globex")
    assert deployment.job["name"] == "scanner-sync-globex"
    assert [deployment.dataset[of] for of in ("dataset_id", "location")] == ["scanner_globex", "EU"]
    with pytest.raises(SystemExit, match=r"_dataset\.account_tables of initech\. Name another"):
        _ = Deployment(state, "initech").dataset

    local = LocalCloud(state)
    refresh = {"issues_listed": 6, "issues_read": 6, "issues_waiting": 0, "oldest_hours": 0.5}
    for account, rows in {"acme": 5, "globex": 7, "umbrella": 9}.items():
        line = {"severity": "INFO", "account": account, "refresh": refresh}
        figures = {"seconds": rows, "requests": rows, "throttled": rows}
        local.log(json.dumps(line | {"message": "table_synced", "table": "scans", "rows": rows}))
        local.log(json.dumps(line | {"message": "sync_finished"} | figures))
    with serve(local) as url:
        apis = dict.fromkeys(("scheduler", "logging", "monitoring"), url)
        run = Run(deployment, Cloud(requests.Session(), bigquery.Client("p", ANONYMOUS), apis))
        run.started = time.monotonic()
        run.entries = [entry for entry in local.entries if run.is_ours(entry)]
        assert [event["rows"] for event in run.events("table_synced")] == [7]
        assert run.chart_differences() == []
        run.entries = local.entries
        assert "Rows by table: shows 7 where the log says 21" in run.chart_differences()


def test_an_api_that_refuses_is_named(here: Here) -> None:
    """Without the body of its answer."""
    _, cloud, _, _ = here
    url = cloud.apis["logging"]
    with pytest.raises(SystemExit, match=rf"^POST {url}/v4/x was answered 404\. Log in: "):
        cloud.ask("POST", "logging", "v4/x", json={})


class Faulty(BaseHTTPRequestHandler):
    """Answer each request with the next of `statuses`; a 0 ends the connection instead."""

    statuses: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        if status := self.statuses.pop(0):
            self.send_response(status)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        *(([status, 200], None) for status in (0, 429, 503)),
        ([503, 503], r"was answered 503\. Try again\.$"),
        ([0, 0], r"was not answered \(ConnectionError\)\. Try again\.$"),
        ([503, 403], r"was answered 403\. Log in: "),
        ([403], r"was answered 403\. Log in: "),
    ],
)
def test_an_answer_that_passes_is_asked_for_once_more(
    statuses: list[int], said: str | None
) -> None:
    """One 429, 503 or reset ends no check, and a second one says so. Any other status is final."""
    Faulty.statuses = [*statuses]
    with answering(Faulty) as url:
        client = bigquery.Client("p", ANONYMOUS)
        cloud = Cloud(requests.Session(), client, {"logging": url}, pause=0)
        with pytest.raises(SystemExit, match=said) if said else nullcontext():
            assert cloud.ask("GET", "logging", "v2/x").status_code == 200
    assert Faulty.statuses == []


def test_the_document_shows_what_is_printed() -> None:
    """Each line of a check in which nothing differs, and what to do about each."""
    [shown] = [block.text for block in blocks() if block.info == "text"]
    promises = [PLAN, RUNS, LOGGED, ROWS, CHARTS, ALERTS]
    assert shown.splitlines() == [f"{promise} ... ok" for promise in promises]
    explained = [row[0] for row in table("docs/first-deployment.md", "7. Check it all")]
    assert len(explained) == len(promises)
    for line, promise in zip(explained, promises, strict=True):
        assert line in promise


def test_the_changes_of_a_plan_are_named() -> None:
    """Of its output, the lines that name a resource; its error, if it has none."""
    out = (
        "Terraform will perform the following actions:\n\n"
        "  # google_monitoring_dashboard.sync will be updated in-place\n"
        '  ~ resource "google_monitoring_dashboard" "sync" {\n    # (2 unchanged)\n'
    )
    changed = ["google_monitoring_dashboard.sync will be updated in-place"]
    assert plan_differences(0, "No changes.", "") == []
    assert plan_differences(2, out, "") == changed
    assert plan_differences(2, "Changes to Outputs:\n", "") == ["the plan changes outputs only"]
    assert plan_differences(1, "", "Error: no\n  credentials") == [
        "terraform plan failed: Error: no credentials"
    ]
