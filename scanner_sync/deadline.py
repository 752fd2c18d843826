"""The moment at which a run gives up, so that it ends before the platform ends it."""

import time

from scanner_sync.errors import DeadlineExceeded


class Deadline:
    """A point in time, `seconds` from now on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._started = self._step_started = time.monotonic()
        self._doing = "starting"
        self._steps: dict[str, float] = {}

    @property
    def doing(self) -> str:
        """What the run is doing, in words. Setting it ends one step and begins the next."""
        return self._doing

    @doing.setter
    def doing(self, words: str) -> None:
        self._steps = self.steps
        self._doing, self._step_started = words, time.monotonic()

    @property
    def steps(self) -> dict[str, float]:
        """Seconds that each step took so far, by its words with underscores between them."""
        name = self._doing.lower().replace("'", "").replace(" ", "_")
        lasted = time.monotonic() - self._step_started
        return {**self._steps, name: self._steps.get(name, 0.0) + lasted}

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
