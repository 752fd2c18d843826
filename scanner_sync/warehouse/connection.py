"""A connection to a dataset."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Self

import google.auth
from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.api_core.retry import Retry, if_exception_type
from google.cloud import bigquery
from google.cloud.bigquery.table import (
    ColumnReference,
    ForeignKey,
    PrimaryKey,
    RowIterator,
    TableConstraints,
)
from google.oauth2.credentials import Credentials

from scanner_sync.errors import LoadError, SettingsError
from scanner_sync.schema.columns import BIGQUERY_TYPES, Column, Table
from scanner_sync.settings import Settings
from scanner_sync.warehouse.jobs import prepare_jobs

LOCATE_SECONDS: Final = 10.0
"""Time in which BigQuery has to say where a dataset is."""
STAGING: Final = "_staging"
"""End of the name of the dataset in which dlt stages rows."""
FIND_AT_ONCE: Final = 10
"""Tables that are looked for at once. Google's client keeps as many connections."""
CHANGED: Final = (Conflict, NotFound, PreconditionFailed)
"""Answers to a change of something that is no longer as it was read. Google's client also gets them
if it repeats a call that was done and whose answer was lost."""
CHANGED_SECONDS: Final = 30.0
"""Time in which such a change is tried again."""
_MODES: Final = {True: "REQUIRED", False: "NULLABLE"}


def schema_of(columns: Mapping[str, Column]) -> list[bigquery.SchemaField]:
    """Return declared columns as BigQuery's client declares them."""
    return [
        bigquery.SchemaField(
            column,
            kind.removeprefix("ARRAY<").removesuffix(">"),
            mode="REPEATED" if kind.startswith("ARRAY") else _MODES[of.required],
            description=of.description,
        )
        for column, of in columns.items()
        for kind in [BIGQUERY_TYPES[of.type]]
    ]


def milliseconds_of(table: bigquery.Table) -> int:
    """Return when a table was last changed, in milliseconds since 1970; 0 if that is not known."""
    return round(table.modified.timestamp() * 1000) if table.modified else 0


def statement(name: str) -> str:
    """Return the text of a file of SQL beside this one, in which `{dataset}` is the dataset."""
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Connection:
    """A dataset and the client that reaches it, made once for a whole sync or command."""

    client: bigquery.Client
    dataset: str
    credentials: Credentials | None = None
    """Credentials for an emulator; None elsewhere, where Google's libraries find them."""
    billing_project: str | None = None
    """The project in which jobs run, if that is not the dataset's."""

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Return a connection to the dataset of the settings, without a request to BigQuery.

        Raises `SettingsError` if no project is known, and google.auth's errors if there are no
        credentials.
        """
        project = settings.google_cloud_project
        credentials = None
        if settings.bigquery_emulator_host:
            # dlt rejects AnonymousCredentials.
            anonymous = {"token": "anonymous", "quota_project_id": project}
            credentials = Credentials(**anonymous)  # type: ignore[no-untyped-call]
        elif project is None:
            _, project = google.auth.default()
        if project is None:
            raise SettingsError(
                "GOOGLE_CLOUD_PROJECT is required, because the Google credentials name no project."
            )
        client = bigquery.Client(project, credentials, location=settings.bigquery_location)
        prepare_jobs(client, settings.bigquery_billing_project)
        return cls(client, settings.dataset, credentials, settings.bigquery_billing_project)

    def located(self) -> Self:
        """Return a connection to the same dataset in the location that it really has.

        If it does not exist, that is the location of the settings. Makes one API call.
        """
        # Without a network, Google's client would try for ten minutes.
        retry = bigquery.DEFAULT_RETRY.with_timeout(LOCATE_SECONDS)
        try:
            found = self.client.get_dataset(self.dataset, retry=retry, timeout=LOCATE_SECONDS)
        except NotFound:
            return self
        if str(found.location).lower() == self.location.lower():
            return self
        client = bigquery.Client(self.client.project, self.credentials, location=found.location)
        prepare_jobs(client, self.billing_project)
        return replace(self, client=client)

    @property
    def name(self) -> str:
        """The full name of the dataset, `PROJECT.DATASET`."""
        return f"{self.client.project}.{self.dataset}"

    @property
    def location(self) -> str:
        """The location of the dataset in the settings, such as `US`."""
        return str(self.client.location)

    @property
    def is_emulator(self) -> bool:
        """Whether BigQuery is a local emulator."""
        return self.credentials is not None

    def check_location(self, dataset: bigquery.Dataset) -> None:
        """Check that a dataset is in the location of the settings. Raises `SettingsError`."""
        if str(dataset.location).lower() != self.location.lower():
            raise SettingsError(
                f"The dataset {dataset.dataset_id} is in {dataset.location}, but BIGQUERY_LOCATION"
                f" is {self.location}. Set BIGQUERY_LOCATION to {dataset.location}."
            )

    def find_dataset(self) -> bigquery.Dataset:
        """Return the dataset. Raises `LoadError` if it does not exist."""
        try:
            return self.client.get_dataset(self.dataset)
        except NotFound:
            raise LoadError(
                f"Dataset {self.dataset} does not exist in project {self.client.project}. The first"
                " sync creates it. If it should exist, check DATASET and GOOGLE_CLOUD_PROJECT."
            ) from None

    def find_tables(self, names: Iterable[str], suffix: str = "") -> dict[str, bigquery.Table]:
        """Return the tables and views among `names` that exist, by name.

        They are looked for in the dataset that has this one's name with `suffix` at its end.
        Makes one API call for each name, in parallel, and no jobs.
        """

        def find(name: str) -> bigquery.Table | None:
            try:
                return self.client.get_table(f"{self.name}{suffix}.{name}")
            except NotFound:
                return None

        with ThreadPoolExecutor(FIND_AT_ONCE, "tables") as pool:
            return {table.table_id: table for table in pool.map(find, names) if table is not None}

    def ensure_table(
        self,
        name: str,
        columns: Mapping[str, Column],
        existing: bigquery.Table | None,
        clustered_by: Sequence[str] = (),
    ) -> None:
        """Create a table, or add the columns that the `existing` one lacks. Runs no jobs."""
        fields = schema_of(columns)

        def put(found: bigquery.Table | None) -> None:
            if found is None:
                table = bigquery.Table(f"{self.name}.{name}", fields)
                table.clustering_fields = list(clustered_by) or None
                self.client.create_table(table)
                return
            present = {field.name for field in found.schema}
            if missing := [field for field in fields if field.name not in present]:
                found.schema = [*found.schema, *missing]
                self.client.update_table(found, ["schema"])

        self.change(name, existing, put)

    def ensure_keys(
        self, tables: Mapping[str, Table], existing: Mapping[str, bigquery.Table]
    ) -> None:
        """Declare the keys of the tables that exist, and to which tables they refer. Runs no jobs.

        BigQuery plans joins by them, and does not enforce them.
        """

        def put(found: bigquery.Table | None, keys: TableConstraints) -> None:
            if found and (found.table_constraints is None or found.table_constraints != keys):
                found.table_constraints = keys
                self.client.update_table(found, ["table_constraints"])

        for name in [name for name in tables if name in existing]:
            references = [
                ForeignKey(
                    f"{name}_{column}",
                    existing[of.references].reference,
                    [ColumnReference(column, *tables[of.references].key)],
                )
                for column, of in tables[name].columns.items()
                if of.references and of.references in existing
            ]
            keys = TableConstraints(PrimaryKey(list(tables[name].key)), references or None)
            self.change(name, existing[name], partial(put, keys=keys))

    def change(
        self, name: str, known: bigquery.Table | None, put: Callable[[bigquery.Table | None], None]
    ) -> None:
        """Create or update a table or view by `put`, whatever happens to it in the meantime.

        `put` gets it as it was read, or None if there was none, and does what is missing. If
        BigQuery answers that it is not so any more, it is read, and `put` gets it as it is now.
        """

        def again() -> None:
            put(self.find_tables([name]).get(name))

        try:
            put(known)
        except CHANGED:
            retry = Retry(if_exception_type(*CHANGED), initial=0.5, timeout=CHANGED_SECONDS)
            retry(again)()

    def run(
        self, sql: str, *parameters: bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter
    ) -> RowIterator:
        """Run a query, with the dataset in the place of `{dataset}`, and return its rows."""
        config = bigquery.QueryJobConfig(query_parameters=parameters)
        return self.client.query_and_wait(sql.replace("{dataset}", self.name), job_config=config)

    def now(self) -> datetime:
        """Return BigQuery's time, in UTC. All times in the dataset are BigQuery's. Runs a query."""
        [row] = self.client.query_and_wait("SELECT CURRENT_TIMESTAMP() AS now")
        now: datetime = row["now"]
        return now
