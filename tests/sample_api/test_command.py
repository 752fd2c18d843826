"""The command `python -m sample_api`."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from datetime import date

import pytest
import requests

from local.processes import ROOT, serving
from sample_api import generate
from sample_api.faults import Faults
from tests.sample_api.conftest import get


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("token", [None, "from-the-environment"])
def test_the_command_serves_until_a_signal(
    http: requests.Session, ending: signal.Signals, token: str | None
) -> None:
    """It prints only its URL, follows its options, and exits with 0."""
    environment = {key: os.environ[key] for key in os.environ if key != "SAMPLE_API_TOKEN"}
    if token:
        environment["SAMPLE_API_TOKEN"] = token
    http.headers["Authorization"] = f"Bearer {token or 'sample-token'}"
    options = [
        "--port=0",
        "--seed=3",
        "--issues=12",
        "--quota=2",
        "--latency-ms=1",
        "--max-limit=10",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "sample_api", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            page = get(http, f"{base_url}/issues/?limit=100").json()
            rest = get(http, page["next"]).json()
            refused = get(http, f"{base_url}/issues/").status_code
            process.send_signal(ending)
            output, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    rows = generate(3, issues=12).issues
    assert [row["id"] for row in page["results"]] == [row["id"] for row in rows[:10]]
    assert [row["id"] for row in rest["results"]] == [row["id"] for row in rows[10:]]
    assert (refused, output, errors, process.returncode) == (429, "", "", 0)


def test_help_names_every_option_and_the_token_variable() -> None:
    """The help says all that is needed to start it."""
    output = subprocess.run(
        [sys.executable, "-m", "sample_api", "--help"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    options = [
        *("--port", "--seed", "--issues", "--latency-ms", "--max-limit"),
        *("--quota", "--quota-per-second", "--hour-seconds", "--since", "--no-retry-after"),
        *("--first-day", "--remediated-after", "--fixed-delay-days", "--missing"),
        *("--schedules-in-array", "--licenses-in-envelope"),
    ]
    missing = [option for option in options if not re.search(rf"\n  {option}\s", output)]
    missing += [word for word in ("SAMPLE_API_TOKEN", "'sample-token'") if word not in output]
    assert missing == []


@pytest.mark.parametrize(
    ("options", "status", "retry_after"),
    [
        (["--quota=0", "--hour-seconds=4.5"], 429, "5"),
        (["--quota-per-second=0"], 429, "1"),
        (["--quota-per-second=0", "--no-retry-after"], 429, None),
        (["--since=rejected"], 400, None),
        (["--since=ignored"], 200, None),
    ],
)
def test_quotas_and_since_are_options_of_the_command(
    http: requests.Session, options: list[str], status: int, retry_after: str | None
) -> None:
    """The server that it starts has them."""
    http.headers["Authorization"] = "Bearer sample-token"
    command = [sys.executable, "-m", "sample_api", "--port=0", "--issues=1", *options]
    with serving(command, {}, r"(http://\S+)") as url:
        answer = get(http, f"{url}/issues/?since=yesterday")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)


def test_the_answers_of_more_listings_are_options_of_the_command(http: requests.Session) -> None:
    """The server that it starts has them, and the dates of its rows are as of its first day."""
    http.headers["Authorization"] = "Bearer sample-token"
    command = [sys.executable, "-m", "sample_api", "--port=0", "--issues=90"]
    command += ["--missing=/tags/=404", "--missing", "/targets/=403", "--first-day=2026-11-20"]
    command += ["--schedules-in-array", "--licenses-in-envelope", "--fixed-delay-days=100"]
    command += ["--remediated-after=ignored"]
    paths = ["tags", "targets", "scans/schedules", "licenses"]
    paths += ["scans", "occurrences/fixed", "occurrences/fixed"]
    with serving(command, {}, r"(http://\S+)") as url:
        query = "limit=100&remediated_after=2026-11-01"
        answers = [get(http, f"{url}/{path}/?{query}") for path in paths]
    account = generate(7, issues=90, first_day=date(2026, 11, 20))
    late = [row for row in account.fixed if row["remediated_at"] < "2026-08-12T03"]
    assert len(late) > 100
    assert [answer.status_code for answer in answers[:2]] == [404, 403]
    assert answers[2].json() == account.schedules
    assert answers[3].json()["results"] == [account.licenses]
    assert answers[4].json()["results"] == account.scans[:100]
    assert answers[5].json()["results"] == late[:100]


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("--missing=/tag/=404", "missing: the API has no path '/tag/'."),
        ("--missing=/tags/", "argument --missing: '/tags/' is not of the form /tags/=404"),
        ("--first-day=soon", "argument --first-day: 'soon' is not a date such as 2025-03-03"),
        (
            "--first-day=9999-12-31",
            "argument --first-day: the account's dates would not be between 1 and 9999",
        ),
    ],
)
def test_a_wrong_option_is_refused(option: str, problem: str) -> None:
    """With a line that names it, and without a traceback."""
    result = subprocess.run(
        [sys.executable, "-m", "sample_api", option],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == f"python -m sample_api: error: {problem}"


def test_a_port_that_cannot_be_used_is_named() -> None:
    """In one line, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]
        reasons = {busy: "Address already in use", 65536: "it is not from 0 to 65535"}
        for port, reason in reasons.items():
            result = subprocess.run(
                [sys.executable, "-m", "sample_api", f"--port={port}", "--issues=1"],
                cwd=ROOT,
                capture_output=True,
                check=False,
                text=True,
            )
            assert (result.returncode, result.stdout, result.stderr) == (
                1,
                "",
                f"Port {port} cannot be used: {reason}. Choose another one with --port; 0 takes a"
                " free one.\n",
            )


def test_faults_are_options_of_the_command() -> None:
    """The help names each, and the server has those that were given."""
    command = [sys.executable, "-m", "sample_api"]
    shown = subprocess.run(
        [*command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in vars(Faults()):
        option = "--fault-seed" if name == "seed" else f"--{name.replace('_', '-')}"
        assert f"{option} " in shown.stdout
    with serving([*command, "--port", "0", "--html", "1"], {}, r"(http://\S+)") as url:
        headers = {"Authorization": "Bearer sample-token"}
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(requests.get(f"{url}/scans/", headers=headers, timeout=9))
        )
        thread.start()
        thread.join()
        assert [(a.status_code, a.text[:6]) for a in answers] == [(200, "<html>")]
