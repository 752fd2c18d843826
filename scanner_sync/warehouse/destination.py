"""dlt's BigQuery destination, which also creates tables that were dropped."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar, Self

import dlt
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema.typing import TSchemaTables
from dlt.destinations.impl.bigquery.bigquery import BigQueryClient
from dlt.destinations.job_client_impl import SqlJobClientBase

from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.jobs import Guard, label_jobs


class _Client(BigQueryClient):
    labels: ClassVar[Mapping[str, str]]
    """Labels of each job."""
    guard: ClassVar[Guard]
    """Checked before each load job and each merge."""

    def __enter__(self) -> Self:
        """Open the connection."""
        super().__enter__()
        label_jobs(self.sql_client.native_connection, self.labels)
        return self

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """Return a job that loads a file or merges a table."""
        self.guard.check()
        return super().create_load_job(table, file_path, load_id, restore)

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

    labels: Mapping[str, str] = MappingProxyType({})
    """Labels of each job."""
    guard: Guard = Guard()
    """Checked before each load job and each merge."""

    @property
    def client_class(self) -> type[BigQueryClient]:
        """The class of the client that loads into this destination."""
        return type("_Client", (_Client,), {"labels": self.labels, "guard": self.guard})
