"""Accounts of which a sync reads only what something names, into a local BigQuery."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from local.bigquery import proxy
from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync.sync import sync
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import TOKEN, Dataset

TABLES = ("issues", "occurrences_issues", "scans", "targets", "fixed_occurrences")
NOW = datetime.now(UTC).replace(microsecond=0)


def days_ago(days: float) -> str:
    """Of this moment: a sync looks back ten minutes, and these tests may run long after `NOW`."""
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


class Syncs:
    """Syncs of an account into a dataset of its own."""

    def __init__(self, dataset: Dataset, account: Account, api: Starlette) -> None:
        self.dataset, self.account, self._api = dataset, account, api

    def __call__(self, *resources: str) -> set[int]:
        """Sync, and return the issues whose occurrences were read."""
        sent = len(self._api.state.requests)
        self.result = sync(resources or TABLES, print)
        return {
            int(request.path.split("/")[3])
            for request in self._api.state.requests[sent:]
            if request.path.startswith("/v1/issues/") and request.path != "/v1/issues/"
        }

    def listed(self) -> set[int]:
        """Return the issues that the API lists."""
        return {row["id"] for row in self.account.issues}

    def open(self) -> set[tuple[int, int]]:
        rows = self.dataset.query(
            "SELECT issue_id, occurrence_id FROM {d}.occurrences_issues_history"
            " WHERE valid_to IS NULL"
        )
        return {(row["issue_id"], row["occurrence_id"]) for row in rows}

    def change_labels(self, **labels: str) -> None:
        """Change labels of the lease, as if time had passed."""
        lease = self.dataset.client.get_table(f"{self.dataset.name}.{LEASE_TABLE}")
        lease.labels |= labels
        self.dataset.client.update_table(lease, ["labels"])

    def make_quiet(self) -> None:
        """Sync once, and let the dataset believe in the full reads that it takes."""
        self()
        self.change_labels(full_reads="3")


@contextlib.contextmanager
def syncs_of(
    account: Account, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> Iterator[Syncs]:
    api = create_app(account, token=TOKEN, **options)
    sample = Dataset(f"d{uuid.uuid4().hex[:12]}", dataset.client)
    with serve_api(api) as url:
        for name, value in {"API_BASE_URL": url, "DATASET": sample.name}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
        yield Syncs(sample, account, api)


def logged_in(output: str) -> list[dict[str, Any]]:
    """Return the lines of the log; a server of the tests may print others between them."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def an_account(issues: int = 8) -> Account:
    """Issues with two occurrences each, on twelve targets."""
    ids = range(1, issues + 1)
    return Account(
        issues=[{"id": n, "severity": "low", "snoozed": False} for n in ids],
        occurrences={
            n: [
                {
                    "id": k,
                    "occurrence_id": 10 * n + k,
                    "target": f"host-{n % 12}",
                    "first_seen_at": days_ago(9),
                    "target_last_scanned_at": days_ago(2),
                }
                for k in (1, 2)
            ]
            for n in ids
        },
        scans=[{"id": 1, "status": "completed"}, {"id": 2, "status": "in_progress"}],
        targets=[{"id": n, "address": f"host-{n}", "target_status": "live"} for n in range(12)],
    )


def test_an_account_becomes_quiet_and_loud(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three full reads prove the signals. One change without any undoes that for a week."""
    account = an_account()
    everything = {row["id"] for row in account.issues}
    with syncs_of(account, dataset, monkeypatch) as syncs:
        for _ in range(4):
            assert syncs() == everything
            assert syncs.result.refresh["issues_skipped"] == 0
        assert syncs() == set()
        refresh = dict(syncs.result.refresh)
        assert (refresh["issues_read"], refresh["issues_skipped"], refresh["issues_waiting"]) == (
            0,
            8,
            0,
        )
        assert "occurrences_issues" not in syncs.result.unchanged
        before = syncs.open()
        assert before == {(n, 10 * n + k) for n in everything for k in (1, 2)}

        # What nothing names is not read, and so stays as it is.
        account.occurrences[3][0] = account.occurrences[3][0] | {"snoozed": True}
        assert syncs() == set()
        assert syncs.open() == before
        capsys.readouterr()
        yesterday = int((NOW - timedelta(days=1)).timestamp())
        syncs.change_labels(full_read_at=str(yesterday))
        assert syncs() == everything
        logged = logged_in(capsys.readouterr().err)
        assert [
            (of["issues"], of["field"]) for of in logged if of["message"] == "unsignaled_change"
        ] == [(1, "snoozed")]
        status = syncs.dataset.warehouse.read_status()["refresh"]
        assert status["loud_field"] == "snoozed"
        assert timedelta(days=6) < status["loud_until"] - NOW < timedelta(days=8)
        assert syncs() == everything
        syncs.change_labels(loud_until=str(yesterday))
        for _ in range(3):
            assert syncs() == everything
        assert syncs() == set()
        assert syncs.dataset.warehouse.read_status()["refresh"]["loud_until"] is None


def test_what_a_signal_names_is_read(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of signal names its issues, and then the dataset is right."""
    account = an_account(24)
    with syncs_of(account, dataset, monkeypatch) as syncs:
        syncs.make_quiet()
        hosts = {n: rows[0]["target"] for n, rows in account.occurrences.items()}

        def change(issue: int, **fields: Any) -> None:
            account.occurrences[issue][0] = account.occurrences[issue][0] | fields

        account.issues[0] = account.issues[0] | {"severity": "high"}
        account.issues.append({"id": 25, "severity": "low"})
        account.occurrences[25] = [{"id": 1, "occurrence_id": 251, "target": hosts[1]}]
        account.issues.pop(1)
        account.occurrences[3].append(
            {"id": 3, "occurrence_id": 33, "target": hosts[3], "first_seen_at": days_ago(0)}
        )
        account.fixed = [{"occurrence_id": 41, "remediated_at": days_ago(0.1)}]
        account.occurrences[4].pop(0)
        # The account's own rows say nothing of it, but the listing of snoozed ones does.
        account.issues[3] = account.issues[3] | {"snoozed": True}
        change(5, snoozed=True)
        [gone, unresponsive, scanned] = account.targets[6:9]
        account.targets.remove(gone)
        account.occurrences[6] = account.occurrences[18] = []
        account.targets[6] = unresponsive | {"target_status": "unresponsive"}
        account.scans[1] = {"id": 2, "status": "completed"}
        change(8, target_last_scanned_at=days_ago(0), port="81")
        expected = {1, 25, 3, 4, 5, 6, 18, 7, 19, 8, 20}
        assert {hosts[n] for n in (8, 20)} == {scanned["address"]}
        assert syncs() == expected
        refresh = syncs.result.refresh
        assert (refresh["issues_read"], refresh["issues_skipped"]) == (11, 13)
        assert syncs.open() == {
            (n, row["occurrence_id"]) for n in syncs.listed() for row in account.occurrences[n]
        }
        history = syncs.result.history["occurrences_issues"]
        # Two of an issue that is listed no more, one that is fixed, four on a target that is gone.
        assert history == {"opened": 2, "closed": 7, "changed": 2}
        assert syncs() == {3}  # clocks may differ by ten minutes, so it may be new

        # What a sync of other tables finds is no news to the next one, which reads everything.
        account.fixed.append({"occurrence_id": 91, "remediated_at": days_ago(0.1)})
        account.occurrences[9].pop(0)
        assert syncs("fixed_occurrences") == set()
        assert syncs() == syncs.listed()
        assert (9, 91) not in syncs.open()
        assert syncs() == {3, 5}  # that sync did not ask which issues are snoozed
        # Nor does it leave out anything if somebody has changed the table.
        syncs.dataset.query("DELETE FROM {d}.occurrences_issues WHERE issue_id = 10")
        assert syncs() == syncs.listed()
        assert syncs.dataset.query("SELECT id FROM {d}.occurrences_issues WHERE issue_id = 10")
        # Nor if so much is gone at once that the next sync has to miss it, too.
        account.issues = [row | {"severity": "critical"} for row in account.issues]
        for n in range(8, 25):
            account.occurrences[n] = []
        assert [syncs() for _ in range(2)] == [syncs.listed()] * 2
        assert syncs() < syncs.listed()


def test_what_was_answered_is_not_asked_again(
    dataset: Dataset, emulator_port: int, monkeypatch: pytest.MonkeyPatch, today: date
) -> None:
    """Where the listings, and all tables, are as a sync left them, no query asks what they name."""
    account = an_account()
    asked: list[bool] = []

    def note(method: str, path: str, body: bytes) -> None:
        if method == "POST" and b"AS is_named" in body:
            asked.append(True)

    with proxy(emulator_port, note) as url, syncs_of(account, dataset, monkeypatch) as syncs:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)

        def sync() -> tuple[set[int], bool]:
            asked.clear()
            return syncs(), bool(asked)

        syncs()
        syncs()
        syncs.change_labels(full_reads="3")
        assert sync() == (set(), True)
        assert sync() == (set(), False)
        # Somebody has changed what the answer is from, and then the API names an issue by itself.
        syncs.dataset.query("UPDATE {d}.occurrence_reads SET issue_hash = 'x' WHERE issue_id = 5")
        assert sync() == ({5}, True)
        assert [sync(), sync()] == [(set(), True), (set(), False)]
        account.occurrences[3].append(
            {"id": 3, "occurrence_id": 33, "target": "host-3", "first_seen_at": days_ago(0)}
        )
        assert sync() == ({3}, True)


def test_an_api_without_signals(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it ignores or rejects names nothing, and changes nothing."""
    account = an_account(8)
    options: dict[str, Any] = {
        "since": "ignored",
        "snoozed": "rejected",
        "last_scanned_after": "ignored",
    }
    with syncs_of(account, dataset, monkeypatch, **options) as syncs:
        syncs.make_quiet()
        account.scans[1] = {"id": 2, "status": "completed"}
        capsys.readouterr()
        assert syncs() == set()
        logged = logged_in(capsys.readouterr().err)
        assert [of["parameter"] for of in logged if of["message"] == "parameter_ignored"] == [
            "snoozed",
            "since",
            "last_scanned_after",
        ]
        assert syncs.open() == {(n, 10 * n + k) for n in range(1, 9) for k in (1, 2)}
