"""What `status` says of the dataset and of the last syncs."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud import bigquery

from scanner_sync.errors import LoadError
from scanner_sync.warehouse import status
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import PROJECT, Dataset
from tests.warehouse.loads import Loads

SUCCEEDED = {"holder": "a", "until": "0", "succeeded": "2000"}


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def write_lease(dataset: Dataset, labels: dict[str, str]) -> datetime:
    """Create the lease, and return when."""
    lease = bigquery.Table(f"{PROJECT}.{dataset.name}.{LEASE_TABLE}")
    lease.labels = labels
    modified: datetime = dataset.client.create_table(lease).modified
    return modified


def test_no_dataset_is_an_error(dataset: Dataset) -> None:
    with pytest.raises(LoadError, match=f"{dataset.name} does not exist in project {PROJECT}"):
        dataset.warehouse.read_status()


def test_an_empty_dataset(dataset: Dataset) -> None:
    dataset.client.create_dataset(dataset.name)
    found = dataset.warehouse.read_status()
    now = found.pop("now")
    assert abs((dataset.warehouse.now() - now).total_seconds()) < 60
    assert found == {
        "dataset": dataset.name,
        "tables": [],
        "last_run": None,
        "last_failure": None,
        "refresh": None,
        "loads": [],
    }


def test_tables_and_loads(dataset: Dataset) -> None:
    """Rows and the newest load of each table, and the last five loads that were completed."""
    loads = Loads(dataset)
    loads.load(1, issues=[{"id": 1}, {"id": 2}])
    loads.load(2, issues=[{"id": 3}])
    dataset.query(
        "CREATE TABLE {d}._dlt_loads (load_id STRING, status INT64, inserted_at TIMESTAMP)"
    )
    rows = ", ".join(f"('{n}', {int(n == 7)}, TIMESTAMP_SECONDS({n}))" for n in range(1, 8))
    dataset.query(f"INSERT INTO {{d}}._dlt_loads VALUES {rows}")
    found = dataset.warehouse.read_status()
    assert {of["table"]: (of["rows"], of["loaded_at"]) for of in found["tables"]} == {
        "issues": (3, at(2)),
        "occurrences_issues": (0, None),
        "scans": (0, None),
        "targets": (0, None),
        "fixed_occurrences": (0, None),
        "scan_schedules": (0, None),
        "tags": (0, None),
        "licenses": (0, None),
        "issues_history": (3, at(2)),
        "occurrences_issues_history": (0, None),
        "targets_history": (0, None),
    }
    assert found["loads"] == [{"load_id": str(n), "at": at(n)} for n in (6, 5, 4, 3, 2)]


@pytest.mark.parametrize(
    ("labels", "last_run", "last_failure"),
    [
        (SUCCEEDED, {"outcome": "succeeded", "at": at(2000)}, None),
        (
            SUCCEEDED | {"failed": "3000", "failure": "apirefused"},
            {"outcome": "failed", "at": at(3000), "error_type": "ApiRefused"},
            {"at": at(3000), "error_type": "ApiRefused"},
        ),
        (
            SUCCEEDED | {"failed": "1000", "failure": "interrupted"},
            {"outcome": "succeeded", "at": at(2000)},
            {"at": at(1000), "error_type": "Interrupted"},
        ),
        (
            {"holder": "a", "until": "0", "failed": "1000", "failure": "loaderror"},
            {"outcome": "failed", "at": at(1000), "error_type": "LoadError"},
            {"at": at(1000), "error_type": "LoadError"},
        ),
    ],
    ids=["succeeded", "failed", "succeeded after a failure", "only failed"],
)
def test_how_the_last_sync_ended(
    dataset: Dataset,
    labels: dict[str, str],
    last_run: dict[str, Any],
    last_failure: dict[str, Any] | None,
) -> None:
    dataset.client.create_dataset(dataset.name)
    write_lease(dataset, labels)
    found = dataset.warehouse.read_status()
    assert (found["last_run"], found["last_failure"]) == (last_run, last_failure)


def test_a_sync_runs_until_its_lease_expires(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After that it counts as killed."""
    dataset.client.create_dataset(dataset.name)
    modified = write_lease(dataset, SUCCEEDED | {"until": "2030"})
    assert dataset.warehouse.read_status()["last_run"] == {"outcome": "running", "at": modified}
    monkeypatch.setattr(status, "LEASE_SECONDS", 0)
    assert dataset.warehouse.read_status()["last_run"] == {"outcome": "killed", "at": modified}


REFRESH = {"issues_listed": "20000", "issues_read": "4300", "oldest_read_at": "1000"}


@pytest.mark.parametrize(
    ("labels", "listed", "read", "waiting", "failed", "oldest"),
    [
        (REFRESH, 20_000, 4_300, 15_700, [], at(1000)),
        (REFRESH | {"oldest_read_at": "0"}, 20_000, 4_300, 15_700, [], None),
        (REFRESH | {"issues_read": "20000"}, 20_000, 20_000, 0, [], at(1000)),
        (
            REFRESH | {"issues_read": "19997", "issues_failed": f"7_-12_{2**63}"},
            *(20_000, 19_997, 3, [7, -12, 2**63], at(1000)),
        ),
    ],
    ids=["some wait", "some were never read", "none wait", "some cannot be read"],
)
def test_what_the_last_sync_read(
    dataset: Dataset,
    labels: dict[str, str],
    listed: int,
    read: int,
    waiting: int,
    failed: list[int],
    oldest: datetime | None,
) -> None:
    dataset.client.create_dataset(dataset.name)
    write_lease(dataset, SUCCEEDED | labels)
    assert dataset.warehouse.read_status()["refresh"] == {
        "issues_listed": listed,
        "issues_read": read,
        "issues_waiting": waiting,
        "issues_failed": failed,
        "oldest_read_at": oldest,
        "issues_skipped": 0,
        "full_read_at": None,
        "loud_until": None,
        "loud_field": None,
    }


def test_a_quiet_account_that_was_loud(dataset: Dataset) -> None:
    """What nothing names does not wait. What ended quiet reading is named as long as it does."""
    dataset.client.create_dataset(dataset.name)
    now = int(dataset.warehouse.now().timestamp())
    quiet = REFRESH | {"issues_skipped": "15700", "full_read_at": "2000", "loud_field": "cves"}
    write_lease(dataset, SUCCEEDED | quiet | {"loud_until": f"{now + 600}"})
    expected = {
        "issues_listed": 20_000,
        "issues_read": 4_300,
        "issues_skipped": 15_700,
        "issues_waiting": 0,
        "issues_failed": [],
        "oldest_read_at": at(1000),
        "full_read_at": at(2000),
    }
    is_loud = {"loud_until": at(now + 600), "loud_field": "cves"}
    assert status.describe_loud(dataset.warehouse) == (
        f"; each sync reads everything until {at(now + 600):%Y-%m-%d %H:%M} UTC, because no signal"
        " named a change (cves)"
    )
    assert dataset.warehouse.read_status()["refresh"] == expected | is_loud
    lease = dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}")
    lease.labels |= {"loud_until": f"{now - 600}"}
    dataset.client.update_table(lease, ["labels"])
    assert dataset.warehouse.read_status()["refresh"] == expected | dict.fromkeys(is_loud)
    assert status.describe_loud(dataset.warehouse) == ""


def test_labels_that_somebody_edited(dataset: Dataset) -> None:
    """What is no number, or no time, counts as missing."""
    dataset.client.create_dataset(dataset.name)
    garbage = {"succeeded": "soon", "failed": "9" * 60, "failure": "loaderror"}
    write_lease(dataset, {"until": "0"} | garbage | REFRESH | {"oldest_read_at": "9" * 60})
    found = dataset.warehouse.read_status()
    assert (found["last_run"], found["last_failure"]) == (None, None)
    assert found["refresh"]["oldest_read_at"] is None
    lease = dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}")
    lease.labels = {**lease.labels, "issues_read": "-5"}
    dataset.client.update_table(lease, ["labels"])
    assert dataset.warehouse.read_status()["refresh"] is None


def test_a_summary(dataset: Dataset) -> None:
    """How the last sync ended, whether the last success is a day ago, and what is open."""
    with pytest.raises(LoadError, match=f"{dataset.name} does not exist"):
        dataset.warehouse.summarize()
    dataset.client.create_dataset(dataset.name)
    found = dataset.warehouse.summarize()
    now = int(found.pop("now").timestamp())
    nothing = {"issues_to_do": None, "critical_to_do": None, "high_to_do": None}
    assert found == {"state": "never", "error_type": None, "succeeded_at": None} | nothing
    dataset.client.delete_dataset(dataset.name)

    shown = [{"id": 1, "severity": "critical"}, {"id": 2, "severity": "high"}]
    hidden = [{"id": 4, "severity": "critical", "snoozed": True}]
    loads = Loads(dataset)
    loads.load(1, issues=[*shown, *hidden, {"id": 5, "severity": "high"}])
    loads.load(2, issues=[*shown, *hidden, {"id": 3, "severity": "low"}])
    counts = {"issues_to_do": 3, "critical_to_do": 1, "high_to_do": 1}
    write_lease(dataset, {})
    day = 24 * 60 * 60
    for labels, state, error_type, succeeded in (
        ({"until": "0"}, "never", None, None),
        ({"until": "0", "succeeded": f"{now - day + 3600}"}, "fresh", None, now - day + 3600),
        ({"until": "0", "succeeded": f"{now - day - 1}"}, "late", None, now - day - 1),
        (
            {"until": "0", "succeeded": f"{now}", "failed": f"{now}", "failure": "apirefused"},
            "failing",
            "ApiRefused",
            now,
        ),
    ):
        lease = dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}")
        lease.labels = labels
        dataset.client.update_table(lease, ["labels"])
        found = dataset.warehouse.summarize()
        assert found.pop("now")
        assert found == {
            "state": state,
            "error_type": error_type,
            "succeeded_at": at(succeeded) if succeeded else None,
            **counts,
        }
