"""The lease on a dataset, which lets one sync at a time load into it, wherever syncs run.

Two syncs at once would damage each other's staging tables, so each holds a lease: a table of the
dataset, without rows, whose labels name the holder. BigQuery creates a table of a name only once,
and changes it only for a caller that has seen its latest version. All of this takes API calls and
no jobs. The table is kept, and its labels also hold what syncs remember: see `memory`.

A job in BigQuery outlives the sync that started it. So a sync that takes over a lease that was not
released first ends the jobs that were left, and a sync that fails releases its lease only when its
own have ended.

No two clocks are compared. A sync that waits for a lease takes it over if it has not changed for
`LEASE_SECONDS` by the monotonic clock of the sync. The times in the labels are BigQuery's.
"""

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Self, TypeVar

from google.api_core.exceptions import (
    Conflict,
    Forbidden,
    GoogleAPIError,
    NotFound,
    PreconditionFailed,
)
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import bigquery
from requests.exceptions import ConnectionError

from scanner_sync import log
from scanner_sync.deadline import Deadline
from scanner_sync.diagnose import diagnose, repeated_for
from scanner_sync.errors import AlreadyRunning, LoadError, LoadUnavailable, SyncError
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.jobs import Guard, end_jobs, label_jobs, labels_for
from scanner_sync.warehouse.memory import LastSync

Answer = TypeVar("Answer")

LEASE_TABLE: Final = "_sync_lease"
HOLDER: Final = "holder"
"""Label: a random name of the sync that holds the lease, or held it last."""
UNTIL: Final = "until"
"""Label: 0 if the lease was released; any other value means that it is held, and changes with each
renewal. It is not compared with a clock."""
LEASE_SECONDS: Final = 30
"""Time after which a lease expires that is not renewed: the delay after a sync that was killed."""
RENEW_SECONDS: Final = 5
"""Time between two renewals."""
WATCH_SECONDS: Final = 1.0
"""Time between two looks at a lease that another sync holds."""
CALL_TIMEOUT: Final = 3.0
"""Time in which BigQuery has to answer a call, in seconds."""
CALL: Final[dict[str, Any]] = {"timeout": CALL_TIMEOUT, "retry": None}
"""Arguments of each call to BigQuery: Google's client does not retry, this module does."""
FAULTS: Final = (GoogleAPIError, GoogleAuthError, OSError)
"""What a call to BigQuery raises."""
RETRY_SECONDS: Final = 60.0
"""Time in which calls that fail temporarily are retried."""
UNREACHABLE_SECONDS: Final = 10.0
"""The same if BigQuery cannot be reached, because then most often there is no network."""
NEW_SECONDS: Final = 20.0
"""Time in which a dataset that was just created may not be found."""
END_SECONDS: Final = 20.0
"""Time in which a sync that failed tries to end its jobs."""


class Lease:
    """A lease that is held inside a `with`, and renewed there in another thread.

    Entering creates the dataset if it is missing, waits until the lease is free or has expired, and
    raises `AlreadyRunning` if its holder renews it. `on_lost` is called in the other thread if the
    lease cannot be renewed or somebody else takes it over. Leaving releases it, and notes in its
    labels whether the sync succeeded and, if so, what it changed of `memory`. `noted_first` are
    fields of that which are set with the lease, for the next sync in case this one is killed.

    The jobs of the connection's client are labeled with the lease. After an error they are ended
    before the lease is released; if that takes too long it is not released, and expires. If
    the account may not list its jobs, neither these nor the jobs of a killed sync can be ended.
    """

    def __init__(
        self,
        connection: Connection,
        deadline: Deadline,
        on_lost: Callable[[SyncError], None],
        noted_first: Mapping[str, Any],
    ) -> None:
        self._connection = connection
        self._client = connection.client
        self._dataset = bigquery.DatasetReference.from_string(connection.name)
        self._reference = self._dataset.table(LEASE_TABLE)
        self._deadline = deadline
        self._on_lost = on_lost
        self._holder = uuid.uuid4().hex
        self._renewed = 0.0
        """When the lease was last renewed, by the monotonic clock."""
        self._renewed_at = 0.0
        """The same moment by BigQuery's clock, in seconds since 1970."""
        self._done = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._table: bigquery.Table
        self._started = datetime.fromtimestamp(0, UTC)
        self._was_held = False
        """Whether a sync that was killed left it held."""
        self._noted_first = noted_first
        self.last = LastSync()
        """What earlier syncs left."""
        self.memory = LastSync()
        """What this one leaves to the next if it succeeds: at first, the same."""
        self.is_working: Callable[[], bool] = lambda: False
        """Whether another thread may have a job, or start one that `guard` allowed."""
        self._may_list_jobs = True
        self.guard = Guard()

    @property
    def dataset(self) -> str:
        """The name of the dataset."""
        return self._connection.dataset

    @property
    def table_name(self) -> str:
        """The lease's table, as the command `bq` names it."""
        return f"{self._dataset.project}:{self._dataset.dataset_id}.{LEASE_TABLE}"

    @property
    def began(self) -> datetime:
        """When this sync took the lease, by BigQuery's clock, in whole seconds."""
        return self._started

    def __enter__(self) -> Self:
        self._retrying(self._ensure_dataset)
        self._table = self._acquire()
        self._started = self._now()
        label_jobs(self._client, labels_for(self._connection.name, self._holder))
        self._renewing.start()
        if self._was_held:
            try:
                while not self._retrying(partial(self._end_jobs, but=self._holder)):
                    self._sleep(WATCH_SECONDS)
            except BaseException as error:
                self.__exit__(type(error), error, error.__traceback__)
                raise
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.guard.close()
        is_ended = error is None or self._end_own_jobs()
        self._done.set()
        self._renewing.join()
        if not is_ended:
            return
        labels = {}
        if error is None:
            labels = replace(self.memory, succeeded=self._now()).changes(self._table.labels)
        else:
            failure = _name_of(error).lower()
            ended = replace(self.last, failed=self._now(), failure=failure).labels()
            labels = {name: ended[name] for name in ("failed", "failure")}
        labels[UNTIL] = "0"
        # A lease that cannot be released expires.
        for _ in range(3):
            with contextlib.suppress(*FAULTS):
                self._table.labels |= labels
                self._client.update_table(self._table, ["labels"], **CALL)
                return
            with contextlib.suppress(*FAULTS):
                found = self._find()  # the answer to the last renewal may have been lost
                if found is None or found.labels.get(HOLDER) != self._holder:
                    return
                self._table = found

    def _end_own_jobs(self) -> bool:
        """End the jobs of this sync, and return whether there is none left."""
        given_up = time.monotonic() + END_SECONDS
        while time.monotonic() < given_up:
            with contextlib.suppress(*FAULTS):
                is_working = self.is_working()
                if self._end_jobs(of=self._holder) and not is_working:
                    return self._may_list_jobs
            time.sleep(0.2)
        return False

    def _end_jobs(self, **whose: str) -> bool:
        """Cancel jobs, and return whether there is none left, as far as this account may know."""
        try:
            return end_jobs(self._client, CALL, **whose)
        except Forbidden as error:
            if not isinstance(diagnose(error), LoadError):
                raise
            if self._may_list_jobs:
                log.event("jobs_not_listed", logging.WARNING)
            self._may_list_jobs = False
            return True

    def _ensure_dataset(self) -> None:
        """Create the dataset if it is missing. Terraform creates the function's."""
        try:
            found = self._client.get_dataset(self._dataset, **CALL)
        except NotFound:
            dataset = bigquery.Dataset(self._dataset)
            dataset.location = self._connection.location
            found = self._client.create_dataset(dataset, exists_ok=True, **CALL)
        self._connection.check_location(found)

    def _now(self) -> datetime:
        """Return BigQuery's time in whole seconds, counted from the last renewal."""
        seconds = self._renewed_at + time.monotonic() - self._renewed if self._renewed_at else 0
        return datetime.fromtimestamp(int(seconds), UTC)

    def _acquire(self) -> bigquery.Table:
        """Create the lease, or take it over if it is released or has expired."""
        seen = None
        began = watched_since = time.monotonic()
        while True:
            lease = self._retrying(self._find)
            if lease is not None and lease.labels.get(UNTIL, "0") != "0":
                if seen is None:
                    seen, watched_since = lease.etag, time.monotonic()
                # Its own if the answer to an earlier call was lost.
                is_own = lease.labels.get(HOLDER) == self._holder
                if lease.etag != seen and not is_own:
                    raise AlreadyRunning(
                        f"Another sync is loading into {self._dataset.dataset_id}. Wait until it"
                        " has ended."
                    )
                if time.monotonic() - watched_since < LEASE_SECONDS and not is_own:
                    self._sleep(WATCH_SECONDS)
                    continue
            try:
                labels = lease.labels if lease is not None else {}
                self._was_held = labels.get(UNTIL, "0") != "0"
                self.last = LastSync.read(labels)
                self.memory = replace(LastSync.read(labels), **self._noted_first)
                return self._retrying(partial(self._write, lease))
            except NotFound:
                # The dataset was deleted, or it was just created and is not found everywhere yet.
                if lease is None and time.monotonic() - began > NEW_SECONDS:
                    raise
            except (Conflict, PreconditionFailed):
                pass  # another sync was faster, and is watched from now on
            self._sleep(0.1)

    def _retrying(self, call: Callable[[], Answer]) -> Answer:
        """Call BigQuery, and retry if it fails temporarily."""
        started = time.monotonic()
        while True:
            try:
                return call()
            except FAULTS as error:
                is_reached = not isinstance(error, ConnectionError | TransportError)
                seconds = RETRY_SECONDS if is_reached else UNREACHABLE_SECONDS
                if time.monotonic() - started >= min(seconds, repeated_for(error)):
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

    def _write(self, found: bigquery.Table | None) -> bigquery.Table:
        """Write this sync into the lease as its holder, and return the lease.

        `found` is the lease as it was last seen. Raises `PreconditionFailed` or `Conflict` if
        somebody else has changed or created it since then.
        """
        lease = found or bigquery.Table(self._reference)
        renewed, until = time.monotonic(), int(self._now().timestamp()) + LEASE_SECONDS
        held = {HOLDER: self._holder, UNTIL: str(until)}
        first = replace(self.last, **self._noted_first).labels()
        lease.labels = lease.labels | held | {name: first[name] for name in self._noted_first}
        lease.description = "One sync at a time: the labels say which, and how the last one ended."
        if found is None:
            lease = self._client.create_table(lease, **CALL)
        else:
            lease = self._client.update_table(lease, ["labels"], **CALL)
        self._renewed, self._renewed_at = renewed, lease.modified.timestamp()
        return lease

    def _renew(self) -> None:
        try:
            self._renew_until_done()
        except Exception as error:
            self._lose(f"it could not be renewed ({type(error).__name__})")

    def _renew_until_done(self) -> None:
        while not self._done.wait(RENEW_SECONDS):
            try:
                self._table = self._write(self._table)
            except (NotFound, PreconditionFailed):
                # Changed by another sync, or by a renewal of this one whose answer was lost.
                with contextlib.suppress(*FAULTS):
                    found = self._find()
                    if found is None or found.labels.get(HOLDER) != self._holder:
                        self._lose("another sync took it over")
                        return
                    self._table = found
            except FAULTS:
                pass  # the next renewal may succeed, as long as there is time for it
            if time.monotonic() + RENEW_SECONDS + 2 * CALL_TIMEOUT > self._renewed + LEASE_SECONDS:
                self._lose("BigQuery did not answer")
                return

    def _lose(self, why: str) -> None:
        self._on_lost(
            LoadUnavailable(
                f"The sync lost its lease on {self._dataset.dataset_id}: {why}. It was ended, so"
                " that no two syncs load at once. The next sync starts from the beginning."
            )
        )


def _name_of(error: BaseException) -> str:
    interrupted = isinstance(error, KeyboardInterrupt)
    return "Interrupted" if interrupted else type(diagnose(error)).__name__
