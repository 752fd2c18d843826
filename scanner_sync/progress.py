"""How far a run is: what it has counted so far, and how others hear of it while it goes on."""

import contextlib
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import dlt
from dlt.common.runtime.collector_base import Collector

from scanner_sync import log
from scanner_sync.api import Traffic
from scanner_sync.deadline import Deadline
from scanner_sync.listing import Page

LOG_SECONDS: Final = 30.0
"""Between two lines of the log on a run that is under way."""


class Progress(Collector):
    """The figures of one run: pages and rows are counted into it, and the jobs of dlt's load."""

    def __init__(self, resources: tuple[str, ...], deadline: Deadline) -> None:
        self.resources = resources
        self.deadline = deadline
        self.traffic = Traffic()
        self.pipeline: dlt.Pipeline | None = None
        """Whose load packages say which tables are loaded."""
        self.rows_read = dict.fromkeys(resources, 0)
        self.rows_expected: dict[str, int] = {}
        """What the listings' `count` says; not known of the occurrences."""
        self.rows_loaded: dict[str, int] = {}
        """Of the tables that are loaded."""
        self.jobs: Counter[str] = Counter()
        """Of the load: how many are `done`, of how many in `all`."""
        self._occurrences_read = 0
        self._lock = threading.Lock()

    @property
    def issues_read(self) -> int:
        """Issues whose occurrences were read, of the `rows_expected` of the issues."""
        return self._occurrences_read + len(self.traffic.not_found)

    def page(self, resource: str, page: Page) -> None:
        """Count a page of a listing, which is known by its path below the base URL."""
        with self._lock:
            if resource.count("/") == 1:
                self.rows_expected[resource.rstrip("/")] = page.total
            elif not page.has_next:
                self._occurrences_read += 1

    def rows(self, table: str, count: int) -> None:
        """Count rows of a table that came."""
        with self._lock:
            self.rows_read[table] += count

    def update(
        self,
        name: str,
        inc: int = 1,
        total: int | None = None,
        inc_total: int | None = None,
        message: str | None = None,
        label: str | None = None,
    ) -> None:
        """Count what dlt says of jobs of a load that ended."""
        if self.step.startswith("Load") and name == "Jobs" and label is None:
            self.jobs["done"] += inc
            self.jobs["all"] += (total or 0) + (inc_total or 0)
            self._see_what_is_loaded()

    def _see_what_is_loaded(self) -> None:
        assert self.pipeline is not None
        under_way, completed = set[str](), set[str]()
        for load_id in self.pipeline.list_normalized_load_packages():
            for state, jobs in self.pipeline.get_load_package_info(load_id).jobs.items():
                tables = {job.job_file_info.table_name for job in jobs}
                (completed if state == "completed_jobs" else under_way).update(tables)
        self.rows_loaded = {
            name: rows
            for name, rows in self.rows_read.items()
            if name in completed and name not in under_way
        }

    def _start(self, step: str) -> None:
        """Nothing: the steps are the deadline's."""

    def _stop(self) -> None:
        """Nothing, as above."""

    def so_far(self) -> dict[str, Any]:
        """How far the run is, in JSON's types."""
        with self._lock:
            return {
                "step": self.deadline.doing,
                "rows_read": dict(self.rows_read),
                "rows_expected": dict(self.rows_expected),
                "issues_read": self.issues_read,
                "rows_loaded": dict(self.rows_loaded),
                "requests": self.traffic.requests,
                "throttled": self.traffic.throttled,
                "seconds": round(self.deadline.elapsed, 1),
            }

    def cost(self) -> dict[str, Any]:
        """What the run took so far, however it ended, in JSON's types."""
        return {
            "requests": self.traffic.requests,
            "retries": self.traffic.retries,
            "throttled": self.traffic.throttled,
            "vanished": self.traffic.vanished,
            "seconds": round(self.deadline.elapsed, 1),
            "steps": {name: round(seconds, 1) for name, seconds in self.deadline.steps.items()},
            "peak_memory_mib": peak_memory_mib(),
        }


def peak_memory_mib() -> int:
    """The most memory that this process ever had, in MiB; its files in `/tmp` not counted."""
    with contextlib.suppress(OSError):
        # Of this program alone; `getrusage` counts what the process was before it ran this one.
        if found := re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()):
            return round(int(found[1]) / 2**10)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


@contextmanager
def logged(progress: Progress, seconds: float = LOG_SECONDS) -> Iterator[None]:
    """Log `sync_progress` every so many seconds while inside."""
    with every(seconds, lambda: log.event("sync_progress", **progress.so_far())):
        yield


@contextmanager
def every(seconds: float, tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` every so many seconds while inside, in a thread of its own."""
    done = threading.Event()

    def run() -> None:
        while not done.wait(seconds):
            tell()

    thread = threading.Thread(target=run, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
