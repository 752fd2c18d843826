"""`make token`, `make run`, `make logs` and `make query`, with real servers and no cloud."""

import io
import json
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests
from google.cloud import bigquery

from local import smoke
from local.operate import add_token, list_runs, main, query, run
from local.processes import answering
from local.smoke import Cloud, Deployment, Run
from tests.conftest import TOKEN

from .cloud import LocalCloud, serve
from .conftest import ANONYMOUS, Here
from .deployment import State, need_terraform
from .test_deploy import make

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

OTHER = "projects/my-project-1/traces/other"


def other_run(local: LocalCloud, event: str, later: float, **fields: object) -> None:
    """Let another run log an event, so many seconds later than now."""
    local.log(json.dumps({"severity": "INFO", "message": event, **fields}))
    at = datetime.now(UTC) + timedelta(seconds=later)
    local.entries[-1] |= {"timestamp": at.isoformat(), "trace": OTHER}


@pytest.mark.parametrize("target", ["token", "run", "logs", "query"])
def test_without_a_deployment_each_says_so(tmp_path: Path, target: str) -> None:
    """The command ends, and says which one comes first."""
    need_terraform()
    (tmp_path / "main.tf").write_text("")
    done = make(target, tmp_path)
    assert done.returncode == 2
    first, *_ = done.stderr.splitlines()
    assert first == "Nothing is deployed: Terraform's state is empty. Run: make deploy"
    assert done.stdout == ""


def test_a_run_is_started_and_waited_for(
    here: Here,
    bigquery_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Not for another one that ends meanwhile. Its rows can be queried, and both are listed."""
    local, cloud, deployment, _ = here
    other_run(local, "sync_progress", -20)
    failure = {"error_type": "ApiError", "error_message": "The API sent no listing."}
    other_run(local, "sync_failed", 0.5, seconds=9.5, requests=7, **failure)
    run(deployment, cloud)
    started, ended = capfd.readouterr().out.splitlines()
    assert started == "Waiting for the run's end, 29 minutes at most."
    [own] = [of["jsonPayload"] for of in local.entries if "sync_finished" in str(of)]
    rows, seconds = sum(own["tables"].values()), f"{own['seconds']:.0f}"
    assert ended == f"The run succeeded: {rows:,} rows in {seconds} seconds."

    # A run that finds nothing new loads nothing, and `make smoke` expects no rows of it.
    second = Run(deployment, cloud)
    assert (second.differences(), second.table_differences()) == ([], [])
    assert {*second.end["unchanged"]} >= {"issues", "targets", "scans"}
    local.entries = [of for of in local.entries if of not in second.entries]

    list_runs(deployment, cloud)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("time", "outcome", "seconds", "requests", "waiting", "oldest_hours", "error")
    ]
    outcomes = {tuple(line.split()[1:]) for line in lines[1:]}
    assert outcomes == {
        ("finished", f"{own['seconds']}", f"{own['requests']}", "0", "0.0"),
        ("failed", "9.5", "7", "ApiError", "The", "API", "sent", "no", "listing."),
    }

    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_url)
    monkeypatch.setenv("SQL", "SELECT COUNT(*) AS n FROM targets")
    with pytest.raises(SystemExit, match=r"^0$"):
        query(deployment, cloud)
    assert capfd.readouterr().out == "n\n5\n1 row.\n"
    monkeypatch.delenv("SQL")
    with pytest.raises(SystemExit, match=r"^0$"):
        query(deployment, cloud)
    assert re.search(r"^issues +6  ", capfd.readouterr().out, re.MULTILINE)


class Silent(BaseHTTPRequestHandler):
    """A function that begins no run."""

    def do_POST(self) -> None:
        self.send_response(429)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_run_that_does_not_end_is_not_waited_for_without_end(
    deployments: dict[str, State],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Such as one that Cloud Run has no instance for: the message says where to look."""
    local = LocalCloud(deployments["http"])
    deployment = Deployment(local.state)
    monkeypatch.setattr(smoke, "STARTING_SECONDS", -deployment.service["timeout_seconds"])
    with answering(Silent) as local.function, serve(local) as url:
        cloud = cloud_at(url)
        with pytest.raises(SystemExit, match=r"^The run has not begun; docs/first-deployment\.md"):
            run(deployment, cloud)
    assert capfd.readouterr().out == "Waiting for the run's end, 0 minutes at most.\n"


def cloud_at(url: str) -> Cloud:
    """Return the APIs that are answered at a URL."""
    apis = dict.fromkeys(("scheduler", "secrets", "logging"), url)
    return Cloud(requests.Session(), bigquery.Client("p", ANONYMOUS), apis, pause=0.1)


def test_a_token_is_stored_for_its_account(
    deployments: dict[str, State],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """From a pipe too. What is no token is not stored, and neither it nor the token is printed."""
    local = LocalCloud(deployments["accounts"])
    deployment = Deployment(local.state, "globex")
    with serve(local) as url:
        for given in (f"{TOKEN}\n", f"  {TOKEN}2"):
            monkeypatch.setattr("sys.stdin", io.StringIO(given))
            add_token(deployment, cloud_at(url))
        for given, why in {
            f'"{TOKEN}"': " (it is in quotes: leave them out)",
            f"Bearer {TOKEN}": " (leave out Bearer)",
            "": "",
        }.items():
            monkeypatch.setattr("sys.stdin", io.StringIO(given))
            with pytest.raises(SystemExit) as ended:
                add_token(deployment, cloud_at(url))
            assert str(ended.value) == (
                f"A token is one word of printable ASCII{why}. Nothing was stored. Try again."
            )
    secret = "projects/my-project-1/secrets/scanner-sync-globex-token"
    assert local.tokens == {secret: [TOKEN, f"{TOKEN}2"]}
    assert capfd.readouterr().out.splitlines() == [
        f"Stored as version {number} of {secret}. The next run uses it; to start one:"
        " make run ACCOUNT=globex"
        for number in (1, 2)
    ]


def test_without_an_account_each_says_so(
    deployments: dict[str, State], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as after the last of `accounts` was removed: then there is nothing to name."""
    state = deepcopy(deployments["accounts"])
    root = state["root_module"]
    root["resources"] = [
        of for of in root["resources"] if of.get("index") not in ("acme", "globex")
    ]
    shown = tmp_path / "shown.json"
    shown.write_text(json.dumps({"values": state}))
    for account in ("", "acme"):
        monkeypatch.setenv("ACCOUNT", account)
        with pytest.raises(SystemExit) as ended:
            main("token", ["sh", "-c", f"cat {shown}"])
        assert str(ended.value) == (
            "There are no accounts. Add one to accounts in terraform.tfvars, and run: make deploy"
        )


@pytest.mark.parametrize(
    ("of", "account", "command"),
    [("http", None, "make logs"), ("accounts", "acme", "make logs ACCOUNT=acme")],
)
def test_an_interrupt_says_how_to_see_the_end(
    deployments: dict[str, State],
    monkeypatch: pytest.MonkeyPatch,
    of: str,
    account: str | None,
    command: str,
) -> None:
    """With the account if there are many, because the command refuses to choose one."""

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "differences", interrupted)
    with pytest.raises(SystemExit) as ended:
        run(Deployment(deployments[of], account), cloud_at("http://127.0.0.1:9"))
    said = f"Interrupted. The run goes on; to see how it ended: {command}"
    assert str(ended.value) == said


@pytest.mark.parametrize(
    ("of", "account", "said"),
    [
        ("accounts", "", "Name one of the accounts (acme, globex): make token ACCOUNT=..."),
        ("accounts", "umbrella", "Name one of the accounts (acme, globex): make token ACCOUNT=..."),
        ("http", "acme", "There is one account without a name. Leave ACCOUNT out."),
    ],
)
def test_the_account_is_named_if_there_are_many(
    deployments: dict[str, State],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    of: str,
    account: str,
    said: str,
) -> None:
    """None is chosen for you: a token that is stored in the wrong place is not used there."""
    monkeypatch.setenv("ACCOUNT", account)
    shown = tmp_path / "shown.json"
    shown.write_text(json.dumps({"values": deployments[of]}))
    with pytest.raises(SystemExit) as ended:
        main("token", ["sh", "-c", f"cat {shown}"])
    assert str(ended.value) == said
