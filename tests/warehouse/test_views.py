"""The views are there from the first load on, and as this version has them."""

from scanner_sync.warehouse.views import LABELS, VIEWS
from tests.conftest import Dataset
from tests.warehouse.conftest import through
from tests.warehouse.loads import Loads


def test_an_outdated_view_is_updated(dataset: Dataset) -> None:
    """A view with other SQL gets that of this version; labels of the user stay."""
    Loads(dataset).load(1, issues=[{"id": 1, "title": "One"}])
    made = {name: dataset.client.get_table(f"{dataset.name}.{name}") for name in VIEWS}
    assert {name: view.labels for name, view in made.items()} == dict.fromkeys(VIEWS, LABELS)
    outdated = dataset.client.get_table(f"{dataset.name}.open_issues")
    outdated.view_query = "SELECT 1 AS outdated"
    outdated.labels |= {"team": "security"}
    dataset.client.update_table(outdated, ["view_query", "labels"])
    assert dataset.query("SELECT * FROM {d}.open_issues") == [{"outdated": 1}]
    warehouse = dataset.warehouse
    warehouse.complete_load({"issues": 1}, "1", warehouse.check_names())
    now = {name: dataset.client.get_table(f"{dataset.name}.{name}") for name in VIEWS}
    assert {name: view.view_query for name, view in now.items()} == {
        name: view.view_query for name, view in made.items()
    }
    assert now["open_issues"].labels == LABELS | {"team": "security"}
    assert [row["title"] for row in dataset.query("SELECT * FROM {d}.open_issues")] == ["One"]


def test_a_dataset_that_is_up_to_date_is_only_read(dataset: Dataset, emulator_port: int) -> None:
    """No table and no view is written, and there is one job, which updates the histories."""
    Loads(dataset).load(1, issues=[{"id": 1}])
    requests: list[tuple[str, bytes]] = []

    def note(method: str, path: str, body: bytes) -> None:
        requests.append((method, body))

    with through(emulator_port, note, dataset) as warehouse:
        warehouse.complete_load({"issues": 1}, "1", warehouse.check_names())
    assert {method for method, _ in requests} == {"GET", "POST"}
    [job] = [body for method, body in requests if method == "POST"]
    assert b"MERGE" in job
