"""The dlt pipeline: it reads the source to the end, then merges into BigQuery."""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import dlt
import google.auth
from dlt.common.destination.exceptions import DestinationException
from dlt.common.exceptions import TransientException
from dlt.common.schema.exceptions import DataValidationError
from dlt.extract.source import DltSource
from google.api_core.exceptions import Forbidden, GoogleAPICallError
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.cloud import bigquery
from google.oauth2.credentials import Credentials
from requests.exceptions import HTTPError

from scanner_sync import log
from scanner_sync.api import ApiTransport
from scanner_sync.deadline import Deadline
from scanner_sync.errors import (
    ApiError,
    InternalError,
    LoadError,
    LoadUnavailable,
    SettingsError,
    SyncError,
)
from scanner_sync.history import HISTORIES, changes_at, close_all, keep_views
from scanner_sync.lease import Lease, is_passing
from scanner_sync.listing import ApiResponse
from scanner_sync.report import Report
from scanner_sync.settings import Settings
from scanner_sync.source import scanner_source

# dlt offers to read rows through BigQuery's Storage API. Nothing is read here.
warnings.filterwarnings("ignore", message="Cannot create BigQuery Storage client")

PIPELINE_NAME: Final = "scanner_sync"
"""Under which dlt keeps its state in the dataset."""


def sync(
    settings: Settings,
    token: str,
    resources: tuple[str, ...],
    deadline: Deadline,
    abort: Callable[[SyncError], None],
) -> Report:
    """Read `resources` from the API to the end, then merge them into the dataset.

    Nothing is loaded before all is read. Raises a `SyncError` for whatever goes wrong; `abort` is
    called, in another thread, where the run may not go on.
    """
    transport = ApiTransport(
        settings.api_base_url,
        token_source=settings.token_source,
        max_concurrent=settings.max_concurrent_requests,
        deadline=deadline,
    )
    try:
        _configure_dlt(settings)
        project, credentials = _google_account(settings)
        client = bigquery.Client(project, credentials, location=settings.bigquery_location)
        deadline.doing = "waiting for another run to end"
        with (
            Lease(client, settings.dataset, deadline, abort),
            _fresh_pipeline(settings, project, credentials) as pipeline,
        ):
            # Not before the lease is held: the histories of two runs follow each other.
            now = datetime.now(UTC)
            source = scanner_source(
                settings.api_base_url,
                token,
                settings.page_size,
                transport,
                resources,
                history_at=now if settings.history else None,
            )
            load_id, rows = _run(pipeline, source, deadline)
            history = _finish_history(client, source, rows, now, settings.dataset)
    except Exception as error:
        found = diagnose(error)
        if found not in _causes(error):
            # Where it came from; not the messages, which may quote a row.
            causes = [{type(cause).__name__: log.frames_of(cause)} for cause in _causes(error)]
            log.event("fault", logging.ERROR, causes=causes)
        raise found from None
    return Report(
        load_id=load_id,
        dataset=settings.dataset,
        rows={table: rows.get(table, 0) for table in resources},
        history=history,
        traffic=transport.traffic,
        seconds=deadline.elapsed,
    )


def _run(
    pipeline: dlt.Pipeline, source: DltSource, deadline: Deadline
) -> tuple[str | None, dict[str, int]]:
    deadline.doing = "reading the dataset's state"
    pipeline.sync_destination()
    deadline.doing = "reading the API"
    pipeline.extract(source)
    deadline.doing = "preparing the rows"
    rows = pipeline.normalize().row_counts
    deadline.doing = "loading into BigQuery"
    if not all(
        rows.get(table) for table in source.schema.data_table_names(include_incomplete=True)
    ):
        # dlt creates a table when rows come for it; this creates those that have none, too.
        pipeline.sync_schema()
    load_info = pipeline.load()
    return load_info.loads_ids[-1] if load_info.loads_ids else None, rows


def _finish_history(
    client: bigquery.Client, source: DltSource, rows: dict[str, int], now: datetime, dataset: str
) -> dict[str, dict[str, int]]:
    """What dlt leaves to do for the histories; gives what was opened, closed and changed."""
    names = [name for name in HISTORIES if name in source.selected_resources]
    if not names:
        return {}
    close_all(client, dataset, [name for name in names if not rows.get(name)], now)
    keep_views(client, dataset)
    return changes_at(client, dataset, names, now)


@contextmanager
def _fresh_pipeline(
    settings: Settings, project: str, credentials: Credentials | None
) -> Iterator[dlt.Pipeline]:
    """A pipeline whose working directory is new, and gone afterwards.

    What a failed run left behind would otherwise be loaded in place of the next run's rows. State
    and schema are in the dataset.
    """
    with tempfile.TemporaryDirectory(prefix="scanner_sync-") as directory:
        pipeline = dlt.pipeline(
            PIPELINE_NAME,
            pipelines_dir=directory,
            dataset_name=settings.dataset,
            destination=dlt.destinations.bigquery(
                credentials=credentials,  # type: ignore[arg-type] # dlt takes Google's own
                location=settings.bigquery_location,
                project_id=project,
            ),
        )
        try:
            yield pipeline
        finally:
            pipeline.deactivate()


def _google_account(settings: Settings) -> tuple[str, Credentials | None]:
    """The project, and the credentials where they are not to be found in the usual places."""
    project = settings.google_cloud_project
    credentials = None
    if settings.bigquery_emulator:
        # dlt takes no AnonymousCredentials.
        anonymous = {"token": "anonymous", "quota_project_id": project}
        credentials = Credentials(**anonymous)  # type: ignore[no-untyped-call]
    elif project is None:
        _, project = google.auth.default()
    if project is None:
        raise SettingsError(
            "GOOGLE_CLOUD_PROJECT is required: the Google credentials name no project."
        )
    return project, credentials


def _configure_dlt(settings: Settings) -> None:
    """What dlt takes from its configuration only; the environment wins over it."""
    dlt.config["runtime.dlthub_telemetry"] = False
    # dlt has read its own log level by now.
    logging.getLogger("dlt").setLevel("DEBUG" if settings.log_level == "DEBUG" else "WARNING")
    dlt.config["extract.workers"] = settings.max_concurrent_requests
    dlt.config["extract.max_parallel_items"] = settings.max_concurrent_requests
    if settings.bigquery_emulator:
        # The emulators read no gzip.
        dlt.config["normalize.data_writer.disable_compression"] = True


def diagnose(error: BaseException) -> SyncError:  # noqa: PLR0911 - one return for each cause
    """The `SyncError` that says what `error`, or what caused it, means to the caller.

    Messages of other libraries may quote rows, so none is passed on but Google's on permissions.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, SyncError):
            return cause
        if isinstance(cause, DataValidationError):
            # dlt names the column that it would have added for the other type: NAME__v_TYPE.
            return ApiError(
                f"Column {cause.column_name.partition('__v_')[0]} of {cause.table_name} has values"
                " of another type than before. Nothing was loaded. The API has changed: report it."
            )
        if isinstance(cause, HTTPError) and isinstance(cause.response, ApiResponse):
            return ApiError(
                f"The API gave status {cause.response.status_code} for"
                f" {cause.response.resource}. Nothing was loaded. Check API_BASE_URL."
            )
        if isinstance(cause, DefaultCredentialsError):
            return SettingsError(
                "No Google credentials to reach BigQuery with. On a laptop: gcloud auth"
                " application-default login."
            )
        if isinstance(cause, Forbidden) and not is_passing(cause):
            return LoadError(
                f"BigQuery denies access: {cause.message} The account needs"
                " roles/bigquery.jobUser on the project, and roles/bigquery.dataEditor on the"
                " dataset and its _staging twin."
            )
    kinds = " < ".join(dict.fromkeys(type(cause).__name__ for cause in causes))
    passing = (TransientException, GoogleAuthError)
    if any(isinstance(cause, passing) or is_passing(cause) for cause in causes):
        return LoadUnavailable(
            f"BigQuery did not do what it was asked ({kinds}). The next run starts anew."
        )
    if any(isinstance(cause, DestinationException | GoogleAPICallError) for cause in causes):
        return LoadError(f"BigQuery refused what it was asked ({kinds}). See the job in BigQuery.")
    return InternalError(f"A fault of this program: {kinds}. The log has where; report it.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
