"""Measure the BigQuery jobs of a steady sync, which does not change the schema.

The jobs are counted by the proxy of the local BigQuery. It can also make each of them take as long
as in BigQuery, by delaying the response to its insertion; concurrent jobs stay concurrent.
"""

import json
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.candidates import (
    GUIDE,
    OURS,
    SAME_TABLES,
    Api,
    api,
    run_process,
    seen_by,
    settings_of_a_sync,
)
from benchmarks.server import TABLES, Sizes
from local import bigquery

PURPOSES = (
    (r"SELECT \S*_dlt_pipeline_state", "dlt: the state of the last run"),
    (r"SELECT \S*_dlt_version", "dlt: read the stored schema, and compare it"),
    (r"SELECT \S*INFORMATION_SCHEMA", "dlt: which columns the tables have"),
    (r"HISTORIES", "update all histories, and count the changes"),
    (r"DECLARE", "dlt: an empty script"),
    (r"INSERT \S*_dlt_loads", "dlt: mark the load as complete"),
    (r"TRUNCATE .*", "dlt: empty the staging tables"),
    (r"LOAD .*_staging\..*", "load rows into a staging table"),
    (r"MERGE .*", "merge one table from its staging table"),
    (r"DELETE .*", "one table: delete replaced rows, insert"),
)
SIZES = Sizes(issues=50, occurrences=150, scans=50, targets=50)
TABLE = re.compile(r"`[\w-]+`?\.`?(\w+)`?\.`?(\w+(?:\.\w+)?)`")


@dataclass(frozen=True)
class Job:
    """A job: what it does, and when it started and ended, in seconds from the first one."""

    what: str
    start: float
    end: float
    tables: int
    """Tables that a query refers to; BigQuery bills at least 10 MB for each."""

    @property
    def purpose(self) -> str:
        """Return what it is for."""
        return next((why for form, why in PURPOSES if re.match(form, self.what)), "?")


@dataclass
class Sync:
    """One steady sync as BigQuery sees it."""

    jobs: list[Job]
    calls: int
    """Requests other than jobs."""
    requests: int
    """Requests to the API."""
    seconds: float
    """From the start to the end of its process."""

    @property
    def jobs_seconds(self) -> float:
        """Return the seconds from the start of the first job to the end of the last one."""
        return max(job.end for job in self.jobs)

    @property
    def kinds(self) -> Counter[str]:
        """Return how many loads and queries there are."""
        return Counter("load" if j.what.startswith("LOAD") else "query" for j in self.jobs)

    @property
    def critical_path(self) -> list[Job]:
        """Return the longest chain of jobs, each of which started after the previous one ended."""
        path = [max(self.jobs, key=lambda job: job.end)]
        while before := [job for job in self.jobs if job.end <= path[0].start + 0.01]:
            path.insert(0, max(before, key=lambda job: job.end))
        return path


class Counting:
    """Count the jobs, and make each take `delay` seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin(0)

    def begin(self, delay: float) -> None:
        """Reset the counts."""
        self._delay = delay
        self.jobs: list[Job] = []
        self.calls = 0

    def __call__(self, method: str, path: str, body: bytes) -> None:
        """Delay a job; see `local.bigquery.Fault`."""
        what, tables = _what(path, body) if method == "POST" else (None, 0)
        start = time.monotonic()
        with self._lock:
            self.calls += what is None
        if what is not None:
            time.sleep(self._delay)
            with self._lock:
                self.jobs.append(Job(what, start, time.monotonic(), tables))


def _what(path: str, body: bytes) -> tuple[str | None, int]:
    """Return a job's verb and table, and the number of billed tables; None if it is not a job."""
    resource = path.partition("?")[0].rsplit("/", 1)[-1]
    if resource == "jobs":
        found = re.search(rb'\{.*?"jobReference".*\}', body.partition(b"\r\n--")[0] or body, re.S)
        request = json.loads(found[0] if found else body)["configuration"]
        if load := request.get("load"):
            table = load["destinationTable"]
            return f"LOAD {table['datasetId']}.{table['tableId']}", 0
        return _of_sql(request["query"]["query"])
    return _of_sql(json.loads(body)["query"]) if resource == "queries" else (None, 0)


def _of_sql(sql: str) -> tuple[str, int]:
    tables = [".".join(match) for match in TABLE.findall(sql)]
    word = re.findall(r"\w+", sql)[0].upper()
    if "_history`" in sql and "MERGE" in sql:
        word, tables = "HISTORIES of", [tables[0].partition(".")[0], *tables]
    if word == "TRUNCATE":
        return f"TRUNCATE {len(tables)} tables of {tables[0].partition('.')[0]}", 0
    return f"{word} {tables[0] if tables else ''}".strip(), len({t for t in tables if "." in t})


def steady_sync(candidate: str, delay: float) -> Sync:
    """Run the third sync of an unchanged account into a new local BigQuery."""
    counting = Counting()
    with (
        api(Api(sizes=SIZES)) as url,
        bigquery.emulator() as port,
        bigquery.proxy(port, counting) as host,
        tempfile.TemporaryDirectory() as directory,
    ):
        settings = settings_of_a_sync(url, host)
        command = [sys.executable, "-m", "scanner_sync", "sync", "--json"]
        if candidate == SAME_TABLES:
            command += ["--resources", ",".join(TABLES)]
        if candidate == GUIDE:
            command = [sys.executable, "-m", "benchmarks.guide", url, "parallelized", directory]
        for wait in (0, 0, delay):
            counting.begin(wait)
            seen_by(url)
            started = time.monotonic()
            output, _ = run_process(command, settings)
            seconds = time.monotonic() - started
            if not output:
                raise RuntimeError(f"A sync failed: {candidate}")
        requests = seen_by(url)["requests"]
    began = min(job.start for job in counting.jobs)
    jobs = [replace(job, start=job.start - began, end=job.end - began) for job in counting.jobs]
    return Sync(sorted(jobs, key=lambda job: job.start), counting.calls, requests, seconds)


def table_of_jobs(syncs: dict[str, Sync]) -> str:
    """Return a table of the number of jobs by purpose, for each candidate."""
    purposes = dict.fromkeys(job.purpose for sync in syncs.values() for job in sync.jobs)
    lines = ["| jobs | " + " | ".join(syncs) + " |", "|---|" + "---|" * len(syncs)]

    def line(name: str, count: Callable[[Sync], object]) -> None:
        lines.append(f"| {name} | " + " | ".join(str(count(s)) for s in syncs.values()) + " |")

    for purpose in purposes:
        line(purpose, lambda s, purpose=purpose: sum(j.purpose == purpose for j in s.jobs))  # type: ignore[misc]
    line("**queries and loads**", lambda s: f"{s.kinds['query']} and {s.kinds['load']}")
    line("consecutive", lambda s: len(s.critical_path))
    line("calls other than jobs", lambda s: s.calls)
    line("requests to the API", lambda s: s.requests)
    return "\n".join(lines)


def drawing(sync: Sync, width: int = 60) -> str:
    """Draw the jobs over time, with the critical path in solid blocks."""
    path = set(sync.critical_path)
    scale = width / max(job.end for job in sync.jobs)
    lines = []
    for job in sync.jobs:
        bar = ("█" if job in path else "░") * max(1, round((job.end - job.start) * scale))
        lines.append(f"{' ' * round(job.start * scale) + bar:<{width + 2}} {job.start:5.1f} s"
                     f"  {job.what}")  # fmt: skip
    return "```text\n" + "\n".join(lines) + "\n```"


def measure(repetitions: int, advance: Callable[[str], None]) -> dict[str, list[Sync]]:
    """Measure steady syncs whose jobs take 1.5 seconds each, by candidate."""
    found: dict[str, list[Sync]] = {OURS: [], SAME_TABLES: [], GUIDE: []}
    for _ in range(repetitions):
        for candidate, syncs in found.items():
            advance(f"BigQuery's jobs: {candidate}")
            syncs.append(steady_sync(candidate, 1.5))
    return found


def median(syncs: list[Sync]) -> Sync:
    """Return the sync with the median of seconds."""
    return sorted(syncs, key=lambda sync: sync.seconds)[len(syncs) // 2]
