"""The moment at which a run gives up, so that it ends before the platform ends it."""

import time

from scanner_sync.errors import DeadlineExceeded


class Deadline:
    """A point in time, `seconds` from now on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.doing = "starting"
        """What the run is doing, for the message."""
        self._started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the run started."""
        return time.monotonic() - self._started

    @property
    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.seconds - self.elapsed)

    def exceeded(self) -> DeadlineExceeded:
        """The error that says what the run was doing when its time was over."""
        return DeadlineExceeded(
            f"The sync was not done after {self.seconds:g} seconds, while {self.doing}. Each table"
            " is as it was or holds all rows of this run; the next run brings them up to date. If"
            " this recurs, raise SYNC_DEADLINE_SECONDS, and the platform's time-outs with it."
        )
