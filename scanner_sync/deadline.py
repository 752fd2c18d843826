"""The moment at which a sync gives up, so that it ends before the platform ends it."""

import time
from collections.abc import Callable
from typing import Final

from scanner_sync.errors import DeadlineExceeded

LOADING_SHARE: Final = 0.2
"""Share of the time that is kept for loading what was read."""
LOADING_SECONDS: Final = 60.0
"""The least that is kept, in seconds, but no more than half of the time."""


class Deadline:
    """A point in time, `seconds` after its creation on the monotonic clock.

    `activity` says in words what is under way; the error quotes it.
    """

    def __init__(self, seconds: float, activity: Callable[[], str] = lambda: "working") -> None:
        self.seconds = seconds
        self._activity = activity
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def remaining_to_read(self) -> float:
        """Seconds left for reading, so that there is time to load what was read."""
        kept = min(max(LOADING_SHARE * self.seconds, LOADING_SECONDS), self.seconds / 2)
        return max(0.0, self.remaining - kept)

    def exceeded(self) -> DeadlineExceeded:
        """Return the error that says what was under way when the time ran out."""
        return DeadlineExceeded(
            f"The sync was not done after {self.seconds:g} seconds, while {self._activity()}. Each"
            " table is either unchanged or holds all rows of this sync; the next sync completes"
            " the rest. If this recurs, raise SYNC_DEADLINE_SECONDS, and the platform's time-outs"
            " with it."
        )
