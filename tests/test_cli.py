"""The command line: what it prints, how it exits, and what it leaves behind."""

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from local.bigquery import error_of, proxy
from local.processes import ROOT
from sample_api import Account, create_app, generate
from sample_api import serve as serve_api
from scanner_sync import __version__
from scanner_sync.check import check
from scanner_sync.cli import _parser
from scanner_sync.schema.tables import TABLES
from scanner_sync.settings import EMULATORS, SETTINGS
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import FOUR, PROJECT, SECRET, TOKEN, Dataset
from tests.support.commands import COMMAND, NAMES, Done, findings, on_terminal, run

ANONYMOUS = AnonymousCredentials()  # type: ignore[no-untyped-call]
SYNC_FOUR = ("sync", "--resources", ",".join(FOUR))


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=6, targets=5, scans=5)


@pytest.mark.usefixtures("dataset", "api_url")
def test_sync_prints_json_or_a_table(account: Account, tmp_path: Path) -> None:
    """With --json one line, otherwise a table. The log is JSON, as standard error is a pipe."""
    done = run("sync", "--resources", "targets,scans", "--json")
    [line] = done.out.splitlines()
    answer = json.loads(line)
    assert (done.status, answer["tables"]) == (0, {"scans": {"rows": 5}, "targets": {"rows": 5}})
    assert list(answer["tables"]) == ["scans", "targets"]
    assert all(json.loads(line)["severity"] == "INFO" for line in done.err.splitlines())

    account.targets[0] = account.targets[0] | {"address": "moved.example.com"}
    done = run("sync", "--resources", "targets")
    assert (done.status, "\x1b" in done.out + done.err) == (0, False)
    head, row, last = done.out.splitlines()
    assert head.split() == ["table", "rows", "opened", "closed", "changed"]
    assert row.split() == ["targets", "5", "0", "0", "1"]
    assert re.fullmatch(r"Loaded into \w+ in [\d.]+ seconds, with 1 requests\.", last)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("dataset", "api_url")
def test_exit_codes(tmp_path: Path) -> None:
    """0 success, 1 permanent failure, 2 usage error, 75 retryable failure; never a traceback."""
    assert run("--version") == Done(0, f"scanner-sync {__version__}\n", "")
    assert (run().status, run("sync", "--help").status) == (2, 0)
    unknown = run("sync", "--resources", "scans,scan")
    assert unknown.status == 2
    assert f"unknown: 'scan'; choose from {', '.join(TABLES)}" in unknown.err

    bad = {"DATASET": "Not-A-Name", "API_BASE_URL": ""}
    for command in ("sync", "status"):
        done = run(command, **bad)
        assert (done.status, done.out) == (1, "")
        message = done.err.splitlines()[-1]
        assert message.startswith("SettingsError: ")
        assert "DATASET must be" in message
        assert "API_BASE_URL is required" in message
    answer = json.loads(run("sync", "--json", **bad).out)
    assert (answer["error"]["type"], answer["retry_after"]) == ("SettingsError", None)

    late = run("sync", SYNC_DEADLINE_SECONDS="1", API_BASE_URL="http://127.0.0.1:9/v1")
    assert (late.status, late.out) == (75, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["report.pdf", "report", "report.htm", "report.html.txt", ".html"])
def test_a_report_is_a_web_page(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A file with another suffix would be something else, and is not overwritten."""
    with pytest.raises(SystemExit):  # `main` returns its status, 2
        _parser().parse_args(["report", "--out", name])
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"scanner-sync report: error: argument --out: '{name}' must end in .html: the report is a"
        " web page"
    )


def test_the_target_of_a_report_is_tried_before_bigquery(tmp_path: Path) -> None:
    """Nothing answers here in place of BigQuery, and nobody waits for it."""
    out = tmp_path / "no_such_folder" / "report.html"
    done = run("report", "--out", str(out))
    assert done == Done(
        1,
        "",
        f"SettingsError: The report cannot be written to {out}: No such file or directory.\n",
    )


@pytest.mark.usefixtures("api_url")
def test_a_terminal_shows_bars_and_a_readable_log(account: Account, dataset: Dataset) -> None:
    """Bars show rows read and loaded, and the step; at the end they are removed."""
    # Slow enough for each step to be drawn.
    with serve_api(create_app(account, token=TOKEN, latency_seconds=0.5)) as url:
        done = on_terminal(*SYNC_FOUR, API_BASE_URL=url)
    assert done.status == 0
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", done.out)
    assert re.search(r"\d+:\d+:\d+\] INFO +sync_started\s+resources=", plain)
    assert "5 of 5 rows read" in plain
    assert "5 of 5 rows read, 5 loaded" in plain
    assert re.search(r"occurrences_issues +\S+ \d+ rows read, of 6 of 6 issues", plain)
    assert {"reading the API", "loading into BigQuery"} <= set(
        re.findall("reading the API|loading into BigQuery", plain)
    )
    assert "\x1b[?25h" in done.out.partition("sync_finished")[0]  # the cursor is back
    assert "━" not in done.out.partition("sync_finished")[2]
    assert f"Loaded into {dataset.name} in " in plain
    assert "\x1b[3" not in on_terminal(*SYNC_FOUR, NO_COLOR="1").out


@pytest.mark.usefixtures("api_url")
def test_a_sync_that_leaves_issues_to_the_next_ones(account: Account, dataset: Dataset) -> None:
    """The bar fills, the last line says how many wait, and so does `status`."""
    account.occurrences = {issue: rows[:9] for issue, rows in account.occurrences.items()}
    done = on_terminal(*SYNC_FOUR, MAX_REQUESTS_PER_SYNC="9", NO_COLOR="1")
    # 3 for the listings, and 2 for the targets that were scanned lately
    assert done.status == 0
    assert re.search(r"occurrences_issues +━{24} \d+ rows read, of 4 of 6 issues", done.out)
    assert done.out.splitlines()[-1] == (
        "Occurrences of 2 of 6 issues wait for the next syncs; some were never read."
    )
    assert run("status").out.splitlines()[-1] == (
        "occurrences: 4 of 6 issues read by the last sync of occurrences, 2 waiting;"
        " some were never read"
    )

    lease = dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}")
    lease.labels |= {"issues_failed": "2_7"}
    dataset.client.update_table(lease, ["labels"])
    assert run("status").out.endswith(
        "2 waiting; some were never read; the API failed for issue 2, 7\n"
    )

    [first] = dataset.query("SELECT DISTINCT read_at FROM {d}.occurrence_reads WHERE `rows` > 0")
    oldest = f"the oldest are from {first['read_at']:%Y-%m-%d %H:%M:%S} UTC, "
    # One more request asks which issues have changed.
    last = run(*SYNC_FOUR, MAX_REQUESTS_PER_SYNC="7").out.splitlines()[-1]
    left = "Occurrences of 3 of 6 issues wait for the next syncs; "
    assert re.fullmatch(left + re.escape(oldest) + r"[\d.]+ h ago\.", last)
    last = run("status").out.splitlines()[-1]
    said = "occurrences: 3 of 6 issues read by the last sync of occurrences, 3 waiting; "
    assert re.fullmatch(said + re.escape(oldest) + r"\d+ (s|min) ago", last)

    last = run(*SYNC_FOUR).out.splitlines()[-1]
    assert re.fullmatch(rf"Loaded into {dataset.name} in [\d.]+ seconds, with 9 requests\.", last)
    status = run("status").out.splitlines()[-1]
    assert status == "occurrences: all 6 issues read by the last sync of occurrences"


@pytest.mark.usefixtures("api_url")
@pytest.mark.parametrize(
    ("how", "step", "status"),
    [
        (signal.SIGINT, "reading the API", 130),
        (signal.SIGINT, "loading into BigQuery", 130),
        (signal.SIGTERM, "loading into BigQuery", 143),
    ],
)
def test_an_interrupted_sync_releases_its_lease_and_files(
    account: Account,
    dataset: Dataset,
    emulator_port: int,
    tmp_path: Path,
    how: signal.Signals,
    step: str,
    status: int,
) -> None:
    """No traceback, no files, no lease: the next sync starts at once, and `status` shows it."""
    sent: list[int] = []

    def interrupt(out: str, pid: int) -> None:
        if step in out and not sent:
            sent.append(pid)
            os.kill(pid, how)

    # Slow enough for the step to be drawn before it ends.
    api = create_app(account, token=TOKEN, latency_seconds=1)
    with serve_api(api) as api_url, proxy(emulator_port) as url:
        settings: dict[str, Any] = {"API_BASE_URL": api_url, "BIGQUERY_EMULATOR_HOST": url}
        done = on_terminal(*SYNC_FOUR, see=interrupt, **settings)
    assert (done.status, "Traceback" in done.out) == (status, False)
    assert "Interrupted" in done.out
    assert list(tmp_path.iterdir()) == []
    found = dataset.warehouse.read_status()
    last = found["last_run"]
    assert (last["outcome"], last["error_type"]) == ("failed", "Interrupted")
    started = time.monotonic()
    assert run("sync", "--resources", "scans").status == 0
    assert time.monotonic() - started < 30


def tables(client: bigquery.Client) -> set[str]:
    return {
        f"{dataset.dataset_id}.{table.table_id}"
        for dataset in client.list_datasets()
        for table in client.list_tables(dataset.dataset_id)
    } | {dataset.dataset_id for dataset in client.list_datasets()}


@pytest.mark.usefixtures("secret_manager", "api_url")
def test_check_passes(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after the first sync; the dataset does not change."""
    monkeypatch.delenv("ACCESS_TOKEN")
    monkeypatch.setenv("ACCESS_TOKEN_SECRET", SECRET)
    names = {name.upper() for name in SETTINGS} | EMULATORS.keys()
    padded = {name: f" {os.environ[name]}\n" for name in names & os.environ.keys()}
    assert len(padded) == 6
    first = run("check", **padded)
    assert first.status == 0, first
    found = findings(first)
    assert {status for status, _ in found.values()} == {"ok"}
    assert found["archive"][1] == "a checkout"
    assert found["dataset"][1] == (
        f"the first sync creates {dataset.name} and {dataset.name}_staging, in US"
    )
    assert found["listings"][1].startswith("6 issues, ")
    assert found["requests"][1] == (
        "everything takes about 13, which fits into MAX_REQUESTS_PER_SYNC (4,500)"
    )
    mine = {name for name in tables(dataset.client) if dataset.name in name}
    assert mine == set()

    # The occurrences of one issue take two pages, and so do the targets that were scanned lately.
    assert json.loads(run("sync", "--json").out)["requests"] == 13 + 1 + 2
    before = {name for name in tables(dataset.client) if dataset.name in name}
    found = findings(run("check"))
    assert {status for status, _ in found.values()} == {"ok"}
    assert "twin, in US" in found["dataset"][1]
    assert {name for name in tables(dataset.client) if dataset.name in name} == before


@pytest.mark.parametrize(
    ("most", "page_size", "said"),
    [
        ("13", "100", "everything takes about 13, which fits into MAX_REQUESTS_PER_SYNC (13)"),
        (
            "12",
            "100",
            "everything takes about 13, more than MAX_REQUESTS_PER_SYNC (12): a round takes 2"
            " syncs",
        ),
        # 6 issues, 5 targets and 5 scans, 24 fixed occurrences, 5 schedules and 4 tags, two a page:
        # the first page, and one for each further row.
        (
            "48",
            "2",
            "everything takes about 50, more than MAX_REQUESTS_PER_SYNC (48): a round takes 2"
            " syncs",
        ),
        (
            "1",
            "100",
            "everything takes about 13, more than MAX_REQUESTS_PER_SYNC (1): a round takes 6 syncs",
        ),
    ],
)
@pytest.mark.usefixtures("dataset", "api_url")
def test_check_says_how_many_syncs_a_round_takes(most: str, page_size: str, said: str) -> None:
    """A sync reads the listings, and the occurrences of as many issues as fit, at least one."""
    done = run("check", MAX_REQUESTS_PER_SYNC=most, PAGE_SIZE=page_size)
    assert findings(done)["requests"] == ("ok", said)


@pytest.mark.usefixtures("dataset", "api_url")
def test_check_says_what_the_plan_lacks(missing: dict[str, int]) -> None:
    """That is no failure. To ask for such a listing takes a request in each sync."""
    missing |= {"/occurrences/fixed/": 404, "/tags/": 403}
    done = run("check")
    found = findings(done)
    assert (done.status, {status for status, _ in found.values()}) == (0, {"ok"})
    assert re.fullmatch(
        r"6 issues, \d+ occurrences of the first, 5 scans, 5 targets, 5 scan schedules, licenses;"
        r" the account's plan lacks fixed_occurrences, tags",
        found["listings"][1],
    )
    assert found["requests"][1].startswith("everything takes about 13, ")


DENIED = (403, error_of(403, "Access Denied: no", "accessDenied"))
DOWN = (503, error_of(503, "Service unavailable", "backendError"))


def answer_to(part: str, of: str, answer: tuple[int, bytes]) -> Any:
    def fault(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        return answer if method == of and path.partition("?")[0].endswith(part) else None

    return fault


@pytest.mark.parametrize(
    ("fault", "failed", "skipped", "detail", "exit_status"),
    [
        (
            {"ACCESS_TOKEN": "bad"},
            "token",
            ["listings", "requests"],
            "rejects the token (status 401",
            1,
        ),
        ({"PAGE_SIZE": "many"}, "settings", NAMES[2:], "PAGE_SIZE must be a number", 1),
        (
            {"API_BASE_URL": "http://127.0.0.1:9/v1"},
            "token",
            ["listings", "requests"],
            "response from http://127.0.0.1:9 (Connection refused; if this recurs, check API",
            75,
        ),
        ({"BIGQUERY_LOCATION": "EU"}, "dataset", ["BigQuery tables", "sla_policy"], "is in US", 1),
        (("/jobs", "POST", DENIED), "BigQuery jobs", [], "roles/bigquery.jobUser", 1),
        (("/tables", "POST", DENIED), "BigQuery tables", [], "roles/bigquery.dataEditor", 1),
        (("/tables", "POST", DOWN), "BigQuery tables", [], "ServiceUnavailable", 75),
        (("/jobs", "GET", DOWN), "BigQuery jobs", [], "ServiceUnavailable", 75),
    ],
)
@pytest.mark.usefixtures("api_url")
def test_check_names_what_failed(
    dataset: Dataset,
    emulator_port: int,
    fault: Any,
    failed: str,
    skipped: list[str],
    detail: str,
    exit_status: int,
) -> None:
    """The failed check says what to do; those that depend on it are skipped."""
    for name in (dataset.name, f"{dataset.name}_staging"):
        made = bigquery.Dataset(f"{PROJECT}.{name}")
        made.location = "US"
        dataset.client.create_dataset(made)
    if isinstance(fault, dict):
        done = run("check", **fault)
    else:
        with proxy(emulator_port, answer_to(*fault)) as url:
            done = run("check", BIGQUERY_EMULATOR_HOST=url)
    found = findings(done)
    expected = dict.fromkeys(NAMES, "ok") | dict.fromkeys(skipped, "skipped") | {failed: "failed"}
    assert {name: status for name, (status, _) in found.items()} == expected
    assert detail in found[failed][1]
    assert done.status == exit_status
    assert list(dataset.client.list_tables(dataset.name)) == []


@pytest.mark.usefixtures("api_url", "dataset")
def test_check_says_that_jobs_cannot_be_listed(
    emulator_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync goes on without it, so the check passes, and says what is missing."""
    with proxy(emulator_port, answer_to("/jobs", "GET", DENIED)) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        [found] = [result for result in check() if result.name == "BigQuery jobs"]
    assert (found.status, found.retryable) == ("ok", False)
    assert found.detail.startswith("the account may run them, but not list its own: a sync cannot")
    assert found.detail.endswith("Grant it roles/bigquery.user on the project")


@pytest.mark.usefixtures("api_url", "dataset")
def test_check_without_google_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says how to get credentials, and runs the checks that need none."""
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    done = run("check")
    found = findings(done)
    assert (done.status, found["Google account"][0]) == (1, "failed")
    assert "gcloud auth application-default login" in found["Google account"][1]
    assert [found[name][0] for name in NAMES[3:7]] == ["ok"] * 4
    assert found["dataset"] == ("skipped", "needs Google account")


@pytest.mark.usefixtures("secret_manager", "api_url")
def test_status_shows_tables_and_syncs(dataset: Dataset) -> None:
    """Rows and freshness of each table, how the last sync ended; an error without a dataset."""
    none = run("status")
    assert (none.status, none.out) == (1, "")
    assert none.err.startswith(f"LoadError: Dataset {dataset.name} does not exist")

    assert run("sync", "--resources", "scans,targets").status == 0
    now = datetime.now(UTC)
    status = json.loads(run("status", "--json").out)
    rows = {table["table"]: table["rows"] for table in status["tables"]}
    # The views read them.
    read = ("issues", "fixed_occurrences", "issues_history", "occurrences_issues_history")
    empty = dict.fromkeys(read, 0)
    assert rows == {"scans": 5, "targets": 5, "targets_history": 5} | empty
    for table in status["tables"]:
        if table["rows"]:
            assert abs(now - datetime.fromisoformat(table["loaded_at"])) < timedelta(minutes=5)
    assert status["last_run"]["outcome"] == "succeeded"
    assert status["last_failure"] is None
    [load] = status["loads"]

    assert run("sync", ACCESS_TOKEN="bad").status == 1
    done = run("status")
    assert done.status == 0
    some = r"\d+ (s|min) ago"
    assert re.search(rf"(?m)^scans +5 +\S+ \S+ UTC, {some} +{some}, changed$", done.out)
    assert re.search(rf"(?m)^targets_history +5 +\S+ \S+ UTC, {some}$", done.out)
    assert re.search(r"(?m)^last sync: failed, ApiRefused, \S+ \S+ UTC, \d+ (s|min) ago$", done.out)
    assert load["load_id"] in done.out


def test_a_broken_config_file_is_named_but_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is not quoted, because it may hold the token."""
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt/config.toml").write_text(f"access_token = = {TOKEN}")
    done = subprocess.run(
        [*COMMAND, "check"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "config.toml in .dlt/ is not valid TOML" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


def test_each_example_is_a_command() -> None:
    """The help of each command ends with one that can be pasted."""
    parser = _parser()
    [commands] = [of for of in parser._actions if isinstance(of, argparse._SubParsersAction)]
    for name, command in commands.choices.items():
        program, *words = shlex.split(str(command.epilog).removeprefix("Example: "))
        assert (program, parser.parse_args(words).command) == ("scanner-sync", name)
