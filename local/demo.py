"""The whole of it on this machine: a sample API into a local BigQuery, synced twice.

With a number of accounts, as many sample APIs instead, into a dataset each, synced once.

Everything that it starts listens on loopback alone and is gone when it ends, however it ends. With
`--keep` that is when its user says so, who can query BigQuery until then.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import requests
from google.cloud import bigquery
from google.oauth2.credentials import Credentials
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.routing import Mount

from local import secret_manager
from local.bigquery import bigquery as local_bigquery
from local.processes import NotStarted, function, serving
from sample_api import create_app, feeds, generate, serve
from scanner_sync.errors import SyncError
from scanner_sync.process.exits import INTERRUPTS, Interrupted
from scanner_sync.report import check_target, write_report
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse import Warehouse

PROJECT = "demo-project"
DATASET = "scanner"
SECRET = f"projects/{PROJECT}/secrets/scanner-token"
TOKEN = "sample-token"  # noqa: S105 - the sample API's own
REPORT = Path("scanner-report.html").resolve()
ACCOUNTS = {"acme": 40, "globex": 25, "initech": 10, "umbrella": 15, "hooli": 5}
"""The issues of each account."""
ALL = "scanner_all"
"""The dataset that combines the accounts."""
OF_EACH = {
    "DATASET": f"{DATASET}_{{account}}",
    "ACCESS_TOKEN_SECRET": f"projects/{PROJECT}/secrets/scanner-{{account}}-token",
}
"""The settings of a deployment with many accounts."""
SEVERITIES = ["critical", "high", "medium", "low"]
FIRST = "The first sync, called as Cloud Scheduler calls it"
SECOND = "The second sync: some issues were fixed, some are new, some changed"
EXAMPLE = "SELECT severity, COUNT(*) AS to_do FROM open_findings WHERE to_do GROUP BY severity;"

console = Console(highlight=False)
Done = subprocess.CompletedProcess[str]
Query = Callable[[str], list[dict[str, Any]]]
"""Gives the rows of a query."""


def main() -> int:
    """Start what stands in for the cloud, sync into it, and show what BigQuery then holds.

    Returns the exit status. Whatever ends it early is said in a line.
    """
    for number in INTERRUPTS:
        signal.signal(number, interrupt)
    try:
        run()
    except Interrupted as interrupted:
        print("Interrupted; nothing is left running.", file=sys.stderr)
        return interrupted.status
    except (NotStarted, SyncError, requests.RequestException) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def interrupt(number: int, _: FrameType | None) -> None:
    """Raise `Interrupted`. Later signals have no effect, so that nothing is left running."""
    for each in INTERRUPTS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)


def run() -> None:
    """Read the command line, and show one account or many."""
    parser = argparse.ArgumentParser(prog="python -m local.demo")
    parser.add_argument(
        "accounts",
        nargs="?",
        type=int,
        choices=range(1, len(ACCOUNTS) + 1),
        default=1,
        help="how many accounts to show (default: 1)",
    )
    parser.add_argument("--keep", action="store_true", help="then ask for SQL, until Ctrl-C")
    options = parser.parse_args()
    if options.keep and not is_terminal(sys.stdin):
        raise NotStarted(
            "KEEP=1 asks for SQL, which needs a terminal, and standard input is none. Nothing was"
            " started. Run it in a terminal, or without KEEP."
        )
    check_target(REPORT)
    started = time.monotonic()
    accounts = list(ACCOUNTS)[: options.accounts] if options.accounts > 1 else []
    with cloud(accounts) as here:
        if accounts:
            show_accounts(here, accounts)
        else:
            show_two_syncs(here)
        console.print(f"The report on it, a page for a browser: {REPORT}", soft_wrap=True)
        took = f" in {time.monotonic() - started:.0f} seconds"
        if options.keep:
            keep(here, ALL if accounts else DATASET)
            took = ""
    console.print(f"Done{took}; nothing is left running.")


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person sits at the other end of a stream, which is None if it was closed."""
    return stream is not None and stream.isatty()


def show_two_syncs(here: "Cloud") -> None:
    """Sync one account twice, while it changes."""
    show_settings(here, "API_BASE_URL")

    console.rule(FIRST)
    sync(here)
    show_tables(here.query)

    console.rule(SECOND)
    changes = here.next_day()
    sync(here)
    show_tables(here.query)
    show_changes(here.query, changes)
    write_report(Warehouse(here.client, DATASET), REPORT)


def show_accounts(here: "Cloud", accounts: Sequence[str]) -> None:
    """Sync each account with the same function, combine them, and show them side by side."""
    show_settings(here, "API_BASE_URL", *OF_EACH)
    for account in accounts:
        console.rule(account)
        sync(here, account)
    console.rule("All accounts")
    names = ",".join(accounts)
    command(here, "status", "--accounts", names)
    command(here, "combine", "--accounts", names, "--into", ALL)
    show_combined(here.query)
    command(here, "report", "--dataset", ALL, "--out", str(REPORT))


def show_settings(here: "Cloud", *names: str) -> None:
    """Print the settings of these names, and where everything listens."""
    for name in (*names, "BIGQUERY_EMULATOR_HOST", "SECRET_MANAGER_EMULATOR_HOST"):
        console.print(f"  {name:<30} {here.settings[name]}", soft_wrap=True)
    console.print(f"  {'the function, sync_http':<30} {here.function}\n")


def keep(here: "Cloud", dataset: str) -> None:
    """Leave everything running, and run the SQL that is typed, until Ctrl-C or Ctrl-D."""
    console.print("\nEverything keeps running:")
    show_settings(here, "API_BASE_URL")
    console.print(
        f"Ask the dataset {dataset} in SQL; a semicolon or an empty line ends a statement. Ctrl-C"
        f" ends everything. For example:\n  {EXAMPLE}\n",
        soft_wrap=True,
    )
    with suppress(ImportError):  # Python may be built without it
        import readline  # noqa: F401 - `input` then has a history, and keys to edit a line
    try:
        for sql in statements():
            arguments = ["query", "--dataset", dataset, "--", sql]
            scanner_sync(here, arguments)
    except Interrupted as interrupted:
        if interrupted.status != 128 + signal.SIGINT:
            raise
        console.print()


def statements() -> Iterator[str]:
    """Ask for statements until the end of the input, which is Ctrl-D on a terminal."""
    lines: list[str] = []
    while True:
        try:
            line = input("...> " if lines else "sql> ").strip()
        except EOFError:
            print()
            return
        lines += [line] if line else []
        if lines and (not line or line.endswith(";")):
            yield "\n".join(lines)
            lines = []


def scanner_sync(here: "Cloud", arguments: Sequence[str], stdout: int | None = None) -> Done:
    """Run a command of `scanner-sync`, which says itself what is wrong."""
    return subprocess.run(
        [sys.executable, "-m", "scanner_sync", *arguments],
        env=os.environ | here.settings,
        stdout=stdout,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C is for the demo, which then ends this
    )


def command(here: "Cloud", *arguments: str) -> None:
    """Run a command of `scanner-sync`, and print what it prints. It says itself what is wrong."""
    console.print(f"[bold]$[/bold] scanner-sync {' '.join(arguments)}", soft_wrap=True)
    done = scanner_sync(here, arguments, subprocess.PIPE)
    console.print(done.stdout, markup=False, soft_wrap=True)
    if done.returncode != 0:
        raise SystemExit(done.returncode)


class Log:
    """The function's log, as it comes."""

    def __init__(self) -> None:
        self.show: Callable[[str], None] = lambda text: None
        self.is_over = False
        """Whether the function is being ended. What it says of that is not shown."""

    def add(self, line: str) -> None:
        """Show an event; pass on whatever else is said, for it is not expected."""
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if self.is_over:
            return
        event = str(entry.pop("message"))
        is_own = entry.pop("logger") == "scanner_sync"
        if entry.pop("severity") != "INFO":
            console.print(f"[red]{event}[/red] {entry}")
        elif not is_own:
            return
        self.show(f"{event} " + " ".join(f"{key}={value}" for key, value in entry.items()))


@dataclass(frozen=True)
class Cloud:
    """What stands in for the cloud, and the sample API."""

    settings: Mapping[str, str]
    function: str
    """URL of the function."""
    client: bigquery.Client
    log: Log

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Get the rows of a query."""
        return [dict(row) for row in self.client.query(sql).result()]

    def next_day(self) -> dict[str, list[int]]:
        """Move the sample API to its next day, which is now, and tell what changed."""
        url = self.settings["API_BASE_URL"].removesuffix("/v1")
        # The API writes no fractions of a second, and it is to be after the sync before.
        now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        at = {"scanned_at": now.isoformat()}
        answer = requests.post(f"{url}/sample/next-day/", params=at, timeout=10)
        changes: dict[str, list[int]] = answer.json()
        return changes


@contextmanager
def cloud(accounts: Sequence[str] = ()) -> Iterator[Cloud]:
    """Start a sample API, a local BigQuery, a local Secret Manager and the function.

    With `accounts`, start a sample API for each, and the function for all of them.
    """
    log = Log()
    tokens = {
        OF_EACH["ACCESS_TOKEN_SECRET"].replace("{account}", account): token_of(account)
        for account in accounts
    } or {SECRET: TOKEN}
    secrets = {name: [secret_manager.Version(token.encode())] for name, token in tokens.items()}
    with ExitStack() as parts:
        with console.status("Starting a sample API, BigQuery, Secret Manager and the function"):
            api = parts.enter_context(sample_apis(accounts) if accounts else sample_api())
            bigquery_url = parts.enter_context(local_bigquery())
            secret_host = parts.enter_context(
                secret_manager.serve(secret_manager.SecretManager(secrets))
            )
            settings = settings_of(f"{api}/v1", bigquery_url) | {
                "ACCESS_TOKEN": "",
                "ACCESS_TOKEN_SECRET": SECRET,
                "SECRET_MANAGER_EMULATOR_HOST": secret_host,
            }
            settings |= OF_EACH if accounts else {}
            url = parts.enter_context(function(settings, on_line=log.add))
        try:
            yield Cloud(settings, url, client_of(bigquery_url), log)
        finally:
            log.is_over = True


def token_of(account: str) -> str:
    """Give the token of an account, which the APIs of the others refuse."""
    return f"{TOKEN}-of-{account}"


@contextmanager
def sample_apis(accounts: Sequence[str]) -> Iterator[str]:
    """Serve an API for each account; yields their URL, with `{account}` in it."""
    apis = [
        Mount(
            f"/{account}",
            create_app(
                generate(seed, issues=ACCOUNTS[account], first_day=datetime.now(UTC).date()),
                token=token_of(account),
            ),
        )
        for seed, account in enumerate(accounts)
    ]
    with serve(Starlette(routes=apis)) as url:
        yield f"{url.removesuffix('/v1')}/{{account}}"


def settings_of(api_url: str, bigquery_url: str) -> dict[str, str]:
    """Give the settings of a sync from this API into a local BigQuery."""
    return {
        "API_BASE_URL": api_url,
        "ACCESS_TOKEN": TOKEN,
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "DATASET": DATASET,
        "BIGQUERY_EMULATOR_HOST": bigquery_url,
        **feeds.settings(api_url.replace("{account}", next(iter(ACCOUNTS)))),
    }


def client_of(bigquery_url: str) -> bigquery.Client:
    """Give a client of a local BigQuery."""
    os.environ["BIGQUERY_EMULATOR_HOST"] = bigquery_url
    credentials = Credentials(token="anonymous")  # type: ignore[no-untyped-call]  # noqa: S106
    return bigquery.Client(PROJECT, credentials)


@contextmanager
def sample_api() -> Iterator[str]:
    """Run the sample API in a separate process; yields its URL."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    command = [sys.executable, "-m", "sample_api", "--port", "0", "--seed", "7"]
    command += ["--first-day", yesterday]
    with serving(command, {"SAMPLE_API_TOKEN": TOKEN}, r"(http://\S+)/v1") as url:
        yield url


def sync(here: Cloud, account: str | None = None) -> None:
    """Call the function, show how far it is, and print what it answers."""
    body = {"account": account} if account else {}
    with console.status("calling the function") as status:

        def update(text: str) -> None:
            status.update(text.partition(" ")[0].replace("_", " "))

        here.log.show = update if console.is_terminal else console.print
        answer = requests.post(here.function, json=body, timeout=120)
        here.log.show = lambda text: None
    console.print(f"POST {here.function} {json.dumps(body)} → {answer.status_code}")
    result = answer.json()
    if not answer.ok:
        raise SystemExit("The sync failed. {type}: {message}".format(**result["error"]))
    rows = sum(table["rows"] for table in result["tables"].values())
    console.print(
        f"Loaded {rows:,} rows into {result['dataset']} in {result['seconds']} seconds, with"
        f" {result['requests']:,} requests.\n"
    )


def show_tables(query: Query) -> None:
    """Print each table's rows by number, and the issues that matter most."""
    counts = table("table", "rows", title=f"{PROJECT}.{DATASET} in BigQuery")
    counts.columns[1].justify = "right"
    for name in TABLES:
        counts.add_row(name, f"{query(f'SELECT COUNT(*) AS n FROM {DATASET}.{name}')[0]['n']:,}")
    console.print(counts)
    worst = table("id", "severity", "cvss", "title", "places", title="The worst issues to do")
    for row in query(
        f"SELECT id, severity, cvss_score, title, open_findings FROM {DATASET}.open_issues"
        " WHERE to_do ORDER BY cvss_score DESC, id LIMIT 5"
    ):
        worst.add_row(*map(str, row.values()))
    console.print(worst)


def show_changes(query: Query, changes: dict[str, list[int]]) -> None:
    """Print what was opened, fixed and changed between the two syncs, from the histories."""
    last = f"(SELECT MAX(valid_from) FROM {DATASET}.issues_history)"
    changed = (
        f" FROM {DATASET}.issues_history AS now JOIN {DATASET}.issues_history AS before"
        " ON before.id = now.id AND before.valid_to = now.valid_from WHERE"
    )
    found = {
        "opened": f"SELECT id, severity AS what FROM {DATASET}.issue_lifecycle"
        f" WHERE detected_at = {last}",
        "fixed": f"SELECT id, severity AS what FROM {DATASET}.issues_history"
        f" WHERE valid_to = {last} AND id NOT IN (SELECT id FROM {DATASET}.open_issues)",
        "severity_changed": "SELECT now.id, CONCAT(before.severity, ' → ', now.severity) AS what"
        f"{changed} before.severity != now.severity",
        "snoozed": f"SELECT now.id, now.severity AS what{changed} now.snoozed > before.snoozed",
    }
    shown = table("since the first sync", "issues", "of which", title="What the histories say")
    for kind, sql in found.items():
        rows = query(sql)
        if sorted(row["id"] for row in rows) != sorted(changes[kind]):
            raise SystemExit(f"BigQuery does not say what was {kind} in the API.")
        severities = Counter(sorted((row["what"] for row in rows), key=rank))
        of_which = ", ".join(f"{count} {severity}" for severity, count in severities.items())
        shown.add_row(kind.replace("_", " "), str(len(rows)), of_which)
    console.print(shown)
    [merged] = query(f"SELECT COUNT(*) AS n FROM {DATASET}.issues")
    [still_open] = query(f"SELECT COUNT(*) AS n FROM {DATASET}.open_issues")
    fixed = len(changes["fixed"])
    if merged["n"] != still_open["n"] + fixed:
        raise SystemExit("BigQuery does not hold what is open and what was fixed.")
    console.print(
        f"{still_open['n']} issues are open. The merged table has {merged['n']}: a sync deletes no"
        f" row, so it keeps the {fixed} that were fixed."
    )


def show_combined(query: Query) -> None:
    """Print a line for each account, from the views over all of them."""
    shown = table("account", "issues to do", "critical", "findings", "targets", title=ALL)
    for row in query(
        "SELECT a.account, i.issues, i.critical, f.findings, t.targets"
        f" FROM {ALL}.accounts AS a LEFT JOIN ("
        "  SELECT account, COUNT(*) AS issues, COUNTIF(severity = 'critical') AS critical"
        f"  FROM {ALL}.open_issues WHERE to_do GROUP BY account"
        " ) AS i ON i.account = a.account LEFT JOIN ("
        f"  SELECT account, COUNT(*) AS findings FROM {ALL}.open_findings"
        "  WHERE to_do GROUP BY account"
        " ) AS f ON f.account = a.account LEFT JOIN ("
        f"  SELECT account, COUNT(*) AS targets FROM {ALL}.targets GROUP BY account"
        " ) AS t ON t.account = a.account ORDER BY a.account"
    ):
        shown.add_row(*map(str, row.values()))
    console.print(shown)


def rank(severity: str) -> int:
    """Sort the worst severity first."""
    return SEVERITIES.index(severity.split(maxsplit=1)[0])


def table(*columns: str, title: str) -> Table:
    """Make a table to fill."""
    made = Table(*columns, title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    made.pad_edge = False
    return made


if __name__ == "__main__":
    sys.exit(main())
