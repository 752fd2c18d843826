"""The jobs that a sync starts in BigQuery: they can outlive it, so each says whose it is."""

import contextlib
import hashlib
import io
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, Final, TypeVar

from google.api_core.exceptions import Conflict, NotFound
from google.api_core.retry import Retry
from google.cloud import bigquery

from scanner_sync.diagnose import repeated_for
from scanner_sync.errors import LoadUnavailable

Result = TypeVar("Result")

DATASET: Final = "scanner_sync_dataset"
"""Label: the dataset that the job is for."""
HOLDER: Final = "scanner_sync_holder"
"""Label: the holder of the lease on the dataset, see `lease.HOLDER`."""

_IN_UTC: Final = bigquery.ConnectionProperty("time_zone", "UTC")
"""A project or an organization may have another time zone for functions that are given none:
https://cloud.google.com/bigquery/docs/default-configuration. Days and weeks are in UTC here."""
_OF_JOBS: Final = (
    *("query", "query_and_wait", "load_table_from_file", "get_job", "list_jobs", "cancel_job"),
)
"""The methods of a client that start, find or end jobs."""


class Guard:
    """Keeps a sync from starting further jobs once it is about to release its lease."""

    def __init__(self) -> None:
        self._is_closed = threading.Event()

    def close(self) -> None:
        """Let no further job start."""
        self._is_closed.set()

    def check(self) -> None:
        """Raise `LoadUnavailable` if no further job may start."""
        if self._is_closed.is_set():
            raise LoadUnavailable("The sync is ending, and starts no further job.")


def labels_for(dataset: str, holder: str) -> dict[str, str]:
    """Return the labels of the jobs of a sync."""
    return {DATASET: _as_label(dataset), HOLDER: holder}


def label_jobs(client: bigquery.Client, labels: Mapping[str, str]) -> None:
    """Give all jobs that a client starts from now on these labels."""
    client.default_query_job_config = bigquery.QueryJobConfig(
        connection_properties=[_IN_UTC], labels=labels
    )
    client.default_load_job_config = bigquery.LoadJobConfig(labels=labels)


def labels_of(client: bigquery.Client) -> Mapping[str, str]:
    """Return the labels that the jobs of a client have."""
    config = client.default_query_job_config
    return dict(config.labels) if config else {}


def prepare_jobs(client: bigquery.Client, billing_project: str | None) -> None:
    """Have a client run its queries in UTC, and repeat what fails for a cause that passes.

    By itself, Google's client knows fewer causes. Its jobs run in `billing_project`, if there is
    one; a name without a project still belongs to the client's own project. The methods of
    the client are replaced, because dlt makes its own.
    """

    def repeating(run: Callable[..., Result]) -> Callable[..., Result]:
        @wraps(run)
        def run_and_repeat(query: str, *arguments: Any, **options: Any) -> Result:
            return run(query, *arguments, **{"job_retry": repeat(query)} | options)

        return run_and_repeat

    label_jobs(client, {})
    client.query = repeating(client.query)  # type: ignore[method-assign]
    client.query_and_wait = repeating(client.query_and_wait)  # type: ignore[method-assign]
    if billing_project:
        for name in _OF_JOBS:
            setattr(client, name, partial(getattr(client, name), project=billing_project))


def repeat(statement: str) -> Retry:
    """Return how a statement that is run now is repeated: see `repeated_for`."""
    started = time.monotonic()

    def is_worth_it(error: BaseException) -> bool:
        return time.monotonic() - started < repeated_for(error, statement)

    return Retry(is_worth_it, initial=1.0, maximum=10.0, timeout=None)


def start_load(
    client: bigquery.Client, job_id: str, start: Callable[[], bigquery.LoadJob]
) -> bigquery.LoadJob:
    """Start a load job, or find it if it was started by a call whose answer was lost.

    Google's client repeats the last part of an upload, whose session has ended then.
    """
    try:
        return start()
    except (Conflict, NotFound):
        job = client.get_job(job_id, retry=repeat("LOAD"))
        assert isinstance(job, bigquery.LoadJob)
        return job


def load_rows(
    client: bigquery.Client, table: str, lines: bytes, config: bigquery.LoadJobConfig
) -> None:
    """Load rows, a JSON object on each line, by one load job, which is free.

    Raises Google's errors.
    """
    job_id = str(uuid.uuid4())
    config.source_format = bigquery.SourceFormat.NEWLINE_DELIMITED_JSON
    job = start_load(
        client,
        job_id,
        lambda: client.load_table_from_file(
            io.BytesIO(lines), table, job_id=job_id, job_config=config
        ),
    )
    job.result(retry=repeat("LOAD"))


def end_jobs(
    client: bigquery.Client, call: Mapping[str, Any], *, of: str = "", but: str = ""
) -> bool:
    """Cancel the jobs of a sync, and return whether there are none.

    It is the sync `of`, or any on the dataset of the client's labels `but` that one. Call this
    until it returns True: a job may run on for a while. Lists the jobs that this account started.
    Raises Google's errors: by some of its documents, that needs a role on the project. `call` are
    arguments of each call.
    """
    dataset = labels_of(client)[DATASET]
    left = [
        job
        for state in ("pending", "running")
        for job in client.list_jobs(state_filter=state, **call)
        if job.labels.get(DATASET) == dataset
        and (job.labels.get(HOLDER) == of if of else job.labels.get(HOLDER) != but)
    ]
    for job in left:
        with contextlib.suppress(NotFound):  # listed, but not found yet, or any more
            client.cancel_job(job.job_id, location=job.location, **call)
    return not left


def _as_label(name: str) -> str:
    """Return a name as the value of a label, and a hash of it if it cannot be one."""
    value = name.rpartition(".")[2]
    is_label = re.fullmatch("[a-z0-9_-]{1,63}", value)
    return value if is_label else hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
