"""The dlt pipeline: it reads the source to the end, then merges into BigQuery."""

import contextlib
import gc
import json
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import dlt
import google.auth
from dlt.common.destination.client import WithStateSync
from dlt.common.destination.exceptions import DestinationException, DestinationUndefinedEntity
from dlt.common.exceptions import TransientException
from dlt.extract.source import DltSource
from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound
from google.auth.exceptions import (
    DefaultCredentialsError,
    GoogleAuthError,
    RefreshError,
    TransportError,
)
from google.cloud import bigquery
from google.oauth2.credentials import Credentials
from requests.exceptions import ConnectionError, HTTPError

from scanner_sync import log
from scanner_sync.api import ApiSession
from scanner_sync.destination import BigQuery
from scanner_sync.dlt_config import configure_dlt
from scanner_sync.errors import (
    ApiError,
    InternalError,
    LoadError,
    LoadUnavailable,
    SettingsError,
    SyncError,
    causes_of,
    machine_error,
)
from scanner_sync.files import file_source
from scanner_sync.history import (
    check_arrival,
    check_names,
    count_arrived,
    keep_histories,
    keep_tables,
    keep_views,
)
from scanner_sync.lease import Lease, is_passing
from scanner_sync.listing import ApiResponse
from scanner_sync.progress import Progress
from scanner_sync.report import Report
from scanner_sync.settings import Settings
from scanner_sync.source import confirm_vanished, scanner_source

# dlt offers to read rows through BigQuery's Storage API. Nothing is read here.
warnings.filterwarnings("ignore", message="Cannot create BigQuery Storage client")

PIPELINE_NAME: Final = "scanner_sync"
"""Under which dlt keeps its state in the dataset."""


def sync(
    settings: Settings,
    token: str,
    resources: tuple[str, ...],
    progress: Progress,
    abort: Callable[[SyncError], None],
) -> Report:
    """Read `resources` from the API to the end, then merge them into the dataset.

    Nothing is loaded before all is read. Raises a `SyncError` for whatever goes wrong; `abort` is
    called, in another thread, where the run may not go on.
    """
    deadline = progress.deadline
    try:
        configure_dlt(settings)
        project, credentials = google_account(settings)
        client = bigquery.Client(project, credentials, location=settings.bigquery_location)
        deadline.doing = "waiting for another run to end"
        with Lease(client, settings.dataset, deadline, abort, name_of=_name_of):

            def work() -> tuple[str | None, Mapping[str, Mapping[str, int]]]:
                found = check_names(client, settings.dataset, settings.history)
                with fresh_pipeline(settings, project, credentials, progress) as pipeline:
                    source = source_of(settings, token, progress, pipeline)
                    load_id = _run(pipeline, source, progress)
                rows = progress.rows_read
                if not settings.history:
                    if load_id:
                        deadline.doing = "counting the rows that arrived"
                        check_arrival(rows, count_arrived(client, settings.dataset, rows, load_id))
                    return load_id, {}
                deadline.doing = "keeping the histories"
                keep_tables(client, settings.dataset, found)
                keep_views(client, settings.dataset, found)
                return load_id, keep_histories(client, settings.dataset, rows, load_id)

            # An interrupt comes to the main thread, which waits here; where it came upon a library
            # at work, that could swallow it.
            worker = ThreadPoolExecutor(1, "sync")
            load_id, history = worker.submit(work).result()
            worker.shutdown()
    except Exception as error:
        found = diagnose(error)
        if found not in causes_of(error):
            # Where it came from; not the messages, which may quote a row.
            causes = [{type(cause).__name__: log.frames_of(cause)} for cause in causes_of(error)]
            log.event("fault", logging.ERROR, causes=causes)
        raise found from None
    return Report(
        load_id=load_id,
        dataset=settings.dataset,
        rows=progress.rows_read,
        history=history,
        traffic=progress.traffic,
        seconds=deadline.elapsed,
    )


def source_of(
    settings: Settings, token: str, progress: Progress, pipeline: dlt.Pipeline
) -> DltSource:
    """The source of the run that `progress` counts, whose files lie in the pipeline's directory."""
    session = ApiSession(
        settings.api_base_url,
        token_source=settings.token_source,
        max_concurrent=settings.max_concurrent_requests,
        deadline=progress.deadline,
        on_page=progress.page,
    )
    progress.traffic = session.traffic
    source = scanner_source(
        settings.api_base_url, token, settings.page_size, session, progress.resources
    )
    return file_source(
        source,
        Path(pipeline.pipelines_dir),
        compress=not settings.bigquery_emulator,  # the emulators read no gzip
        on_rows=progress.rows,
        on_end=lambda: confirm_vanished(source, session),
    )


def _run(pipeline: dlt.Pipeline, source: DltSource, progress: Progress) -> str | None:
    """Read all, then merge it; gives the load's id, None where there was nothing to load."""
    deadline = progress.deadline
    deadline.doing = "reading the dataset's schema"
    _restore_schema(pipeline, source.name)
    deadline.doing = "reading the API"
    gc.freeze()  # what was imported stays, so that it is not looked through again and again
    pipeline.extract(source)
    pipeline.normalize()
    deadline.doing = "loading into BigQuery"
    if not all(progress.rows_read.values()):
        # dlt creates a table when rows come for it; this creates those that have none, too.
        pipeline.sync_schema()
    load_info = pipeline.load()
    return load_info.loads_ids[-1] if load_info.loads_ids else None


def _restore_schema(pipeline: dlt.Pipeline, name: str) -> None:
    """Bring back what earlier runs know of the tables: the columns of fields that the API added."""
    with pipeline.destination_client() as client:
        assert isinstance(client, WithStateSync)
        with contextlib.suppress(DestinationUndefinedEntity):  # there was no run yet
            if stored := client.get_stored_schema(name):
                pipeline.schemas.save_schema(dlt.Schema.from_dict(json.loads(stored.schema)))


@contextmanager
def fresh_pipeline(
    settings: Settings, project: str, credentials: Credentials | None, progress: Progress
) -> Iterator[dlt.Pipeline]:
    """A pipeline whose working directory is new, and gone afterwards.

    What a failed run left behind would otherwise be loaded in place of the next run's rows. The
    schema is in the dataset.
    """
    with tempfile.TemporaryDirectory(prefix="scanner_sync-") as directory:
        pipeline = dlt.pipeline(
            PIPELINE_NAME,
            pipelines_dir=directory,
            dataset_name=settings.dataset,
            destination=BigQuery(
                credentials=credentials,  # type: ignore[arg-type] # dlt takes Google's own
                location=settings.bigquery_location,
                project_id=project,
                destination_name="bigquery",
            ),
            progress=progress,
        )
        progress.pipeline = pipeline
        try:
            yield pipeline
        finally:
            pipeline.deactivate()


def google_account(settings: Settings) -> tuple[str, Credentials | None]:
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


def diagnose(error: BaseException) -> SyncError:  # noqa: PLR0911 - one return for each cause
    """The `SyncError` that says what `error`, or what caused it, means to the caller.

    Messages of other libraries may quote rows, so none is passed on but Google's on permissions.
    """
    causes = list(causes_of(error))
    for cause in causes:
        if isinstance(cause, SyncError):
            return cause
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
        if isinstance(cause, RefreshError) and not cause.retryable:
            return SettingsError(
                "Google does not take the credentials that were found. On a laptop: gcloud auth"
                " application-default login."
            )
        if isinstance(cause, Forbidden) and not is_passing(cause):
            return LoadError(
                f"BigQuery denies access: {cause.message} The account needs"
                " roles/bigquery.jobUser on the project, and roles/bigquery.dataEditor on the"
                " dataset and its _staging twin."
            )
        if isinstance(cause, NotFound):
            return LoadError(
                f"BigQuery does not find what is needed: {str(cause.message).rstrip('.')}. Check"
                " GOOGLE_CLOUD_PROJECT and DATASET. The next sync makes a table that was dropped."
            )
    if found := machine_error(error):
        return found
    for cause in causes:
        if isinstance(cause, ConnectionError | TransportError):
            return LoadUnavailable(
                f"BigQuery cannot be reached ({type(cause).__name__}). Check the network of this"
                " machine, its DNS and its proxy, and try again."
            )
    kinds = " < ".join(dict.fromkeys(type(cause).__name__ for cause in causes))
    # dlt takes each failed statement whose reason it does not know for one that passes.
    is_googles = any(isinstance(cause, GoogleAPICallError) for cause in causes)
    passing = () if is_googles else (TransientException, GoogleAuthError)
    if any(isinstance(cause, passing) or is_passing(cause) for cause in causes):
        return LoadUnavailable(
            f"BigQuery did not do what it was asked ({kinds}). The next run starts anew."
        )
    if any(isinstance(cause, DestinationException | GoogleAPICallError) for cause in causes):
        return LoadError(f"BigQuery refused what it was asked ({kinds}). See the job in BigQuery.")
    return InternalError(f"A fault of this program: {kinds}. The log has where; report it.")


def _name_of(error: BaseException) -> str:
    interrupted = isinstance(error, KeyboardInterrupt)
    return "Interrupted" if interrupted else type(diagnose(error)).__name__
