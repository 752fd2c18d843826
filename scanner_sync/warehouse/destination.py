"""dlt's BigQuery destination, which also creates tables that were dropped."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import dlt
from dlt.common.destination.client import FollowupJobRequest, LoadJob, StorageSchemaInfo
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema.typing import TSchemaTables
from dlt.destinations.exceptions import DatabaseTerminalException
from dlt.destinations.impl.bigquery.bigquery import (
    BigQueryClient,
    BigQueryLoadJob,
    BigQueryMergeJob,
)
from dlt.destinations.job_client_impl import SqlJobClientBase
from google.api_core.exceptions import Conflict, GoogleAPICallError, NotFound
from google.cloud import bigquery

from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.jobs import (
    Guard,
    label_jobs,
    labels_of,
    prepare_jobs,
    start_load,
)
from scanner_sync.warehouse.names import check_staging

LOOK_SECONDS: Final = 0.5
"""Time between two looks at a load job."""
MERGED_AT_ONCE: Final = 2
"""Tables that one job merges."""


class _LoadJob(BigQueryLoadJob):
    """A load job at which dlt would look once a second, and not before a second has passed."""

    def run(self) -> None:
        """Run the job to its end. If it fails, dlt finds it again, and says what that means."""
        try:
            job = self._job_client._create_load_job(self._load_table, self._file_path)
        except GoogleAPICallError:
            super().run()
            return
        while job.state != "DONE":
            time.sleep(LOOK_SECONDS)
            job.reload(retry=self._default_retry, timeout=self._http_timeout)
        if job.error_result is not None:
            super().run()
            return
        self._bq_load_job = job


class _Client(BigQueryClient):
    labels: ClassVar[Mapping[str, str]]
    """Labels of each job."""
    connection: ClassVar[Connection]
    """The dataset, as the sync reaches it."""
    guard: ClassVar[Guard]
    """Checked before each load job and each merge."""
    existing: ClassVar[dict[str, Mapping[str, bigquery.Table]]]
    """The tables of a dataset, by its name, if they were read and did not change since."""
    stored: ClassVar[dict[str, list[StorageSchemaInfo]]]
    """The versions of the schema that a dataset stores, by its name, once they were read."""
    loading: ClassVar[set[str]]
    """Tables that are being loaded into their staging tables."""
    staged: ClassVar[list[Sequence[PreparedTableSchema]]]
    """Tables that were, and are not being merged yet."""
    merged_with: ClassVar[dict[str, str]]
    """The table after which the job is named that merges a table; empty until it is known."""

    def __enter__(self) -> Self:
        """Open the connection."""
        super().__enter__()
        client = self.sql_client.native_connection
        prepare_jobs(client, self.connection.billing_project)
        label_jobs(client, self.labels)
        return self

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """Return a job that loads a file or merges a table."""
        self.guard.check()
        job = super().create_load_job(table, file_path, load_id, restore)
        if type(job) is BigQueryLoadJob:
            return _LoadJob(file_path, self.config.http_timeout, self.config.retry_deadline)
        return job

    def _create_merge_followup_jobs(
        self, table_chain: Sequence[PreparedTableSchema]
    ) -> list[FollowupJobRequest]:
        """Return the job that merges this table and the one before it, or none if it has to wait.

        A project may start so many jobs a day. More tables in one would take longer, because
        BigQuery runs the statements of a script one after the other.
        """
        self.staged.append(table_chain)
        last = str(table_chain[0]["name"])
        self.loading.discard(last)
        if self.loading and len(self.staged) < MERGED_AT_ONCE:
            self.merged_with[last] = ""
            return []
        self.merged_with.update((str(of[0]["name"]), last) for of in self.staged)
        jobs: list[FollowupJobRequest] = [
            BigQueryMergeJob.from_table_chain(of, self.sql_client) for of in self.staged
        ]
        self.staged.clear()
        paths = [Path(job.new_file_path()) for job in jobs]
        statements = [path.read_text(encoding="utf-8") for path in paths]
        paths[-1].write_text("\n".join(statements), encoding="utf-8")
        return jobs[-1:]

    def initialize_storage(self, truncate_tables: Iterable[str] | None = None) -> None:
        """Create the dataset if it is missing.

        Raises `LoadError` if something else has the name of a staging table. `BigQueryClient` also
        empties the named tables by a script (dlt 1.31). These are staging tables, and each load
        replaces what is in them.
        """
        dataset = self.sql_client.dataset_name
        if truncate_tables is not None:
            if self.sql_client.is_staging_dataset_active:
                self.loading.update(truncate_tables)
            return
        if self.sql_client.is_staging_dataset_active and (found := check_staging(self.connection)):
            self.existing[dataset] = found
        if dataset in self.existing:
            return
        try:
            SqlJobClientBase.initialize_storage(self)
        except DatabaseTerminalException as error:
            # It was created in the meantime, or by a call whose answer was lost.
            if not isinstance(error.__cause__, Conflict):
                raise

    def _create_load_job(self, table: PreparedTableSchema, file_path: str) -> bigquery.LoadJob:
        """Start the job that loads a file in place of what the staging table holds.

        So it does no harm that dlt starts another job whenever it lost sight of the first.
        """
        client = self.sql_client.native_connection
        job_id = BigQueryLoadJob.get_job_id_from_file_path(file_path)

        def start() -> bigquery.LoadJob:
            with Path(file_path).open("rb") as file:
                return client.load_table_from_file(
                    file,
                    self.sql_client.make_qualified_table_name(str(table["name"]), quote=False),
                    job_id=job_id,
                    job_config=bigquery.LoadJobConfig(
                        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                        create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
                        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE_DATA,
                    ),
                    timeout=self.config.file_upload_timeout,
                )

        return start_load(client, job_id, start)

    def get_stored_schema(self, schema_name: str | None = None) -> StorageSchemaInfo:
        """Return the newest schema that the dataset stores, or None. Runs no job."""
        stored = [info for info in self._stored() if schema_name in (None, info.schema_name)]
        return max(stored, key=lambda info: info.inserted_at, default=None)  # type: ignore[return-value] # dlt's, too

    def get_stored_schema_by_hash(self, version_hash: str) -> StorageSchemaInfo:
        """Return the schema with this hash, if the dataset stores it. Runs no job."""
        found = (info for info in self._stored() if info.version_hash == version_hash)
        return next(found, None)  # type: ignore[return-value] # dlt's, too

    def _stored(self) -> list[StorageSchemaInfo]:
        """Return the versions of the schema. dlt queries them, which takes a job each time."""
        dataset, table = self.sql_client.dataset_name, self.schema.version_table_name
        if dataset not in self.stored:
            client = self.sql_client.native_connection
            try:
                known = self.existing.get(dataset, {})
                found = known.get(table) or client.get_table(f"{dataset}.{table}")
                rows = [StorageSchemaInfo(**row) for row in client.list_rows(found)]
            except NotFound:
                rows = []
            self.stored[dataset] = rows
        return self.stored[dataset]

    def complete_load(self, load_id: str) -> None:
        """Leave it to the end of the sync to mark the load as complete, which takes a job here."""

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
        dataset = self.sql_client.dataset_name
        connection = Connection(self.sql_client.native_connection, dataset)
        found = self.existing.get(dataset) or connection.find_tables(names)
        is_complete = all(
            name in found
            and self.schema.get_table_columns(name).keys() <= {f.name for f in found[name].schema}
            for name in names
        )
        if is_complete and self.sql_client.is_staging_dataset_active:
            return {}
        if is_complete and self.get_stored_schema_by_hash(self.schema.stored_version_hash):
            return {}
        self.existing.pop(dataset, None)
        try:
            return super().update_stored_schema(names, expected_update, force or not is_complete)
        finally:
            self.stored.pop(dataset, None)


class BigQuery(dlt.destinations.bigquery):
    """A destination with the arguments of `dlt.destinations.bigquery`."""

    used: type[BigQueryClient]
    """The class of the client that loads into it, from `client_for`."""

    @property
    def client_class(self) -> type[BigQueryClient]:
        """The same; dlt asks for it more than once."""
        return self.used


def client_for(
    connection: Connection,
    guard: Guard,
    existing: Mapping[str, Mapping[str, bigquery.Table]],
    merged_with: dict[str, str],
) -> type[BigQueryClient]:
    """Return the class of the client of one load, because dlt makes several of it.

    Its jobs run where the jobs of `connection` do, and have the same labels. `guard` is checked
    before each load job and each merge, and `existing` has the tables of a dataset, by its name, if
    the sync has read them. `merged_with` gets, for each table that is loaded, the one after which
    the job is named that merges it, or nothing until that is known.
    """
    known: dict[str, object] = {
        "labels": labels_of(connection.client),
        "connection": connection,
        "guard": guard,
        "existing": dict(existing),
        "stored": {},
        "loading": set(),
        "staged": [],
        "merged_with": merged_with,
    }
    return type("_Client", (_Client,), known)
