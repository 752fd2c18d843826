"""dlt's BigQuery destination, which also creates tables that were dropped."""

from collections.abc import Iterable

import dlt
from dlt.common.schema.typing import TSchemaTables
from dlt.destinations.impl.bigquery.bigquery import BigQueryClient
from dlt.destinations.job_client_impl import SqlJobClientBase

from scanner_sync.warehouse.connection import Connection


class _Client(BigQueryClient):
    def initialize_storage(self, truncate_tables: Iterable[str] | None = None) -> None:
        """Create the dataset if it is missing, and empty the named tables.

        `BigQueryClient` also runs a script for the tables whose columns BigQuery detects, even if
        there are none (dlt 1.31). Here there never are any, and a script is a job.
        """
        SqlJobClientBase.initialize_storage(self, truncate_tables or ())

    def update_stored_schema(
        self,
        only_tables: Iterable[str] | None = None,
        expected_update: TSchemaTables = None,  # type: ignore[assignment] # as dlt has it
        force: bool = False,
    ) -> TSchemaTables | None:
        """Create the tables and columns that the dataset lacks, and return them.

        dlt looks for them only if the schema has changed since it was last stored (dlt 1.31), so a
        table that was dropped or has expired would stay missing.
        """
        names = list(only_tables or self.schema.tables)
        connection = Connection(self.sql_client.native_connection, self.sql_client.dataset_name)
        found = connection.find_tables(names)
        is_complete = all(
            name in found
            and self.schema.get_table_columns(name).keys() <= {f.name for f in found[name].schema}
            for name in names
        )
        return super().update_stored_schema(names, expected_update, force or not is_complete)


class BigQuery(dlt.destinations.bigquery):
    """A destination with the arguments of `dlt.destinations.bigquery`."""

    @property
    def client_class(self) -> type[BigQueryClient]:
        """The class of the client that loads into this destination."""
        return _Client
