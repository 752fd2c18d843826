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

from google.api_core.exceptions import Conflict, GoogleAPICallError, NotFound, PreconditionFailed
from google.cloud import bigquery

from scanner_sync.deadline import Deadline
from scanner_sync.errors import AlreadyRunning, LoadUnavailable, SyncError

LEASE_TABLE: Final = "_sync_lease"
LEASE_SECONDS: Final = 20
"""How long a lease is held after its holder was last heard of: what a killed run costs the next."""
RENEW_SECONDS: Final = 5
CALL_TIMEOUT: Final = 10.0
"""Seconds for one call to BigQuery."""
_RETRY = bigquery.DEFAULT_RETRY.with_timeout(60.0)
_ONCE = bigquery.DEFAULT_RETRY.with_timeout(0.0)


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
        self._deadline = deadline
        self._on_lost = on_lost
        self._holder = uuid.uuid4().hex
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
        with contextlib.suppress(GoogleAPICallError, OSError):
            self._client.delete_table(
                self._table, not_found_ok=True, timeout=CALL_TIMEOUT, retry=_ONCE
            )

    def _make_dataset(self) -> None:
        """Make the dataset, where it is not there: Terraform makes it, a laptop does not."""
        try:
            self._client.get_dataset(self._dataset, timeout=CALL_TIMEOUT, retry=_RETRY)
        except NotFound:
            dataset = bigquery.Dataset(self._dataset)
            dataset.location = self._client.location
            self._client.create_dataset(dataset, exists_ok=True, timeout=CALL_TIMEOUT, retry=_RETRY)

    def _take(self) -> bigquery.Table:
        """Make the lease, or take it over once its holder has not been heard of for long enough."""
        first_seen = None
        while True:
            try:
                lease = bigquery.Table(self._dataset.table(LEASE_TABLE))
                self._sign(lease)
                return self._client.create_table(lease, timeout=CALL_TIMEOUT, retry=_RETRY)
            except Conflict:
                pass
            try:
                lease = self._client.get_table(
                    self._dataset.table(LEASE_TABLE), timeout=CALL_TIMEOUT, retry=_RETRY
                )
                until = int(lease.labels.get("until", 0))
                if first_seen not in (None, until):
                    raise AlreadyRunning(
                        f"Another run is loading into {self._dataset.dataset_id}. Wait until it is"
                        " done."
                    )
                first_seen = until
                if until <= time.time():
                    self._sign(lease)
                    return self._client.update_table(
                        lease, ["labels", "expires"], timeout=CALL_TIMEOUT, retry=_RETRY
                    )
            except (NotFound, PreconditionFailed):
                continue  # it was given back, or another run was quicker
            seconds = min(RENEW_SECONDS, max(0.1, until - time.time()))
            if seconds >= self._deadline.remaining:
                raise self._deadline.exceeded()
            time.sleep(seconds)

    def _sign(self, lease: bigquery.Table) -> None:
        until = int(time.time()) + LEASE_SECONDS
        lease.labels = {"holder": self._holder, "until": str(until)}
        lease.description = "Held by a sync that is under way."
        # BigQuery then removes what a killed run leaves; not before it takes such a short time.
        lease.expires = datetime.fromtimestamp(until + 3600, UTC)

    def _renew(self) -> None:
        heard_of = time.monotonic()
        while not self._done.wait(RENEW_SECONDS):
            try:
                self._sign(self._table)
                self._table = self._client.update_table(
                    self._table, ["labels", "expires"], timeout=CALL_TIMEOUT, retry=_ONCE
                )
                heard_of = time.monotonic()
            except (NotFound, PreconditionFailed):
                self._lose("another run took it over")
                return
            except (GoogleAPICallError, OSError):
                if time.monotonic() - heard_of > LEASE_SECONDS - RENEW_SECONDS:
                    self._lose("BigQuery did not answer")
                    return

    def _lose(self, why: str) -> None:
        self._on_lost(
            LoadUnavailable(
                f"The run lost its lease on {self._dataset.dataset_id}: {why}. It was ended, so"
                " that no two runs load at once; the next run starts anew."
            )
        )
