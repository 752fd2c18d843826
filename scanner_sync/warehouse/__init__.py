"""BigQuery: all that a sync does in the dataset. Nothing here knows the API."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
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
    """A dataset, as a sync and the command line use it."""

    def lease(self, deadline: Deadline, on_lost: Callable[[SyncError], None]) -> Lease:
        """Return the lease on the dataset, which is held inside a `with`. See `Lease`."""
        return Lease(self, deadline, on_lost)

    def check_names(self, *, history: bool) -> dict[str, bigquery.Table]:
        """Check that nothing else has the name of one of this program's tables or views.

        With `history`, the histories and their views are among them. Returns the tables and views
        that exist, by name. Raises `LoadError` with the name of what is in the way.
        """
        return check_names(self, history=history)

    def load(self, progress: Progress) -> "AbstractContextManager[Load]":
        """Return a load, which reads a dlt source to the end and then merges its rows.

        It is used inside a `with`, and reports to `progress`.
        """
        # dlt takes half a second to import, and only a sync needs it.
        from scanner_sync.warehouse.pipeline import load

        return load(self, progress)

    def check_arrival(self, rows: Mapping[str, int], load_id: str) -> None:
        """Check, in one query, that each table holds as many rows of a load as were read.

        `rows` are the numbers that were read, by table. Raises `LoadUnavailable` if one differs.
        """
        check_arrival(self, rows, load_id)

    def update_histories(
        self, rows: Mapping[str, int], load_id: str | None, existing: Mapping[str, bigquery.Table]
    ) -> dict[str, dict[str, int]]:
        """Bring the histories up to date with a load, and create or update what they need.

        The load brought `rows`, by table; `load_id` is None if it brought none. `existing` is what
        `check_names` returned before the load. Returns the number of entities that were `opened`,
        `closed` and `changed`, by table. Raises `LoadUnavailable`, and changes no history, if rows
        did not arrive.
        """
        existing = rename_columns(self, existing)
        ensure_tables(self, existing)
        ensure_views(self, existing)
        return update_histories(self, rows, load_id)

    def status(self) -> dict[str, Any]:
        """Return what the dataset holds, and how the last syncs ended. See `read_status`."""
        return read_status(self)
