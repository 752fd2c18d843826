"""What a read of the API found."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple

from scanner_sync import log

Stop = Literal["max_requests", "quota", "deadline", "unavailable"]
"""Why a sync reads no further occurrences: it has sent as many requests as it may, the API's quota
is used up, the rest of the time is needed for loading, or the API says that it will be unavailable
for longer than that."""


class Scanned(NamedTuple):
    """The targets that were scanned lately, according to the API."""

    since: date
    """The first day of that time."""
    targets: Collection[int]
    """Their ids."""


@dataclass
class Reading:
    """What one sync found in the API. The source notes it, in several threads."""

    read: dict[int, int] = field(default_factory=dict)
    """Issues whose occurrences were read whole, and how many there were."""
    not_found: set[int] = field(default_factory=set)
    """Issues whose occurrences gave status 404 or 410."""
    failed: set[int] = field(default_factory=set)
    """Issues that were left out, because their occurrences could not be read."""
    vanished: set[int] = field(default_factory=set)
    """Issues in `not_found` that the listing no longer had at the end."""
    stopped: Stop | None = None
    unavailable: set[str] = field(default_factory=set)
    """Tables whose listings the account lacks."""
    filter_rejected: bool = False
    """Whether the API rejected `remediated_after`, so that all fixed occurrences were read."""
    newest_fix: datetime | None = None
    """The newest `remediated_at` that was read."""
    scanned: Scanned | None = None
    """The targets that were scanned lately; None if the API was not asked or does not say."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def stop(self, reason: Stop) -> None:
        """Note, and log once, that the occurrences of further issues are not read."""
        with self._lock:
            if self.stopped:
                return
            self.stopped = reason
        log.event("reading_stopped", reason=reason, issues_read=len(self.read))
