"""A load has arrived if each table holds as many of its rows as were read."""

import pytest

from scanner_sync.errors import LoadUnavailable
from scanner_sync.warehouse.arrival import compare_rows
from tests.conftest import Dataset
from tests.warehouse.loads import Loads


def test_the_rows_of_one_load_are_counted(dataset: Dataset) -> None:
    """Those of other loads are not, and a table that is not named is not looked at."""
    loads = Loads(dataset)
    loads.load(1, issues=[{"id": 1}, {"id": 2}], targets=[{"id": 1}])
    loads.load(2, issues=[{"id": 3}])
    warehouse = dataset.warehouse
    existing = warehouse.check_names()
    warehouse.complete_load({"issues": 1, "targets": 0}, "2", existing)
    with pytest.raises(LoadUnavailable, match=r"1 of 2,000 in issues, 0 of 1 in scans\."):
        warehouse.complete_load({"issues": 2000, "targets": 0, "scans": 1}, "2", existing)


@pytest.mark.parametrize("arrived", [0, 2, 4])
def test_fewer_or_more_rows_are_an_error(arrived: int) -> None:
    with pytest.raises(LoadUnavailable, match=rf" {arrived} of 3 in scans\. No history") as error:
        compare_rows({"scans": 3, "targets": 1}, {"scans": arrived, "targets": 1})
    assert "targets" not in str(error.value)


def test_a_load_that_did_not_arrive_changes_no_history(dataset: Dataset) -> None:
    """The histories' script compares the rows itself, before it changes anything."""
    loads = Loads(dataset)
    loads.load(1, issues=[{"id": 1}], targets=[{"id": 1}])
    before = dataset.query("SELECT * FROM {d}.issues_history")
    warehouse = dataset.warehouse
    existing = warehouse.check_names()
    with pytest.raises(LoadUnavailable, match="0 of 1 in issues"):
        warehouse.complete_load({"issues": 1, "targets": 0}, "2", existing)
    assert dataset.query("SELECT * FROM {d}.issues_history") == before
    [target] = dataset.query("SELECT valid_to FROM {d}.targets_history")
    assert target["valid_to"] is None
