"""dlt's BigQuery destination, which also creates tables that were dropped."""

import contextlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar, Self

import dlt
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema.typing import TSchemaTables
from dlt.common.storages import ParsedLoadJobFileName
from dlt.destinations.exceptions import DatabaseTerminalException
from dlt.destinations.impl.bigquery.bigquery import BigQueryClient, BigQueryLoadJob
from dlt.destinations.job_client_impl import SqlJobClientBase
from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery

from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.jobs import Guard, label_jobs, repeat_jobs, start_load


class _Client(BigQueryClient):
    labels: ClassVar[Mapping[str, str]]
    """Labels of each job."""
    guard: ClassVar[Guard]
    """Checked before each load job and each merge."""

    def __enter__(self) -> Self:
        """Open the connection."""
        super().__enter__()
        label_jobs(repeat_jobs(self.sql_client.native_connection), self.labels)
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
        try:
            SqlJobClientBase.initialize_storage(self, truncate_tables or ())
        except DatabaseTerminalException as error:
            # It was created in the meantime, or by a call whose answer was lost.
            if not isinstance(error.__cause__, Conflict):
                raise

    def _create_load_job(self, table: PreparedTableSchema, file_path: str) -> bigquery.LoadJob:
        """Start the job that loads a file, or return one that was started before and did not fail.

        dlt starts another job whenever it lost sight of the first (dlt 1.31), and then each row is
        in the staging table twice.
        """
        client, file = self.sql_client.native_connection, ParsedLoadJobFileName.parse(file_path)
        ids = [
            BigQueryLoadJob.get_job_id_from_file_path(file._replace(retry_count=number).file_name())
            for number in range(file.retry_count + 1)
        ]
        for job_id in ids[:-1]:
            with contextlib.suppress(NotFound):
                job = client.get_job(job_id)
                if isinstance(job, bigquery.LoadJob) and job.error_result is None:
                    return job
        start = super()._create_load_job
        return start_load(client, ids[-1], lambda: start(table, file_path))

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
