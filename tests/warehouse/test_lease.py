"""The lease lets one sync at a time load, and expires if its holder is gone."""

import threading

import pytest
import requests
from google.api_core.exceptions import PreconditionFailed
from google.cloud import bigquery

from scanner_sync.deadline import Deadline
from scanner_sync.errors import (
    AlreadyRunning,
    ApiRefused,
    DeadlineExceeded,
    SettingsError,
    SyncError,
)
from scanner_sync.warehouse import lease
from scanner_sync.warehouse.lease import LEASE_TABLE
from scanner_sync.warehouse.origin import check_api
from tests.conftest import PROJECT, Dataset
from tests.support.faults import FORBIDDEN, UNAVAILABLE
from tests.warehouse.conftest import through


def labels(dataset: Dataset) -> dict[str, str]:
    found: dict[str, str] = _table(dataset).labels
    return found


def change(dataset: Dataset, **changed: str) -> None:
    """Change labels of the lease, as another sync does."""
    table = _table(dataset)
    table.labels = table.labels | changed
    dataset.client.update_table(table, ["labels"])


def _table(dataset: Dataset) -> bigquery.Table:
    return dataset.client.get_table(f"{PROJECT}.{dataset.name}.{LEASE_TABLE}")


def leave_held(dataset: Dataset) -> None:
    """Leave the lease as a sync does that was killed."""
    with dataset.warehouse.lease(Deadline(60), unexpected):
        pass
    change(dataset, holder="killed", until="1")


def unexpected(error: SyncError) -> None:
    raise error


def test_a_lease_is_held_and_released(dataset: Dataset) -> None:
    """Its labels name the holder, and then when the sync succeeded, by BigQuery's clock."""
    with dataset.warehouse.lease(Deadline(60), unexpected):
        held = labels(dataset)
        now = int(dataset.warehouse.now().timestamp())
    assert held.keys() == {"holder", "until"}
    assert int(held["until"]) > 0
    released = labels(dataset)
    assert abs(int(released["succeeded"]) - now) < 30
    assert released == held | {"until": "0", "succeeded": released["succeeded"]}
    assert dataset.query("SELECT * FROM {d}._sync_lease") == []


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ApiRefused("refused"), "apirefused"),
        (KeyError("bug"), "internalerror"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_failure_is_noted(dataset: Dataset, error: BaseException, name: str) -> None:
    """The time and the type of the error are in the labels, beside when a sync last succeeded."""
    with dataset.warehouse.lease(Deadline(60), unexpected):
        pass
    before = labels(dataset)
    with (
        pytest.raises(type(error)),
        dataset.warehouse.lease(Deadline(60), unexpected),
    ):
        raise error
    after = labels(dataset)
    assert (after["until"], after["failure"], after["succeeded"]) == (
        "0",
        name,
        before["succeeded"],
    )
    assert int(after["failed"]) >= int(before["succeeded"])


def test_a_lease_that_is_renewed_is_not_taken_over(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.2)
    with dataset.warehouse.lease(Deadline(60), unexpected):
        holder = labels(dataset)["holder"]
        second = dataset.warehouse.lease(Deadline(60), unexpected)
        with pytest.raises(AlreadyRunning, match=f"Another sync .*{dataset.name}"):
            second.__enter__()
        assert labels(dataset)["holder"] == holder


def test_a_lease_that_expired_is_taken_over(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its value is compared with no clock: it has only to stay as it is for long enough."""
    leave_held(dataset)
    change(dataset, until="99999999999")
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1)
    with dataset.warehouse.lease(Deadline(60), unexpected):
        assert labels(dataset)["holder"] != "killed"
    assert labels(dataset)["until"] == "0"


def test_nobody_waits_past_the_deadline(dataset: Dataset) -> None:
    leave_held(dataset)
    waiting = dataset.warehouse.lease(Deadline(0.5), unexpected)
    with pytest.raises(DeadlineExceeded):
        waiting.__enter__()
    assert labels(dataset)["holder"] == "killed"


def test_a_lease_that_another_sync_took_over_is_lost(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync is told at the next renewal, and leaves the lease to the other."""
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.2)
    lost: list[str] = []
    told = threading.Event()

    def on_lost(error: SyncError) -> None:
        lost.append(str(error))
        told.set()

    with dataset.warehouse.lease(Deadline(60), on_lost):
        while not take_over(dataset):
            pass
        assert told.wait(timeout=30)
    [message] = lost
    assert f"lost its lease on {dataset.name}: another sync took it over" in message
    assert (labels(dataset)["holder"], labels(dataset)["until"]) == ("other", "7")


def take_over(dataset: Dataset) -> bool:
    """Return whether it worked: a renewal may come between the look at the lease and its change."""
    try:
        change(dataset, holder="other", until="7")
    except PreconditionFailed:
        return False
    return True


def test_a_lease_that_cannot_be_renewed_is_lost(
    dataset: Dataset, emulator_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it expires, so that the sync can end before another one begins."""
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.2)
    monkeypatch.setattr(lease, "LEASE_SECONDS", 2 * lease.CALL_TIMEOUT + 1)
    lost: list[str] = []
    told = threading.Event()

    def on_lost(error: SyncError) -> None:
        lost.append(str(error))
        told.set()

    def refuse(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        return UNAVAILABLE if method == "PATCH" else None

    with (
        through(emulator_port, refuse, dataset) as warehouse,
        warehouse.lease(Deadline(60), on_lost),
    ):
        assert told.wait(timeout=30)
    [message] = lost
    assert "BigQuery did not answer" in message


@pytest.mark.parametrize("was_done", [False, True], ids=["refused", "answer lost"])
def test_a_lease_survives_a_failed_renewal(
    dataset: Dataset, emulator_port: int, was_done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next renewal makes up for one that was refused, or whose answer was lost."""
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.2)
    renewals: list[str] = []
    renewed = threading.Event()

    def fail_once(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        if method not in ("PATCH", "PUT"):
            return None
        renewals.append(path)
        if len(renewals) > 1:
            renewed.set()
            return None
        if was_done:
            emulator = f"http://127.0.0.1:{emulator_port}"
            requests.request(method, f"{emulator}{path}", data=body, timeout=9)
        return UNAVAILABLE

    lost: list[SyncError] = []
    with (
        through(emulator_port, fail_once, dataset) as warehouse,
        warehouse.lease(Deadline(60), lost.append),
    ):
        assert renewed.wait(timeout=30)
        assert labels(dataset)["until"] != "0"
    assert lost == []
    assert len(renewals) >= 2


def test_an_account_that_may_not_list_its_jobs(
    dataset: Dataset,
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The lease of a killed sync, or of one that failed, is waited out, and that is in the log."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1)

    def refuse(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        is_list = method == "GET" and path.partition("?")[0].endswith("/jobs")
        return FORBIDDEN if is_list else None

    leave_held(dataset)
    with through(emulator_port, refuse, dataset) as warehouse:
        with (
            pytest.raises(ApiRefused),
            warehouse.lease(Deadline(60), unexpected),
        ):
            raise ApiRefused("refused")
        assert labels(dataset)["holder"] != "killed"
        assert labels(dataset)["until"] != "0"
        assert caplog.messages == ["jobs_not_listed"]
        with warehouse.lease(Deadline(60), unexpected):
            pass
    assert labels(dataset)["until"] == "0"
    assert caplog.messages == 2 * ["jobs_not_listed"]


def test_another_api_is_refused(dataset: Dataset) -> None:
    """Its rows would be merged with the rows of the one before. An API that moved can be let in."""
    with dataset.warehouse.lease(Deadline(60), unexpected) as held:
        check_api(held, "api.example.com")
    assert labels(dataset)["api_host"] == "api_example_com"
    with (
        pytest.raises(SettingsError) as raised,
        dataset.warehouse.lease(Deadline(60), unexpected) as held,
    ):
        check_api(held, "API.example.org")
    assert str(raised.value) == (
        f"{dataset.name} holds what another API sent (api_example_com), but API_BASE_URL names"
        " API.example.org. Nothing was loaded. Set DATASET to another dataset, or, if the API has"
        f" moved: bq update --clear_label api_host {PROJECT}:{dataset.name}._sync_lease"
    )
    change(dataset, api_host="api_example_org")
    with dataset.warehouse.lease(Deadline(60), unexpected) as held:
        check_api(held, "API.example.org")
    assert labels(dataset)["api_host"] == "api_example_org"
