"""One run at a time on a dataset, whatever starts them and wherever they run.

Two at once would spoil each other's staging tables. So each run holds a lease: a table of the
dataset's, with no rows, whose labels say who holds it and until when. BigQuery makes a table of one
name once, and changes it only for whoever has seen its latest version. These are calls, not jobs.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from google.api_core.exceptions import (
    Conflict,
    GoogleAPIError,
    NotFound,
    PreconditionFailed,
    RetryError,
    ServerError,
    TooManyRequests,
)
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import bigquery
from requests.exceptions import ConnectionError, Timeout

from scanner_sync.deadline import Deadline
from scanner_sync.errors import AlreadyRunning, LoadUnavailable, SettingsError, SyncError

LEASE_TABLE: Final = "_sync_lease"
LEASE_SECONDS: Final = 30
"""How long a lease holds after it was signed: what a killed run costs the next."""
RENEW_SECONDS: Final = 5
CALL_TIMEOUT: Final = 3.0
"""Seconds for one call to BigQuery."""
PATIENCE: Final = 60.0
"""Seconds in which BigQuery may fail in ways that pass, before the lease is given up."""


def is_passing(error: BaseException) -> bool:
    """Whether an error of Google's is one that passes: a later try may succeed."""
    kinds = (RetryError, ServerError, TooManyRequests, TransportError, ConnectionError, Timeout)
    details = getattr(error, "errors", None) or [{}]
    reason = details[0].get("reason") if isinstance(details[0], dict) else None
    reasons = ("rateLimitExceeded", "quotaExceeded", "backendError", "internalError")
    return isinstance(error, kinds) or reason in reasons


class Lease:
    """Held inside a `with`. Entering raises `AlreadyRunning` while another run holds it.

    `on_lost` is called in a thread of its own when the lease could not be kept.
    """

    def __init__(
        self,
        client: bigquery.Client,
        dataset: str,
        deadline: Deadline,
        on_lost: Callable[[SyncError], None],
    ) -> None:
        self._client = client
        self._dataset = bigquery.DatasetReference(client.project, dataset)
        self._reference = self._dataset.table(LEASE_TABLE)
        self._deadline = deadline
        self._on_lost = on_lost
        self._holder = uuid.uuid4().hex
        self._signed = 0.0
        self._done = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._table: bigquery.Table

    def __enter__(self) -> Self:
        self._make_dataset()
        self._table = self._take()
        self._renewing.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._renewing.join()
        # What cannot be given back runs out.
        with contextlib.suppress(GoogleAPIError, GoogleAuthError, OSError):
            self._client.delete_table(
                self._table,
                not_found_ok=True,
                timeout=CALL_TIMEOUT,
                retry=None,  # type: ignore[arg-type] # no retry
            )

    def _make_dataset(self) -> None:
        """Make the dataset, where it is not there: Terraform makes it, a laptop does not."""
        retry = bigquery.DEFAULT_RETRY.with_timeout(PATIENCE)
        location = str(self._client.location)
        try:
            found = self._client.get_dataset(self._dataset, timeout=CALL_TIMEOUT, retry=retry)
        except NotFound:
            dataset = bigquery.Dataset(self._dataset)
            dataset.location = location
            found = self._client.create_dataset(
                dataset, exists_ok=True, timeout=CALL_TIMEOUT, retry=retry
            )
        if str(found.location).lower() != location.lower():
            raise SettingsError(
                f"The dataset {self._dataset.dataset_id} is in {found.location}, and"
                f" BIGQUERY_LOCATION is {location}. Set it to where the dataset is."
            )

    def _take(self) -> bigquery.Table:
        """Make the lease, or take it over once its holder has not been heard of for long enough."""
        first_seen = None
        patient_until = time.monotonic() + PATIENCE
        while True:
            try:
                lease = self._find()
                if lease is None:
                    return self._sign(bigquery.Table(self._reference), is_new=True)
                until = int(lease.labels.get("until", 0))
                if until <= time.time() or lease.labels.get("holder") == self._holder:
                    return self._sign(lease)
                if first_seen not in (None, until):
                    raise AlreadyRunning(
                        f"Another run is loading into {self._dataset.dataset_id}. Wait until it is"
                        " done."
                    )
                first_seen = until
                seconds = min(RENEW_SECONDS, max(0.1, until - time.time()))
            except (Conflict, NotFound, PreconditionFailed):
                seconds = 0.1  # another run was quicker
            except (GoogleAPIError, GoogleAuthError, OSError) as error:
                if not is_passing(error) or time.monotonic() > patient_until:
                    raise
                seconds = 1.0
            if seconds >= self._deadline.remaining:
                raise self._deadline.exceeded()
            time.sleep(seconds)

    def _find(self) -> bigquery.Table | None:
        try:
            return self._client.get_table(
                self._reference,
                timeout=CALL_TIMEOUT,
                retry=None,  # type: ignore[arg-type] # no retry
            )
        except NotFound:
            return None

    def _sign(self, lease: bigquery.Table, is_new: bool = False) -> bigquery.Table:
        """Sign the lease for `LEASE_SECONDS` from now, unless somebody else has changed it."""
        signed, until = time.monotonic(), int(time.time()) + LEASE_SECONDS
        lease.labels = {"holder": self._holder, "until": str(until)}
        lease.description = "Held by a sync that is under way."
        # BigQuery then removes what a killed run leaves, some time after it has run out.
        lease.expires = datetime.fromtimestamp(until + 3600, UTC)
        if is_new:
            lease = self._client.create_table(
                lease,
                timeout=CALL_TIMEOUT,
                retry=None,  # type: ignore[arg-type] # no retry
            )
        else:
            lease = self._client.update_table(
                lease,
                ["labels", "expires"],
                timeout=CALL_TIMEOUT,
                retry=None,  # type: ignore[arg-type] # no retry
            )
        self._signed = signed
        return lease

    def _renew(self) -> None:
        while not self._done.wait(RENEW_SECONDS):
            try:
                self._table = self._sign(self._table)
            except (NotFound, PreconditionFailed):
                # Another run's, or this run's own whose answer was lost.
                with contextlib.suppress(GoogleAPIError, GoogleAuthError, OSError):
                    found = self._find()
                    if found is None or found.labels.get("holder") != self._holder:
                        self._lose("another run took it over")
                        return
                    self._table = found
            except (GoogleAPIError, GoogleAuthError, OSError):
                pass  # tried again, as long as there is time for it
            if time.monotonic() + RENEW_SECONDS + 2 * CALL_TIMEOUT > self._signed + LEASE_SECONDS:
                self._lose("BigQuery did not answer")
                return

    def _lose(self, why: str) -> None:
        self._on_lost(
            LoadUnavailable(
                f"The run lost its lease on {self._dataset.dataset_id}: {why}. It was ended, so"
                " that no two runs load at once; the next run starts anew."
            )
        )
