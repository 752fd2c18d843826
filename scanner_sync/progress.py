"""The figures of one sync while it runs: rows, requests, and the seconds of each step."""

import contextlib
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scanner_sync import log
from scanner_sync.reading import Reading
from scanner_sync.schema.tables import TABLES

LOG_SECONDS: Final = 30.0
"""Between two `sync_progress` lines of the log."""

STEPS: Final[Mapping[str, str]] = {
    "starting": "starting",
    "reading_token": "reading the token",
    "waiting_for_lease": "waiting for another sync to end",
    "reading_schema": "reading the dataset's schema",
    "reading_api": "reading the API",
    "loading": "loading into BigQuery",
    "reading_feeds": "reading CVE intelligence",
    "updating_histories": "updating the histories",
}
"""The steps of a sync by their key in the log, each in words."""


@dataclass
class Traffic:
    """The requests of one sync to the API. Several threads count."""

    requests: int = 0
    """Requests sent, including retries."""
    retries: int = 0
    throttled: int = 0
    """Responses that refused a request because of the quota."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, name: str) -> None:
        """Add one to the figure of that name."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)


class Progress:
    """What one sync has done so far. Several threads count."""

    def __init__(self, resources: tuple[str, ...]) -> None:
        self.resources = resources
        self.traffic = Traffic()
        self.reading = Reading()
        self.rows_read = dict.fromkeys(resources, 0)
        self.rows_expected: dict[str, int] = {}
        """The `count` of each listing; unknown for occurrences."""
        self.issues_due: int | None = None
        """Issues whose occurrences this sync reads; all, if that is not known."""
        self.loaded: Collection[str] = ()
        """Tables that are loaded."""
        self.jobs: Counter[str] = Counter()
        """Load jobs: how many are `done`, out of how many in `all`."""
        self._lock = threading.Lock()
        self._started = self._step_started = time.monotonic()
        self._step = "starting"
        self._seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, which is a key of `STEPS`. It lasts until the next one begins."""
        with self._lock:
            now = time.monotonic()
            self._seconds = self._steps(now)
            self._step, self._step_started = name, now
        yield

    def is_in(self, step: str) -> bool:
        """Return whether a step, which is a key of `STEPS`, is the present one."""
        return self._step == step

    def _steps(self, now: float) -> dict[str, float]:
        """Return the seconds of each step until `now`."""
        before = self._seconds.get(self._step, 0.0)
        return self._seconds | {self._step: before + now - self._step_started}

    @property
    def activity(self) -> str:
        """The present step in words."""
        return STEPS[self._step]

    @property
    def seconds(self) -> float:
        """Seconds since the sync started."""
        return time.monotonic() - self._started

    @property
    def issues_read(self) -> int:
        """Issues whose occurrences were read, out of `rows_expected["issues"]`."""
        return len(self.reading.read) + len(self.reading.not_found)

    def count_page(self, resource: str, total: int) -> None:
        """Note how many rows a listing has, which is named by its path below the base URL."""
        for name, table in TABLES.items():
            if table.path == resource:
                with self._lock:
                    self.rows_expected.setdefault(name, total)

    def count_rows(self, table: str, count: int) -> None:
        """Count rows that were read for a table."""
        with self._lock:
            self.rows_read[table] += count

    def snapshot(self) -> dict[str, Any]:
        """Return how far the sync is, in JSON's types."""
        with self._lock:
            return {
                "step": self._step,
                "rows_read": dict(self.rows_read),
                "rows_expected": dict(self.rows_expected),
                "issues_read": self.issues_read,
                "rows_loaded": {
                    name: rows for name, rows in self.rows_read.items() if name in self.loaded
                },
                "requests": self.traffic.requests,
                "throttled": self.traffic.throttled,
                "seconds": round(self.seconds, 1),
            }

    def cost(self, seconds: float | None = None) -> dict[str, Any]:
        """Return what the sync has taken so far, or in `seconds`, in JSON's types."""
        with self._lock:
            steps = self._steps(time.monotonic())
        return {
            "requests": self.traffic.requests,
            "retries": self.traffic.retries,
            "throttled": self.traffic.throttled,
            "vanished": len(self.reading.vanished),
            "seconds": round(self.seconds if seconds is None else seconds, 1),
            "steps": {name: round(seconds, 1) for name, seconds in steps.items()},
            "peak_memory_mib": peak_memory_mib(),
        }


def peak_memory_mib() -> int:
    """Return the peak memory of this process in MiB, without its files in `/tmp`."""
    with contextlib.suppress(OSError):
        # Of this program alone; `getrusage` counts what the process was before it ran this one.
        if found := re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()):
            return round(int(found[1]) / 2**10)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def logged(progress: Progress, seconds: float = LOG_SECONDS) -> AbstractContextManager[None]:
    """Log `sync_progress` at this interval while inside."""
    return every(seconds, lambda: log.event("sync_progress", **progress.snapshot()))


@contextmanager
def every(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call `call` at this interval, in a separate thread, while inside."""
    done = threading.Event()

    def run() -> None:
        while not done.wait(seconds):
            call()

    thread = threading.Thread(target=run, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
