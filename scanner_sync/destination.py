"""dlt's BigQuery destination, less three jobs that do nothing."""

from collections.abc import Iterable

import dlt
from dlt.destinations.impl.bigquery.bigquery import BigQueryClient
from dlt.destinations.job_client_impl import SqlJobClientBase


class _Client(BigQueryClient):
    def initialize_storage(self, truncate_tables: Iterable[str] | None = None) -> None:
        """Make the dataset where it is missing; empty the named tables.

        `BigQueryClient` also runs a script on those whose columns BigQuery is to detect, and runs
        it where there are none (dlt 1.31). Here there never are.
        """
        SqlJobClientBase.initialize_storage(self, truncate_tables or ())


class BigQuery(dlt.destinations.bigquery):
    """The destination; its arguments are those of `dlt.destinations.bigquery`."""

    @property
    def client_class(self) -> type[BigQueryClient]:
        """What does the work."""
        return _Client
