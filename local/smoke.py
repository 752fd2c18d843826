"""Check a deployment in Google Cloud: start a run, and compare what it left with what is promised.

`make smoke` runs it after an apply. It reads Terraform's state, and then:

1. asks `terraform plan` whether the cloud still is what was applied;
2. has Cloud Scheduler start a run, and reads its log until it ends;
3. counts the rows of that run in BigQuery;
4. compares each chart of the dashboard with the log;
5. asks for each alert whether Cloud Monitoring takes it for valid, and would keep silent now.

It prints a line for each, with what differs, and exits with 1 if anything does.

In a deployment with accounts it does so for one of them: `make smoke ACCOUNT=acme`, or the first.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import google.auth
import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery

from local.dist import checkout_digest
from local.processes import ROOT
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.tables import TABLES
from scanner_sync.schema.views import VIEW_TABLES
from scanner_sync.warehouse.jobs import prepare_jobs

Values = dict[str, Any]
"""The arguments and attributes of a resource, or the fields of a log entry."""

APIS: Final = {
    "scheduler": "https://cloudscheduler.googleapis.com/v1",
    "secrets": "https://secretmanager.googleapis.com/v1",
    "logging": "https://logging.googleapis.com/v2",
    "monitoring": "https://monitoring.googleapis.com",
}
TERRAFORM: Final = ("terraform", f"-chdir={ROOT / 'terraform'}")
PLAN: Final = "The cloud is what was applied"
PASSING: Final = (429, 500, 502, 503, 504)
"""Statuses after which a request is sent once more."""
METRICS_SECONDS: Final = 600
"""How long a log entry may take to be counted in a log-based metric."""
STARTING_SECONDS: Final = 180
"""How long a run may take to begin, and its last log entry to arrive."""
BUSY: Final = timedelta(minutes=2)
"""Time in which a sync that goes on has logged something: it does so every 30 seconds."""
BEGINNINGS: Final = ("sync_started", "sync_failed")
"""The first event of a run. One with a wrong setting only fails."""
TOLERANCE: Final = 0.05
"""The share by which a chart may differ from the log: PromQL extrapolates to the window's edges."""


@dataclass(frozen=True)
class Deployment:
    """What was applied, from Terraform's state."""

    state: Values
    """The output of `terraform show -json`: its `values`."""
    account: str | None = None
    """The account to check; None if the deployment has only one, without a name."""

    @property
    def accounts(self) -> list[str]:
        """The names of the accounts; none if there is only one, without a name."""
        resources = self.state["root_module"]["resources"]
        job = "google_cloud_scheduler_job"
        return sorted(of["index"] for of in resources if of["type"] == job and "index" in of)

    def all(self, kind: str) -> list[Values]:
        """Return the values of all resources of a type."""
        resources = self.state["root_module"]["resources"]
        return [of["values"] for of in resources if of["type"] == kind]

    def of_account(self, kind: str, name: str, name_of_account: str) -> Values:
        """Return the values of the resource that one account has, by its names in Terraform."""
        wanted = (kind, name_of_account if self.account else name, self.account)
        resources = self.state["root_module"]["resources"]
        found: list[Values] = [
            of["values"] for of in resources if (of["type"], of["name"], of.get("index")) == wanted
        ]
        if len(found) != 1:
            raise SystemExit(
                f"Terraform's state has no {kind}.{wanted[1]} of {self.account}."
                " Name another account, or run: make deploy"
            )
        return found[0]

    @property
    def dataset(self) -> Values:
        """The dataset with the tables."""
        return self.of_account("google_bigquery_dataset", "tables", "account_tables")

    @property
    def job(self) -> Values:
        """The job of Cloud Scheduler that starts a run."""
        return self.of_account("google_cloud_scheduler_job", "sync", "account")

    def one(self, kind: str) -> Values:
        """Return the values of the only resource of a type."""
        found = self.all(kind)
        if len(found) != 1:
            raise SystemExit(f"Terraform's state has {len(found)} of {kind}. Run: make deploy")
        return found[0]

    @property
    def service(self) -> Values:
        """The configuration of the function's service."""
        [service] = self.one("google_cloudfunctions2_function")["service_config"]
        assert isinstance(service, dict)
        return service

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the function."""
        settings: dict[str, str] = self.service["environment_variables"]
        return settings


@dataclass(frozen=True)
class Cloud:
    """Google's APIs, and how often they are asked again."""

    session: requests.Session
    bigquery: bigquery.Client
    apis: Mapping[str, str]
    """The base URL of each API."""
    pause: float = 10
    """Seconds between two questions."""

    def ask(self, method: str, api: str, path: str, **more: Any) -> requests.Response:
        """Send a request, and once more if it is answered with what passes.

        Ends the program if it is not answered with 200 then.
        """
        url = f"{self.apis[api]}/{path}"
        for pause in (self.pause, None):
            try:
                answer = self.session.request(method, url, timeout=60, **more)
            except (requests.ConnectionError, requests.Timeout, TransportError) as error:
                said, passes = f"not answered ({type(error).__name__})", True
            else:
                if answer.status_code == 200:
                    return answer
                said = f"answered {answer.status_code}"
                passes = answer.status_code in PASSING
            if not passes:
                break
            if pause is not None:
                time.sleep(pause)
        advice = (
            "Try again."
            if passes
            else "Log in: gcloud auth application-default login. docs/first-deployment.md lists the"
            " roles that you need"
        )
        raise SystemExit(f"{method} {url} was {said}. {advice}")

    def entries(
        self, project: str, service: str, since: str, more: str = "", order: str = "asc"
    ) -> Iterator[Values]:
        """Yield the log entries of a service from an instant on, page by page.

        `more` is added to the filter, and `order` is by time.
        """
        query = {
            "resourceNames": [f"projects/{project}"],
            "filter": 'resource.type="cloud_run_revision"'
            f' AND resource.labels.service_name="{service}" AND timestamp>="{since}"{more}',
            "orderBy": f"timestamp {order}",
            "pageSize": 1000,
        }
        while True:
            page = self.ask("POST", "logging", "entries:list", json=query).json()
            yield from page.get("entries", [])
            if not (token := page.get("nextPageToken")):
                return
            query["pageToken"] = token

    def again(self, differences: Callable[[], list[str]], seconds: float) -> list[str]:
        """Ask for differences until there are none, or for so many seconds."""
        end = time.monotonic() + seconds
        while found := differences():
            if time.monotonic() >= end:
                break
            time.sleep(self.pause)
        return found


def main() -> None:
    """Check the deployment of this folder's Terraform state, and print what differs."""
    deployment = deployed(TERRAFORM, os.environ.get("ACCOUNT") or None)
    if accounts := deployment.accounts:
        deployment = replace(deployment, account=deployment.account or accounts[0])
        print(f"Account {deployment.account} of {len(accounts)}. To choose: make smoke ACCOUNT=...")
    cloud = cloud_of(deployment)
    print(PLAN, "...", end=" ", flush=True)
    options = ("-input=false", "-lock=false", "-detailed-exitcode", "-no-color")
    plan = _run([*TERRAFORM, "plan", *options])
    ok = _print(plan_differences(plan.returncode, plan.stdout, plan.stderr))
    for promise, differences in check(Run(deployment, cloud)):
        print(promise, "...", end=" ", flush=True)
        ok &= _print(differences())
    sys.exit(not ok)


def deployed(terraform: Sequence[str], account: str | None) -> Deployment:
    """Return the deployment whose state the command `terraform` shows.

    Ends the program if nothing is deployed.
    """
    shown = _run([*terraform, "show", "-json"])
    if shown.returncode:
        raise SystemExit(
            f"{shown.stderr}Terraform shows no state. If nothing is deployed: make deploy"
        )
    if not (state := json.loads(shown.stdout).get("values")):
        raise SystemExit("Nothing is deployed: Terraform's state is empty. Run: make deploy")
    return Deployment(state, account)


def cloud_of(deployment: Deployment) -> Cloud:
    """Return Google's APIs, as the user. Ends the program without credentials."""
    project = deployment.settings["GOOGLE_CLOUD_PROJECT"]
    try:
        credentials, _ = google.auth.default(
            ["https://www.googleapis.com/auth/cloud-platform"], quota_project_id=project
        )
    except DefaultCredentialsError:
        raise SystemExit(
            "There are no Google credentials. Log in: gcloud auth application-default login"
        ) from None
    client = bigquery.Client(project, credentials, location=deployment.dataset["location"])
    prepare_jobs(client, deployment.settings["BIGQUERY_BILLING_PROJECT"])
    session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    return Cloud(session, client, APIS)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SystemExit(f"{command[0]} is not on PATH. Install it first.") from None


def _print(differences: list[str]) -> bool:
    print("differs" if differences else "ok")
    for difference in differences:
        print(f"  - {difference}")
    return not differences


def plan_differences(code: int, out: str, err: str) -> list[str]:
    """Return what a plan with `-detailed-exitcode` would change."""
    if code == 0:
        return []
    if code == 2:
        return re.findall(r"(?m)^  # (.*)$", out) or ["the plan changes outputs only"]
    return [f"terraform plan failed: {' '.join(err.split())}"]


def check(run: "Run") -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """Yield each promise, with a function that returns what differs from it.

    Call each function before the next promise. A run that fails has nothing more to compare.
    """
    yield "Cloud Scheduler's job starts a run, which succeeds", run.differences
    if not run.succeeded:
        return
    yield "The log of the run tells of each table, and of no error", run.log_differences
    yield "BigQuery holds the rows of the run", run.table_differences
    yield (
        "The dashboard shows the run (its metrics may take minutes)",
        lambda: run.cloud.again(run.chart_differences, METRICS_SECONDS),
    )
    yield (
        "Each alert is valid, and none on missing runs would fire",
        lambda: run.cloud.again(run.alert_differences, METRICS_SECONDS),
    )


class Run:
    """A run that Cloud Scheduler starts, and what it left in the cloud."""

    def __init__(self, deployment: Deployment, cloud: Cloud) -> None:
        self.deployment = deployment
        self.cloud = cloud
        self.project = deployment.settings["GOOGLE_CLOUD_PROJECT"]
        self.started = 0.0
        self.name: str = deployment.one("google_cloudfunctions2_function")["name"]
        self.entries: list[Values] = []
        """The entries of its log."""
        self.end: Values = {}
        """Its event `sync_finished` or `sync_failed`."""

    @property
    def succeeded(self) -> bool:
        """Whether it has ended, and well."""
        return self.end.get("message") == "sync_finished"

    @property
    def limit(self) -> int:
        """Seconds in which it has ended, or the platform has ended it."""
        return int(self.deployment.service["timeout_seconds"]) + STARTING_SECONDS

    def differences(self) -> list[str]:
        """Start it, wait until it has ended, and tell how if it did not succeed."""
        job = self.deployment.job
        recent = (datetime.now(UTC) - BUSY).isoformat()
        others = {of.get("trace") for of in self.cloud.entries(self.project, self.name, recent)}
        path = f"projects/{self.project}/locations/{job['region']}/jobs/{job['name']}"
        answer = self.cloud.ask("POST", "scheduler", f"{path}:run", json={})
        # By Google's clock.
        since = parsedate_to_datetime(answer.headers["Date"]).isoformat()
        self.started = time.monotonic()

        def unfinished() -> list[str]:
            entries = self.cloud.entries(self.project, self.name, since)
            self.entries = _of_first([of for of in entries if self.is_ours(of)], others)
            ends = [*self.events("sync_finished"), *self.events("sync_failed")]
            self.end = ends[0] if ends else {}
            begun = "has not ended" if self.events("sync_started") else "has not begun"
            return [] if ends else [f"the run {begun}; docs/first-deployment.md says where to look"]

        if unended := self.cloud.again(unfinished, self.limit):
            return unended
        if self.succeeded:
            return []
        return [f"the run failed: {self.end['error_type']}: {self.end['error_message']}"]

    def is_ours(self, entry: Values) -> bool:
        """Tell whether an entry of the log is of this account, or of none."""
        of = entry.get("jsonPayload", {}).get("account")
        return of in (None, self.deployment.account)

    def events(self, message: str) -> list[Values]:
        """Return the fields of all events of that name in its log."""
        fields = [entry.get("jsonPayload", {}) for entry in self.entries]
        return [event for event in fields if event.get("message") == message]

    def log_differences(self) -> list[str]:
        """Compare its code with this checkout's, and its events with a whole sync's."""
        synced = [event["table"] for event in self.events("table_synced")]
        different = []
        [started] = self.events("sync_started")
        if started["archive"] != (digest := checkout_digest()):
            different.append(
                f"the code that runs is {started['archive']}; this checkout's: {digest}."
                ' docs/runbook.md says more under "A build failed"'
            )
        if sorted(synced) != sorted(TABLES):
            different.append(f"tables synced: {', '.join(synced)}; expected: {', '.join(TABLES)}")
        for entry in self.entries:
            if entry.get("severity", "DEFAULT") in {"ERROR", "CRITICAL", "ALERT", "EMERGENCY"}:
                message = entry.get("jsonPayload", {}).get("message", entry.get("logName"))
                different.append(f"{entry['severity']} in the log: {message}")
        return different

    def table_differences(self) -> list[str]:
        """Count the rows of its load, and look for the tables and views that are derived."""
        client, dataset = self.cloud.bigquery, self.deployment.dataset["dataset_id"]
        expected = {*TABLES, READS, INTELLIGENCE, *HISTORIES, *CONCLUSIONS, *VIEW_TABLES}
        try:
            missing = expected - {table.table_id for table in client.list_tables(dataset)}
            different = [f"{dataset}.{name} is missing" for name in sorted(missing)]
            load = bigquery.ScalarQueryParameter("load", "STRING", self.end["load_id"])
            # A table that held the same rows already was not loaded again.
            for name in sorted(self.end["tables"].keys() - missing - {*self.end["unchanged"]}):
                sql = f"SELECT COUNT(*) AS n FROM `{dataset}.{name}` WHERE _dlt_load_id = @load"
                config = bigquery.QueryJobConfig(query_parameters=[load])
                [row] = client.query_and_wait(sql, job_config=config)
                if row["n"] != (rows := self.end["tables"][name]):
                    different.append(f"{dataset}.{name} holds {row['n']} of the run's {rows} rows")
        except GoogleAPICallError as error:
            raise SystemExit(f"BigQuery answered {error.code} for {dataset}.") from None
        return different

    def chart_differences(self) -> list[str]:
        """Compare each chart with the log: a number of the run, or the sum over its tables."""
        dashboard = json.loads(self.deployment.one("google_monitoring_dashboard")["dashboard_json"])
        return [
            f"{widget['title']}: {difference}"
            for tile in dashboard["mosaicLayout"]["tiles"]
            for widget in [tile["widget"]]
            for data in widget["xyChart"]["dataSets"]
            if (difference := self.query_difference(data["timeSeriesQuery"]["prometheusQuery"]))
        ]

    def query_difference(self, query: str) -> str | None:
        """Compare the result of a chart's query with the log, or tell that it is empty."""
        # From the minute before it began, because metrics have a point a minute.
        window = f"{60 + int(time.monotonic() - self.started)}s"
        result = self.promql(query.replace("${__interval}", window))
        shown = sum(float(series["value"][1]) for series in result)
        expected = self.logged(query)
        if expected is None:
            return None if result else f"no data for {query}"
        if abs(shown - expected) <= TOLERANCE * expected:
            return None
        return f"shows {shown:g} where the log says {expected:g}"

    def logged(self, query: str) -> float | None:
        """Return what the log says of the metric in a query; None if it is not log-based."""
        for metric in self.deployment.all("google_logging_metric"):
            metric_name = "user_" + re.sub(r"\W", "_", metric["name"])
            if not re.search(rf":{metric_name}(_sum)?{{", query):
                continue
            if not metric["value_extractor"]:
                return 1
            [event] = re.findall(r'jsonPayload\.message="(\w+)"', metric["filter"])
            [path] = re.findall(r"^EXTRACT\(jsonPayload\.(.*)\)$", metric["value_extractor"])
            return sum(_number(entry, path) for entry in self.events(event))
        return None

    def promql(self, query: str) -> list[Values]:
        """Return the series that a query finds now, of this account."""
        if self.deployment.account:
            of_account = f'account="{self.deployment.account}"'
            query = re.sub(r"(:user_\w+{)", rf"\1{of_account},", query)
        path = f"v1/projects/{self.project}/location/global/prometheus/api/v1/query"
        answer = self.cloud.ask("POST", "monitoring", path, data={"query": query}).json()
        series: list[Values] = answer["data"]["result"]
        return series

    def alert_differences(self) -> list[str]:
        """Ask for each alert; one that counts successes has seen this one."""
        different = []
        for alert in self.deployment.all("google_monitoring_alert_policy"):
            title = alert["display_name"]
            policy = self.cloud.ask("GET", "monitoring", f"v3/{alert['name']}").json()
            if not policy.get("enabled"):
                different.append(f"{title}: it is disabled")
            if invalid := policy.get("validity", {}).get("message"):
                different.append(f"{title}: it is not valid: {invalid}")
            for condition in policy["conditions"]:
                promql = condition.get("conditionPrometheusQueryLanguage")
                if promql and self.promql(promql["query"]):
                    different.append(f"{title}: it does not see this run: {promql['query']}")
        return different


def _of_first(entries: Sequence[Values], others: Collection[str | None]) -> list[Values]:
    """Return the entries of the run that began first, by the trace of the request that it answers.

    `others` are the traces of runs that began before. Entries without a trace are the platform's.
    """
    news = [of for of in entries if not of.get("trace") or of["trace"] not in others]
    begun = (of for of in news if of.get("jsonPayload", {}).get("message") in BEGINNINGS)
    trace = next(begun, {}).get("trace")
    return [of for of in news if of.get("trace") in (None, trace)]


def _number(event: Values, path: str) -> float:
    """Return the number at a path of an event; 0 if there is none."""
    found: Any = event
    for name in path.split("."):
        found = found.get(name, {})
    return found if isinstance(found, int | float) else 0


if __name__ == "__main__":
    main()
