"""What a sync asks of BigQuery when nothing about the schema has changed, and how long it takes.

The jobs are counted between the client and the local BigQuery. There each of them can be made to
take as long as BigQuery takes: the answer to its insertion is held back, so jobs that run side by
side still do.
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

from benchmarks.candidates import GUIDE, NO_HISTORY, OURS, Api, api, run_process, settings_of_a_sync
from benchmarks.server import Sizes
from local import bigquery

PURPOSES = (
    (r"SELECT \S*_dlt_pipeline_state", "dlt: what the last run left as its state"),
    (r"SELECT \S*_dlt_version", "dlt: the schema that is stored, and whether it is this one"),
    (r"SELECT \S*INFORMATION_SCHEMA", "dlt: which columns the tables have"),
    (r"HISTORIES", "all histories: close what is gone, open what is new, and count it"),
    (r"ARRIVED", "the rows of this load that the tables hold"),
    (r"DECLARE", "dlt: a script that does nothing"),
    (r"INSERT \S*_dlt_version", "dlt: store the schema"),
    (r"INSERT \S*_dlt_loads", "dlt: mark the load as done"),
    (r"TRUNCATE .*", "dlt: empty the staging tables"),
    (r"LOAD .*_staging\..*", "rows into a staging table"),
    (r"LOAD .*", "dlt: its state"),
    (r"MERGE .*", "one table, from its staging table"),
    (r"DELETE .*", "one table: delete what is replaced, insert"),
    (r"CREATE .*", "dlt: tables"),
)
SIZES = Sizes(issues=50, occurrences=150, scans=50, targets=50)
TABLE = re.compile(r"`[\w-]+`?\.`?(\w+)`?\.`?(\w+(?:\.\w+)?)`")


@dataclass(frozen=True)
class Job:
    """A job: what it does, and when it was asked for, in seconds from the first one."""

    what: str
    start: float
    end: float
    tables: int
    """Tables that a query refers to; BigQuery bills 10 MB for each, at least."""

    @property
    def purpose(self) -> str:
        """What it is for."""
        return next((why for form, why in PURPOSES if re.match(form, self.what)), "?")


@dataclass
class Sync:
    """One steady sync as BigQuery saw it."""

    jobs: list[Job]
    calls: int
    """Requests that are no jobs."""
    seconds: float
    """From the start of its process to its end."""

    @property
    def jobs_seconds(self) -> float:
        """From the first job's start to the last one's end, with the reading in between."""
        return max(job.end for job in self.jobs)

    @property
    def kinds(self) -> Counter[str]:
        """How many loads, and how many queries."""
        return Counter("load" if j.what.startswith("LOAD") else "query" for j in self.jobs)

    @property
    def critical_path(self) -> list[Job]:
        """The chain of jobs, each of which began after the one before it had ended."""
        path = [max(self.jobs, key=lambda job: job.end)]
        while before := [job for job in self.jobs if job.end <= path[0].start + 0.01]:
            path.insert(0, max(before, key=lambda job: job.end))
        return path


class Counting:
    """Counts the jobs, and makes each take `delay` seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin(0)

    def begin(self, delay: float) -> None:
        """Forget what was counted."""
        self._delay = delay
        self.jobs: list[Job] = []
        self.calls = 0

    def __call__(self, method: str, path: str, body: bytes) -> None:
        """Hold a job back; see `local.bigquery.Fault`."""
        what, tables = _what(path, body) if method == "POST" else (None, 0)
        start = time.monotonic()
        with self._lock:
            self.calls += what is None
        if what is not None:
            time.sleep(self._delay)
            with self._lock:
                self.jobs.append(Job(what, start, time.monotonic(), tables))


def _what(path: str, body: bytes) -> tuple[str | None, int]:
    """What a job does, a word and a table, and how many tables are billed; None for no job."""
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
    elif " AS arrived" in sql:
        word = "ARRIVED in"
    if word == "TRUNCATE":
        return f"TRUNCATE {len(tables)} tables of {tables[0].partition('.')[0]}", 0
    return f"{word} {tables[0] if tables else ''}".strip(), len({t for t in tables if "." in t})


def steady_sync(candidate: str, delay: float) -> Sync:
    """The third sync of an account that stands still, into a BigQuery of its own."""
    counting = Counting()
    with (
        api(Api(sizes=SIZES)) as url,
        bigquery.emulator() as port,
        bigquery.proxy(port, counting) as host,
        tempfile.TemporaryDirectory() as directory,
    ):
        settings = settings_of_a_sync(url, host) | {"HISTORY": str(candidate != NO_HISTORY)}
        command = [sys.executable, "-m", "scanner_sync", "sync", "--json"]
        if candidate == GUIDE:
            command = [sys.executable, "-m", "benchmarks.guide", url, "parallelized", directory]
        for wait in (0, 0, delay):
            counting.begin(wait)
            started = time.monotonic()
            output, _ = run_process(command, settings)
            seconds = time.monotonic() - started
            if not output:
                raise RuntimeError(f"A sync failed: {candidate}")
    began = min(job.start for job in counting.jobs)
    jobs = [replace(job, start=job.start - began, end=job.end - began) for job in counting.jobs]
    return Sync(sorted(jobs, key=lambda job: job.start), counting.calls, seconds)


def table_of_jobs(syncs: dict[str, Sync]) -> str:
    """How many jobs there are of each purpose, for each candidate."""
    purposes = dict.fromkeys(job.purpose for sync in syncs.values() for job in sync.jobs)
    lines = ["| jobs | " + " | ".join(syncs) + " |", "|---|" + "---|" * len(syncs)]

    def line(name: str, count: Callable[[Sync], object]) -> None:
        lines.append(f"| {name} | " + " | ".join(str(count(s)) for s in syncs.values()) + " |")

    for purpose in purposes:
        line(purpose, lambda s, purpose=purpose: sum(j.purpose == purpose for j in s.jobs))  # type: ignore[misc]
    line("**queries and loads**", lambda s: f"{s.kinds['query']} and {s.kinds['load']}")
    line("one after the other", lambda s: len(s.critical_path))
    line("calls that are no jobs", lambda s: s.calls)
    return "\n".join(lines)


def drawing(sync: Sync, width: int = 60) -> str:
    """The jobs over time; those of the critical path in solid blocks."""
    path = set(sync.critical_path)
    scale = width / max(job.end for job in sync.jobs)
    lines = []
    for job in sync.jobs:
        bar = ("█" if job in path else "░") * max(1, round((job.end - job.start) * scale))
        lines.append(f"{' ' * round(job.start * scale) + bar:<{width + 2}} {job.start:5.1f} s"
                     f"  {job.what}")  # fmt: skip
    return "```text\n" + "\n".join(lines) + "\n```"


def measure(repetitions: int, advance: Callable[[str], None]) -> dict[str, list[Sync]]:
    """Steady syncs whose jobs take 1.5 seconds each, by candidate."""
    found: dict[str, list[Sync]] = {OURS: [], NO_HISTORY: [], GUIDE: []}
    for _ in range(repetitions):
        for candidate, syncs in found.items():
            advance(f"BigQuery's jobs: {candidate}")
            syncs.append(steady_sync(candidate, 1.5))
    return found


def median(syncs: list[Sync]) -> Sync:
    """The sync whose seconds are the median."""
    return sorted(syncs, key=lambda sync: sync.seconds)[len(syncs) // 2]
