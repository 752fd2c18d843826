"""The budget of a read: which occurrences are still requested, and for how long."""

import logging
import threading
from typing import Final

from scanner_sync import log
from scanner_sync.deadline import Deadline
from scanner_sync.progress import Traffic
from scanner_sync.reading import Reading, Stop
from scanner_sync.source.pagination import OCCURRENCES_PATH, issue_of

FAILED_ISSUES: Final = 3
"""Issues that one sync may leave to the next because their occurrences cannot be read."""


class Stopped(Exception):
    """No further occurrences are read."""

    def __init__(self, reason: Stop) -> None:
        super().__init__(reason)
        self.reason = reason


class LeftOut(Exception):
    """The occurrences of this issue are not read."""


class Budget:
    """What a sync may spend on occurrences. Several threads ask.

    With `max_requests`, occurrences are read as far as they fit. Listings are read whole or not at
    all. At least one issue is begun, and one that was begun is read to its end.
    """

    def __init__(
        self, max_requests: int | None, deadline: Deadline, traffic: Traffic, reading: Reading
    ) -> None:
        self.max_requests = max_requests
        self._deadline = deadline
        self._traffic = traffic
        self._reading = reading
        self._begun: dict[str, int] = {}
        """Paths of the occurrences that were requested, numbered from 1."""
        self._unsent: set[str] = set()
        """Begun paths whose first request was not sent yet."""
        self._lock = threading.Lock()

    def is_optional(self, resource: str) -> bool:
        """Tell whether the sync may go on without this resource."""
        return self.max_requests is not None and not is_listing(resource)

    def begin(self, resource: str) -> None:
        """Note that the occurrences of an issue are requested. Raises `Stopped` if it is late."""
        assert self.max_requests is not None
        with self._lock:
            if resource in self._begun:
                return
            if self._reading.stopped:
                raise Stopped(self._reading.stopped)
            if self._begun and self._traffic.requests + len(self._unsent) >= self.max_requests:
                raise Stopped("max_requests")
            self._begun[resource] = len(self._begun) + 1
            self._unsent.add(resource)

    def order(self, resource: str) -> int:
        """Return the place of an issue among the begun ones; 0 for a listing."""
        return self._begun.get(resource, 0)

    def sent(self, resource: str) -> None:
        """Count a request that is sent."""
        with self._lock:  # so that `begin` counts it once
            self._traffic.count("requests")
            self._unsent.discard(resource)

    def leave_out(self, resource: str, reason: str) -> bool:
        """Leave out an issue whose occurrences cannot be read, and log why.

        Returns False if that is not to be: it is no issue, or the sync has left out enough.
        """
        if not self.is_optional(resource):
            return False
        with self._lock:
            if len(self._reading.failed) >= FAILED_ISSUES:
                return False
            self._reading.failed.add(issue_of(resource))
        log.event("issue_failed", logging.WARNING, resource=resource, reason=reason)
        return True

    def remaining(self, resource: str) -> float:
        """Return the seconds in which a response is still of use, if there are any."""
        deadline, is_optional = self._deadline, self.is_optional(resource)
        remaining = deadline.remaining_to_read if is_optional else deadline.remaining
        if is_optional and self._reading.stopped in ("quota", "deadline", "unavailable"):
            raise Stopped(self._reading.stopped)
        if not remaining:
            raise Stopped("deadline") if is_optional else deadline.exceeded()
        return remaining


def is_listing(resource: str) -> bool:
    """Tell a listing such as `issues/` from the occurrences of an issue."""
    return not OCCURRENCES_PATH.fullmatch(resource)
