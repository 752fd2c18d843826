"""One run at a time on a dataset, whatever starts them and wherever they run.

Two at once would spoil each other's staging tables. So each run holds a lease: a table of the
dataset's, with no rows, whose labels say who holds it. BigQuery makes a table of one name once, and
changes it only for whoever has seen its latest version. These are calls, not jobs. The table stays,
and its labels also say how the last run ended.

No two clocks are compared. A run that waits for a lease takes it over once the table has not
changed for `LEASE_SECONDS` by its own monotonic clock; the times in the labels are BigQuery's.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from google.api_core.exceptions import (
    Conflict,
    GoogleAPIError,
    NotFound,
    PreconditionFailed,
)
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import bigquery
from requests.exceptions import ConnectionError

from scanner_sync.deadline import Deadline
from scanner_sync.errors import AlreadyRunning, LoadUnavailable, SyncError
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.diagnose import diagnose, is_transient

Answer = TypeVar("Answer")

LEASE_TABLE: Final = "_sync_lease"
UNTIL: Final = "until"
"""Label: 0 where the lease was given back; any other value says that it is held, and changes with
each renewal. Nobody compares it with a clock."""
SUCCEEDED: Final = "succeeded"
"""Label: when a run last succeeded. Times are BigQuery's, in seconds since 1970."""
FAILED: Final = "failed"
"""Label: when a run last failed."""
FAILURE: Final = "failure"
"""Label: by what type of error it failed, in small letters."""
LEASE_SECONDS: Final = 30
"""How long a lease holds without a renewal: what a killed run costs the next."""
RENEW_SECONDS: Final = 5
WATCH_SECONDS: Final = 1.0
"""Between two looks at a lease that another run holds."""
CALL_TIMEOUT: Final = 3.0
"""Seconds for one call to BigQuery."""
CALL: Final[dict[str, Any]] = {"timeout": CALL_TIMEOUT, "retry": None}
"""How BigQuery is called: once."""
PATIENCE: Final = 60.0
"""Seconds in which BigQuery may fail in ways that pass, before a run gives up."""
REACH_PATIENCE: Final = 10.0
"""The same where BigQuery cannot be reached: most often there is no network."""


class Lease:
    """Held inside a `with`. Entering raises `AlreadyRunning` while another run holds it.

    `on_lost` is called in a thread of its own when the lease could not be kept. `name_of` names the
    type of the error that ended the run, for the lease's label.
    """

    def __init__(
        self,
        connection: Connection,
        deadline: Deadline,
        on_lost: Callable[[SyncError], None],
    ) -> None:
        self._connection = connection
        self._client = connection.client
        self._dataset = bigquery.DatasetReference.from_string(connection.name)
        self._reference = self._dataset.table(LEASE_TABLE)
        self._deadline = deadline
        self._on_lost = on_lost
        self._holder = uuid.uuid4().hex
        self._signed = 0.0
        """When the lease was last signed, by the monotonic clock."""
        self._signed_at = 0.0
        """The same moment by BigQuery's clock."""
        self._done = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._table: bigquery.Table

    def __enter__(self) -> Self:
        self._patiently(self._ensure_dataset)
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
        labels = {UNTIL: "0"}
        if error is None:
            labels |= {SUCCEEDED: self._now()}
        else:
            labels |= {FAILED: self._now(), FAILURE: _name_of(error).lower()}
        # What cannot be given back runs out.
        for _ in range(3):
            with contextlib.suppress(GoogleAPIError, GoogleAuthError, OSError):
                self._table.labels |= labels
                self._client.update_table(self._table, ["labels"], **CALL)
                return
            with contextlib.suppress(GoogleAPIError, GoogleAuthError, OSError):
                found = self._find()  # the answer to the last renewal may have been lost
                if found is None or found.labels.get("holder") != self._holder:
                    return
                self._table = found

    def _ensure_dataset(self) -> None:
        """Create the dataset if there is none, as on a laptop; Terraform creates it elsewhere."""
        try:
            found = self._client.get_dataset(self._dataset, **CALL)
        except NotFound:
            dataset = bigquery.Dataset(self._dataset)
            dataset.location = self._connection.location
            found = self._client.create_dataset(dataset, exists_ok=True, **CALL)
        self._connection.check_location(found)

    def _now(self) -> str:
        """BigQuery's time in whole seconds since 1970, as far as the last renewal tells."""
        return str(int(self._signed_at + time.monotonic() - self._signed) if self._signed_at else 0)

    def _take(self) -> bigquery.Table:
        """Make the lease, or take it over once its holder has not been heard of for long enough."""
        seen = None
        watched_since = time.monotonic()
        while True:
            lease = self._patiently(self._find)
            if lease is not None and lease.labels.get(UNTIL, "0") != "0":
                if seen is None:
                    seen, watched_since = lease.etag, time.monotonic()
                is_own = lease.labels.get("holder") == self._holder  # the answer to it was lost
                if lease.etag != seen and not is_own:
                    raise AlreadyRunning(
                        f"Another run is loading into {self._dataset.dataset_id}. Wait until it is"
                        " done."
                    )
                if time.monotonic() - watched_since < LEASE_SECONDS and not is_own:
                    self._sleep(WATCH_SECONDS)
                    continue
            # Where another run is quicker, it is the one to watch.
            try:
                return self._patiently(partial(self._sign, lease))
            except NotFound:
                if lease is None:  # the dataset is gone
                    raise
            except (Conflict, PreconditionFailed):
                pass
            self._sleep(0.1)

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        """Call BigQuery, again where it fails in a way that passes."""
        started = time.monotonic()
        while True:
            try:
                return call()
            except (GoogleAPIError, GoogleAuthError, OSError) as error:
                is_reached = not isinstance(error, ConnectionError | TransportError)
                patience = PATIENCE if is_reached else REACH_PATIENCE
                if not is_transient(error) or time.monotonic() - started > patience:
                    raise
            self._sleep(1.0)

    def _sleep(self, seconds: float) -> None:
        if seconds >= self._deadline.remaining:
            raise self._deadline.exceeded()
        time.sleep(seconds)

    def _find(self) -> bigquery.Table | None:
        try:
            return self._client.get_table(self._reference, **CALL)
        except NotFound:
            return None

    def _sign(self, found: bigquery.Table | None) -> bigquery.Table:
        """Sign the lease for `LEASE_SECONDS` from now, unless somebody else has changed it."""
        lease = found or bigquery.Table(self._reference)
        signed, until = time.monotonic(), int(self._now()) + LEASE_SECONDS
        lease.labels = lease.labels | {"holder": self._holder, UNTIL: str(until)}
        lease.description = "One sync at a time: the labels say which, and how the last one ended."
        if found is None:
            lease = self._client.create_table(lease, **CALL)
        else:
            lease = self._client.update_table(lease, ["labels"], **CALL)
        self._signed, self._signed_at = signed, lease.modified.timestamp()
        return lease

    def _renew(self) -> None:
        try:
            self._renew_until_done()
        except Exception as error:
            self._lose(f"it could not be renewed ({type(error).__name__})")

    def _renew_until_done(self) -> None:
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


def _name_of(error: BaseException) -> str:
    interrupted = isinstance(error, KeyboardInterrupt)
    return "Interrupted" if interrupted else type(diagnose(error)).__name__
