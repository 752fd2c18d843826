"""What the tests of the warehouse share: a sync in the process of the test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from local.bigquery import Fault, proxy
from scanner_sync.errors import SyncError
from scanner_sync.sync import SyncResult, sync
from scanner_sync.warehouse import Warehouse
from tests.conftest import FOUR, PROJECT, Dataset

Run = Callable[[], SyncResult]


@pytest.fixture
def resources(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The tables that are synced: four, or what the test's parameter says."""
    found: tuple[str, ...] = getattr(request, "param", FOUR)
    return found


@pytest.fixture
def run(dataset: Dataset, api_url: str, resources: tuple[str, ...]) -> Run:
    """A function that syncs the account into the dataset."""
    assert dataset.name
    assert api_url

    def abort(error: SyncError) -> None:
        raise error

    return lambda: sync(resources, abort)


@contextmanager
def through(emulator_port: int, fault: Fault, dataset: Dataset) -> Iterator[Warehouse]:
    """Yield the warehouse as it is reached through a proxy with a fault."""
    with proxy(emulator_port, fault) as url:
        credentials = Credentials(token="anonymous")  # type: ignore[no-untyped-call]
        client = bigquery.Client(PROJECT, credentials, client_options={"api_endpoint": url})
        yield Warehouse(client, dataset.name)
