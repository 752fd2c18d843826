"""The whole of it on this machine: a sample API into a local BigQuery, on two days.

Everything that it starts listens on loopback alone and is gone when it ends, however it ends.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from google.cloud import bigquery
from google.oauth2.credentials import Credentials
from rich.console import Console
from rich.table import Table

from local import secret_manager
from local.bigquery import bigquery as local_bigquery
from local.processes import ROOT, function, serving
from scanner_sync.report import write_report
from scanner_sync.warehouse import Warehouse

PROJECT = "demo-project"
DATASET = "scanner"
SECRET = f"projects/{PROJECT}/secrets/scanner-token"
TOKEN = "sample-token"  # noqa: S105 - the sample API's own
REPORT = ROOT / "scanner-report.html"
SEVERITIES = ["critical", "high", "medium", "low"]

console = Console(highlight=False)


def main() -> None:
    """Start what stands in for the cloud, sync on two days, and show what BigQuery then holds."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    log = Log()
    with ExitStack() as parts:
        with console.status("Starting a sample API, BigQuery, Secret Manager and the function"):
            api = parts.enter_context(sample_api())
            bigquery_url = parts.enter_context(local_bigquery())
            secrets = {SECRET: [secret_manager.Version(TOKEN.encode())]}
            secret_host = parts.enter_context(
                secret_manager.serve(secret_manager.SecretManager(secrets))
            )
            settings = {
                "API_BASE_URL": f"{api}/v1",
                "ACCESS_TOKEN": "",
                "ACCESS_TOKEN_SECRET": SECRET,
                "GOOGLE_CLOUD_PROJECT": PROJECT,
                "DATASET": DATASET,
                "BIGQUERY_EMULATOR_HOST": bigquery_url,
                "SECRET_MANAGER_EMULATOR_HOST": secret_host,
            }
            url = parts.enter_context(function(settings, on_line=log.add))
        for name in ("API_BASE_URL", "BIGQUERY_EMULATOR_HOST", "SECRET_MANAGER_EMULATOR_HOST"):
            console.print(f"  {name:<30} {settings[name]}")
        console.print(f"  {'the function, sync_http':<30} {url}\n")
        os.environ["BIGQUERY_EMULATOR_HOST"] = bigquery_url
        credentials = Credentials(token="anonymous")  # type: ignore[no-untyped-call]  # noqa: S106
        client = bigquery.Client(PROJECT, credentials)

        def query(sql: str) -> list[dict[str, Any]]:
            return [dict(row) for row in client.query(sql).result()]

        console.rule("Day 1: the first sync, called as Cloud Scheduler calls it")
        sync(url, log)
        show_tables(query)

        console.rule("Day 2: some issues were fixed, some are new, some changed")
        changes = requests.post(f"{api}/sample/next-day/", timeout=10).json()
        sync(url, log)
        show_tables(query)
        show_changes(query, changes)
        write_report(Warehouse(client, DATASET), REPORT, datetime.now(UTC))
    console.print(f"The report on it, a page for a browser: {REPORT}", soft_wrap=True)
    console.print(f"Done in {time.monotonic() - started:.0f} seconds; nothing is left running.")


@contextmanager
def sample_api() -> Iterator[str]:
    """The sample API in a process of its own; gives its URL."""
    command = [sys.executable, "-m", "sample_api", "--port", "0", "--seed", "7"]
    with serving(command, {"SAMPLE_API_TOKEN": TOKEN}, r"(http://\S+)/v1") as url:
        yield url


class Log:
    """The function's log, as it comes."""

    def __init__(self) -> None:
        self.show: Callable[[str], None] = lambda text: None

    def add(self, line: str) -> None:
        """Show an event; pass on whatever else is said, for it is not expected."""
        try:
            entry = json.loads(line)
        except ValueError:
            return
        event = str(entry.pop("message"))
        is_own = entry.pop("logger") == "scanner_sync"
        if entry.pop("severity") != "INFO":
            console.print(f"[red]{event}[/red] {entry}")
        elif not is_own:
            return
        self.show(f"{event} " + " ".join(f"{key}={value}" for key, value in entry.items()))


def sync(url: str, log: Log) -> None:
    """Call the function, show how far it is, and print its answer."""
    with console.status("calling the function") as status:
        log.show = status.update if console.is_terminal else console.print
        answer = requests.post(url, json={}, timeout=120)
        log.show = lambda text: None
    console.print(f"POST {url} → {answer.status_code}")
    console.print_json(answer.text)
    if answer.status_code != 200:
        raise SystemExit("The sync failed; the answer above says why.")


def show_tables(query: Callable[[str], list[dict[str, Any]]]) -> None:
    """Print each table's rows by number, and the issues that matter most."""
    tables = ["issues", "occurrences_issues", "scans", "targets"]
    counts = Table("table in BigQuery", "rows", title=f"{PROJECT}.{DATASET}")
    for table in tables:
        [count] = query(f"SELECT COUNT(*) AS n FROM {DATASET}.{table}")
        counts.add_row(table, str(count["n"]))
    console.print(counts)
    worst = Table("id", "severity", "cvss", "title", "found", title="The worst open issues")
    for row in query(
        "SELECT i.id, i.severity, i.cvss_score, i.title, COUNT(o.id) AS found"
        f" FROM {DATASET}.open_issues i LEFT JOIN {DATASET}.open_occurrences o ON o.issue_id = i.id"
        " WHERE NOT i.snoozed GROUP BY 1, 2, 3, 4 ORDER BY i.cvss_score DESC, i.id LIMIT 5"
    ):
        worst.add_row(*map(str, row.values()))
    console.print(worst)


def show_changes(
    query: Callable[[str], list[dict[str, Any]]], changes: dict[str, list[int]]
) -> None:
    """Print what was opened, fixed and changed between the two syncs, from the histories."""
    last = f"(SELECT MAX(valid_from) FROM {DATASET}.issues_history)"
    changed = (
        f" FROM {DATASET}.issues_history AS now JOIN {DATASET}.issues_history AS before"
        " ON before.id = now.id AND before.valid_to = now.valid_from WHERE"
    )
    remediation = f"SELECT issue_id AS id, severity AS what FROM {DATASET}.remediation"
    found = {
        "opened": f"{remediation} WHERE table_name = 'issues' AND opened = {last}",
        "fixed": f"{remediation} WHERE table_name = 'issues' AND closed = {last}",
        "severity_changed": "SELECT now.id, CONCAT(before.severity, ' → ', now.severity) AS what"
        f"{changed} before.severity != now.severity",
        "snoozed": f"SELECT now.id, now.severity AS what{changed} now.snoozed > before.snoozed",
    }
    table = Table("", "issue", "severity", title="Between the syncs, from the views and histories")
    for kind, sql in found.items():
        rows = sorted(query(sql), key=lambda row: int(row["id"]))
        for row in rows:
            table.add_row(kind.replace("_", " "), str(row["id"]), row["what"])
        if [row["id"] for row in rows] != sorted(changes[kind]):
            raise SystemExit(f"BigQuery does not say what was {kind} in the API.")
    console.print(table)
    [merged] = query(f"SELECT COUNT(*) AS n FROM {DATASET}.issues")
    [still_open] = query(f"SELECT COUNT(*) AS n FROM {DATASET}.open_issues")
    console.print(f"{still_open['n']} issues are open; the merged table keeps {merged['n']}.")


if __name__ == "__main__":
    main()
