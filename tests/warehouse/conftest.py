"""What the tests of the warehouse share: a sync in the process of the test."""

from collections.abc import Callable

import pytest

from scanner_sync.errors import SyncError
from scanner_sync.sync import SyncResult, sync
from scanner_sync.tables import TABLES
from tests.conftest import Dataset

Run = Callable[[], SyncResult]


@pytest.fixture
def run(dataset: Dataset, api_url: str) -> Run:
    """A function that syncs the account into the dataset."""
    assert dataset.name
    assert api_url

    def abort(error: SyncError) -> None:
        raise error

    return lambda: sync(tuple(TABLES), abort)
