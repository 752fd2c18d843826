"""A load by dlt's pipeline: a source is read to the end, then its rows are merged."""

import contextlib
import ctypes
import gc
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import dlt
from dlt.common.destination.client import WithStateSync
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.runtime.collector_base import Collector
from dlt.extract.source import DltSource
from google.cloud import bigquery

from scanner_sync.progress import Progress
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.destination import BigQuery, client_for
from scanner_sync.warehouse.held import Held
from scanner_sync.warehouse.jobs import Guard
from scanner_sync.warehouse.load_files import LoadFile, load_file_source

# dlt offers to read rows through BigQuery's Storage API. Nothing is read here.
warnings.filterwarnings("ignore", message="Cannot create BigQuery Storage client")

_M_TRIM_THRESHOLD: Final = -1
_M_ARENA_MAX: Final = -8
"""Options of glibc's `malloc.h`."""
PIPELINE_NAME: Final = "scanner_sync"
"""The name under which dlt stores the schema in the dataset."""


@contextlib.contextmanager
def load(
    connection: Connection,
    progress: Progress,
    guard: Guard,
    existing: Mapping[str, bigquery.Table],
    held: Mapping[str, Held],
) -> Iterator["Load"]:
    """Yield a load with a new working directory, which is removed at the end.

    In an old one, dlt would first load what a failed load left there. The schema is stored in the
    dataset. `guard` is checked before each job. `existing` are the tables of the dataset, if they
    were read. `held` is what some of them hold.
    """
    with tempfile.TemporaryDirectory(prefix="scanner_sync-") as directory:
        destination = BigQuery(
            credentials=connection.credentials,  # type: ignore[arg-type] # dlt takes Google's
            location=connection.location,
            project_id=connection.client.project,
            destination_name="bigquery",
        )
        known = {connection.dataset: existing} if existing else {}
        merged_with: dict[str, str] = {}
        destination.used = client_for(connection, guard, known, merged_with)
        pipeline = dlt.pipeline(
            PIPELINE_NAME,
            pipelines_dir=directory,
            dataset_name=connection.dataset,
            destination=destination,
            progress=_Jobs(progress, merged_with),
        )
        try:
            yield Load(pipeline, progress, guard, held, compress=not connection.is_emulator)
        finally:
            pipeline.deactivate()


class Load:
    """One load: `read` a source, then `commit` it.

    `held` is what tables hold that nobody has changed since; equal rows are not loaded again.
    `compress` is whether the load files are gzip, which the emulators do not read.
    """

    def __init__(
        self,
        pipeline: dlt.Pipeline,
        progress: Progress,
        guard: Guard,
        held: Mapping[str, Held],
        *,
        compress: bool,
    ) -> None:
        self.pipeline = pipeline
        self._held = held
        self._guard = guard
        self._progress = progress
        self._compress = compress
        self._files: dict[str, LoadFile] = {}

    def keep(self, issue: int, rows: list[dict[str, Any]], is_last: bool) -> None:
        """Keep a page of an issue's occurrences while a source is read.

        They are loaded if the last page comes. Called in several threads.
        """
        file = self._files["occurrences_issues"]
        self._progress.count_rows(file.table, file.write_page(issue, rows, is_last=is_last))

    def read(self, source: DltSource, rest: Callable[[], DltSource | None] = lambda: None) -> None:
        """Read a source to the end, into load files. The dataset does not change.

        Then `rest` is called for a source of more rows for the same tables, or None. Raises what
        the sources raise, wrapped in dlt's exceptions, and Google's errors.
        """
        with self._progress.step("reading_schema"):
            self._restore_schema(source.name)
        with self._progress.step("reading_api"):
            self.extract(source, rest)

    def extract(
        self, source: DltSource, rest: Callable[[], DltSource | None] = lambda: None
    ) -> None:
        """Do what `read` does, without a look at the dataset."""
        gc.freeze()  # saves the collector from visiting all imported modules again
        _return_freed_memory()
        files = load_file_source(
            source,
            Path(self.pipeline.pipelines_dir),
            self._files,
            compress=self._compress,
            on_rows=self._progress.count_rows,
            held=self._held,
            rest=rest,
        )
        self.pipeline.extract(files)

    def commit(self) -> str | None:
        """Load and merge what was read. Returns the load's id, or None if there were no rows.

        Tables that hold these rows already are left as they are, see `held`.
        The load is not marked as complete in `_dlt_loads`, which is left to `complete_load`. Raises
        dlt's and Google's errors. Rows that were merged before an error stay merged.
        """
        with self._progress.step("loading"):
            self._guard.check()
            self.pipeline.normalize()
            if not all(self._progress.rows_read.values()):
                # dlt creates the tables that get rows; this creates the others.
                self.pipeline.sync_schema()
            self.pipeline.load()
        return next((file.load_id for file in self._files.values() if file.rows), None)

    @property
    def held(self) -> dict[str, Held]:
        """What each table holds that was read: its digest, and the load that brought it."""
        return {
            table: self._held[table]
            if file.is_held or (not file.rows and table in self._held)
            else Held(file.digest, file.load_id)
            for table, file in self._files.items()
        }

    @property
    def unchanged(self) -> dict[str, str]:
        """The loads that brought the rows of tables that were not loaded again, by table."""
        return {
            table: self._held[table].load_id for table, file in self._files.items() if file.is_held
        }

    @property
    def schema(self) -> tuple[str, str]:
        """The name and the hash of the schema, for `_dlt_loads`."""
        schema = self.pipeline.default_schema
        return schema.name, schema.version_hash

    def _restore_schema(self, name: str) -> None:
        """Restore the schema from the dataset: it has columns that no table declares."""
        with self.pipeline.destination_client() as client:
            assert isinstance(client, WithStateSync)
            with contextlib.suppress(DestinationUndefinedEntity):  # the first load
                if stored := client.get_stored_schema(name):
                    schema = dlt.Schema.from_dict(json.loads(stored.schema))
                    self.pipeline.schemas.save_schema(schema)


def _return_freed_memory() -> None:
    """Let glibc return what is freed to the system, so that threads do not each keep their most.

    Other C libraries have no such option. See mallopt(3).
    """
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        # One arena for all threads: as Python runs one thread at a time, they do not compete.
        mallopt(_M_ARENA_MAX, 1)
        # The default. Naming it keeps glibc from raising it, and the size from which memory is
        # mapped by itself, to the size of a page that was freed.
        mallopt(_M_TRIM_THRESHOLD, 128 * 2**10)


class _Jobs(Collector):
    """Counts the jobs of dlt's load step in `Progress`.

    `merged_with` has the table after which the job is named that merges a table, see `client_for`.
    """

    def __init__(self, progress: Progress, merged_with: Mapping[str, str]) -> None:
        self._progress = progress
        self._merged_with = merged_with

    def update(
        self,
        name: str,
        inc: int = 1,
        total: int | None = None,
        inc_total: int | None = None,
        message: str | None = None,
        label: str | None = None,
    ) -> None:
        """Count jobs that were added or have ended."""
        if self.step.startswith("Load") and name == "Jobs" and label is None:
            self._progress.jobs["done"] += inc
            self._progress.jobs["all"] += (total or 0) + (inc_total or 0)
            self._progress.loaded = _loaded_tables(dlt.current.pipeline(), self._merged_with)

    def _start(self, step: str) -> None:
        """Do nothing, because `Progress` times the steps."""

    def _stop(self) -> None:
        """Do nothing, like `_start`."""


def _loaded_tables(pipeline: dlt.Pipeline, merged_with: Mapping[str, str]) -> set[str]:
    running, completed = set[str](), set[str]()
    for load_id in pipeline.list_normalized_load_packages():
        for state, jobs in pipeline.get_load_package_info(load_id).jobs.items():
            tables = {job.job_file_info.table_name for job in jobs}
            (completed if state == "completed_jobs" else running).update(tables)
    return {name for name in completed if merged_with.get(name, name) in completed - running}
