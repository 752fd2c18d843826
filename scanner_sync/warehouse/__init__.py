"""BigQuery: everything a sync does in the dataset. Nothing here knows the API."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from scanner_sync.deadline import Deadline
from scanner_sync.errors import SyncError
from scanner_sync.progress import Progress
from scanner_sync.warehouse.arrival import check_arrival
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.history import ensure_tables, update_histories
from scanner_sync.warehouse.lease import Lease
from scanner_sync.warehouse.migration import rename_columns
from scanner_sync.warehouse.names import check_names
from scanner_sync.warehouse.status import read_status
from scanner_sync.warehouse.views import ensure_views

if TYPE_CHECKING:
    from scanner_sync.warehouse.pipeline import Load


class Warehouse(Connection):
    """The dataset of the settings, as a sync and the command line use it."""

    def lease(self, deadline: Deadline, on_lost: Callable[[SyncError], None]) -> Lease:
        """Return the lease that lets one sync at a time load; it is held inside a `with`.

        Entering raises `AlreadyRunning` while another sync holds it. `on_lost` is called in another
        thread if it cannot be renewed.
        """
        return Lease(self, deadline, on_lost)

    def check_names(self, *, history: bool) -> dict[str, bigquery.Table]:
        """Check that only this program uses the names of its tables and views.

        Returns those that exist. Raises `LoadError` naming what is in the way.
        """
        return check_names(self, history=history)

    def load(self, progress: Progress) -> "Load":
        """Return a load, which reads a dlt source to the end and then merges its rows."""
        # dlt takes half a second to import, and only a sync needs it.
        from scanner_sync.warehouse.pipeline import Load

        return Load(self, progress)

    def check_arrival(self, rows: Mapping[str, int], load_id: str) -> None:
        """Check, in one query, that the tables hold as many rows of a load as were read.

        Raises `LoadUnavailable` if they do not.
        """
        check_arrival(self, rows, load_id)

    def update_histories(
        self, rows: Mapping[str, int], load_id: str | None, existing: Mapping[str, bigquery.Table]
    ) -> dict[str, dict[str, int]]:
        """Bring histories and views up to date with a load, which brought these `rows` by table.

        `existing` is what `check_names` found before the load. Returns how many entities were
        opened, closed and changed, by table. Raises `LoadUnavailable`, and changes no history, if
        the rows did not all arrive.
        """
        existing = rename_columns(self, existing)
        ensure_tables(self, existing)
        ensure_views(self, existing)
        return update_histories(self, rows, load_id)

    def status(self) -> dict[str, Any]:
        """Return what the dataset holds and how the last syncs ended. See `status.read_status`."""
        return read_status(self)
