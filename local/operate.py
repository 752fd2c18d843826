"""Operate a deployment: store a token, start a run and wait for it, list the last runs, run SQL.

`make token`, `make run`, `make logs` and `make query` run it. What they ask, and where, is in
Terraform's state. In a deployment with accounts, name one: `make run ACCOUNT=acme`.
"""

import base64
import getpass
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from local.smoke import Cloud, Deployment, Run, cloud_of, deployed
from scanner_sync.settings import ACCOUNT, TOKEN_FORM, hint, token

RUNS: Final = 20
"""How many of the last runs are listed."""
COLUMNS: Final = {
    "time": 20,
    "outcome": 8,
    "seconds": 7,
    "requests": 8,
    "waiting": 7,
    "oldest_hours": 12,
    "error": 0,
}
"""The columns of that list, with their widths."""


def main(command: str, terraform: Sequence[str]) -> None:
    """Run a command for the deployment whose state the command `terraform` shows."""
    commands: dict[str, Callable[[Deployment, Cloud], None]] = {
        "token": add_token,
        "run": run,
        "logs": list_runs,
        "query": query,
    }
    deployment = deployed(terraform, os.environ.get("ACCOUNT") or None)
    if not deployment.accounts and ACCOUNT in deployment.settings["DATASET"]:
        raise SystemExit(
            "There are no accounts. Add one to accounts in terraform.tfvars, and run: make deploy"
        )
    if deployment.accounts and deployment.account not in deployment.accounts:
        names = ", ".join(deployment.accounts)
        raise SystemExit(f"Name one of the accounts ({names}): make {command} ACCOUNT=...")
    if deployment.account and not deployment.accounts:
        raise SystemExit("There is one account without a name. Leave ACCOUNT out.")
    commands[command](deployment, cloud_of(deployment))


def add_token(deployment: Deployment, cloud: Cloud) -> None:
    """Ask for a token, or read it from a pipe, and store it as the newest version of the secret."""
    given = (getpass.getpass("API token: ") if sys.stdin.isatty() else sys.stdin.read()).strip()
    try:
        data = token(given).encode()
    except ValueError:
        raise SystemExit(
            f"A token is {TOKEN_FORM}{hint(given)}. Nothing was stored. Try again."
        ) from None
    secret = deployment.settings["ACCESS_TOKEN_SECRET"].replace(ACCOUNT, deployment.account or "")
    payload = {"payload": {"data": base64.b64encode(data).decode()}}
    added = cloud.ask("POST", "secrets", f"{secret}:addVersion", json=payload).json()
    number = added["name"].rpartition("/")[2]
    start = _make("run", deployment)
    print(f"Stored as version {number} of {secret}. The next run uses it; to start one: {start}")


def run(deployment: Deployment, cloud: Cloud) -> None:
    """Have Cloud Scheduler start a run, wait until that run has ended, and say how."""
    started = Run(deployment, cloud)
    print(f"Waiting for the run's end, {started.limit // 60} minutes at most.", flush=True)
    try:
        different = started.differences()
    except KeyboardInterrupt:
        logs = _make("logs", deployment)
        raise SystemExit(f"Interrupted. The run goes on; to see how it ended: {logs}") from None
    if different:
        [reason] = different
        raise SystemExit(reason[0].upper() + reason[1:])
    rows = sum(started.end["tables"].values())
    print(f"The run succeeded: {rows:,} rows in {started.end['seconds']:,.0f} seconds.")


def _make(target: str, deployment: Deployment) -> str:
    """Return the command for a target, which names the account if there are many."""
    return f"make {target}" + (f" ACCOUNT={deployment.account}" if deployment.account else "")


def list_runs(deployment: Deployment, cloud: Cloud) -> None:
    """Print how the last runs ended, the newest first."""
    of_account = f' AND jsonPayload.account="{deployment.account}"' if deployment.account else ""
    entries = cloud.entries(
        deployment.settings["GOOGLE_CLOUD_PROJECT"],
        deployment.one("google_cloudfunctions2_function")["name"],
        (datetime.now(UTC) - timedelta(days=60)).isoformat(),
        f' AND jsonPayload.message=("sync_finished" OR "sync_failed"){of_account}',
        order="desc",
    )
    _print_row(*COLUMNS)
    for _, entry in zip(range(RUNS), entries, strict=False):
        event = entry["jsonPayload"]
        refresh = event.get("refresh", {})
        _print_row(
            entry["timestamp"][:19],
            event["message"].removeprefix("sync_"),
            *(event.get(name, "") for name in ("seconds", "requests")),
            *(refresh.get(name, "") for name in ("issues_waiting", "oldest_hours")),
            f"{event.get('error_type', '')} {event.get('error_message', '')}".strip(),
        )


def _print_row(*values: object) -> None:
    cells = (f"{value!s:<{width}}" for value, width in zip(values, COLUMNS.values(), strict=True))
    print("  ".join(cells).rstrip())


def query(deployment: Deployment, _: Cloud) -> None:
    """Run the SELECT in the variable SQL on the dataset; without one, show how fresh it is."""
    sql = os.environ.get("SQL")
    command = [sys.executable, "-m", "scanner_sync", *(["query", sql] if sql else ["status"])]
    if deployment.account:
        command += ["--account", deployment.account]
    done = subprocess.run(command, env=os.environ | deployment.settings, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
