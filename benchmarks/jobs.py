"""Measure the BigQuery jobs of a steady sync, which does not change the schema.

The jobs are counted by the proxy of the local BigQuery. It also makes each call take as long as we
take it to last in BigQuery, by delaying its response; what is concurrent stays concurrent.
"""

import json
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import google.cloud.bigquery
from google.oauth2.credentials import Credentials

from benchmarks.candidates import (
    ASKED,
    GUIDE,
    OURS,
    QUIET,
    SAME_TABLES,
    SCANNED,
    UNCHANGED,
    Api,
    api,
    run_process,
    seen_by,
    settings_of_a_sync,
)
from benchmarks.server import TABLES, Sizes
from local import bigquery
from scanner_sync.schema.tables import TABLES as MERGED
from scanner_sync.warehouse.lease import LEASE_TABLE

PURPOSES = (
    (r"SELECT \S*_dlt_pipeline_state", "dlt: the state of the last run"),
    (r"SELECT \S*_dlt_version", "dlt: read the stored schema, and compare it"),
    (r"SELECT \S*INFORMATION_SCHEMA", "dlt: which columns the tables have"),
    (r"HISTORIES", "update all histories, and count the changes"),
    (r"INSERT \S*\.syncs", "note that nothing was found"),
    (r"SELECT \S*\.occurrences_issues_history", "what signals name"),
    (r"DECLARE", "dlt: an empty script"),
    (r"INSERT \S*_dlt_loads", "dlt: mark the load as complete"),
    (r"TRUNCATE .*", "dlt: empty the staging tables"),
    (r"LOAD .*_staging\..*", "load rows into a staging table"),
    (r"MERGE .*", "merge one or two tables from their staging tables"),
    (r"DELETE .*", "one table: delete replaced rows, insert"),
)
SIZES = Sizes(issues=500, occurrences=1_500, scans=50, targets=50)
LATENCY_MS: Final = 200
"""How long the API takes to answer."""
MODEL: Final = {
    "call": 0.1,
    "LOAD": 3.0,
    "SELECT": 0.8,
    "DML": 2.2,
    "script": 1.5,
    "statement of a script": 0.7,
}
"""How long a call to BigQuery takes, in seconds. These are estimates, not measured in BigQuery."""
STATEMENT = re.compile(
    r"(?:^|;|\bTHEN(?= BEGIN))(?:\s|--.*\n)*"
    r"(?:BEGIN|COMMIT|SELECT|MERGE|INSERT|UPDATE|DELETE|TRUNCATE|(?:DECLARE|SET) [^;]*\bSELECT)\b"
)
"""A statement that BigQuery runs as a job of its own, in a script."""
CHANGED_BY_A_SCAN: Final = ("issues", "occurrences_issues", "scans", "targets", "fixed_occurrences")
"""Tables. The others change when a person changes something."""
CANDIDATES: Final = (UNCHANGED, QUIET, ASKED, SCANNED, OURS, SAME_TABLES, GUIDE)
TABLE = re.compile(r"`[\w-]+`?\.`?(\w+)`?\.`?(\w+(?:\.\w+)?)`")


@dataclass(frozen=True)
class Job:
    """A job: what it does, and when it started and ended, in seconds from the first one."""

    what: str
    start: float
    end: float
    tables: int
    """Tables that a query refers to, counted for each statement of a script. BigQuery bills each
    statement by itself, and at least 10 MB for each of its tables:
    https://docs.cloud.google.com/bigquery/docs/multi-statement-queries,
    https://cloud.google.com/bigquery/pricing"""

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
    """Count the jobs, and make each call take as long as in `MODEL` if `is_slow`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin(is_slow=False)

    def begin(self, *, is_slow: bool) -> None:
        """Reset the counts."""
        self._is_slow = is_slow
        self.jobs: list[Job] = []
        self.calls = 0

    def __call__(self, method: str, path: str, body: bytes) -> None:
        """Delay a job; see `local.bigquery.Fault`."""
        what, tables, seconds = _what(path, body) if method == "POST" else _CALL
        start = time.monotonic()
        with self._lock:
            self.calls += what is None
        time.sleep(seconds if self._is_slow else 0)
        if what is not None:
            with self._lock:
                self.jobs.append(Job(what, start, time.monotonic(), tables))


_CALL: Final = (None, 0, MODEL["call"])


def _what(path: str, body: bytes) -> tuple[str | None, int, float]:
    """Return a job's verb and table, the number of billed tables, and how long it takes.

    The first is None for a call that is not a job.
    """
    resource = path.partition("?")[0].rsplit("/", 1)[-1]
    if resource == "jobs":
        found = re.search(rb'\{.*?"jobReference".*\}', body.partition(b"\r\n--")[0] or body, re.S)
        request = json.loads(found[0] if found else body)["configuration"]
        if load := request.get("load"):
            table = load["destinationTable"]
            return f"LOAD {table['datasetId']}.{table['tableId']}", 0, MODEL["LOAD"]
        return job_of(request["query"]["query"])
    return job_of(json.loads(body)["query"]) if resource == "queries" else _CALL


def job_of(sql: str) -> tuple[str, int, float]:
    """Return its verb and table, the number of billed tables, and how long it takes."""
    tables = [".".join(match) for match in TABLE.findall(sql)]
    word = re.findall(r"^\s*(\w+)", sql, re.M)[0].upper()  # after comments
    if "_history`" in sql and "MERGE" in sql:
        word, tables = "HISTORIES of", [tables[0].partition(".")[0], *tables]
    starts = [found.start() for found in STATEMENT.finditer(sql)]
    if ";" in sql:
        seconds = MODEL["script"] + len(starts) * MODEL["statement of a script"]
    else:
        seconds = MODEL["SELECT" if word == "SELECT" else "DML"]
    if word == "TRUNCATE":
        return f"TRUNCATE {len(tables)} tables of {tables[0].partition('.')[0]}", 0, seconds
    what = f"{word} {tables[0] if tables else ''}".strip()
    statements = [sql[start:end] for start, end in pairwise([*starts, len(sql)])]
    return what, sum(len({*TABLE.findall(text)}) for text in statements), seconds


def steady_sync(candidate: str, sizes: Sizes = SIZES, *, is_slow: bool) -> Sync:
    """Run the third sync of an account into a new local BigQuery, where nothing else changes.

    It reads everything, and loads each table as if its rows had changed. If the candidate is
    `SCANNED`, that is so of what a scan changes; if it is `UNCHANGED`, of none. `QUIET` is the
    fifth sync of an account with the default settings, which after three without a change reads
    only what has changed. `ASKED` is the same, if the sync before changed a table. If `is_slow`,
    the API and BigQuery take their time during it.
    """
    is_quiet = candidate in (QUIET, ASKED)
    before = 4 if is_quiet else 2
    counting = Counting()
    with (
        api(Api(sizes=sizes, latency_ms=LATENCY_MS if is_slow else 0)) as url,
        bigquery.emulator() as port,
        bigquery.proxy(port, counting) as host,
        tempfile.TemporaryDirectory() as directory,
    ):
        settings = settings_of_a_sync(url, host)
        if not is_quiet:
            settings["FULL_READ_HOURS"] = "0"
        command = [sys.executable, "-m", "scanner_sync", "sync", "--json"]
        if candidate == SAME_TABLES:
            command += ["--resources", ",".join(TABLES)]
        if candidate == GUIDE:
            command = [sys.executable, "-m", "benchmarks.guide", url, "parallelized", directory]
        forgotten = {
            UNCHANGED: (),
            QUIET: (),
            ASKED: ("signals_hash",),
            SCANNED: _held(CHANGED_BY_A_SCAN),
            GUIDE: (),
        }.get(candidate, _held(MERGED))
        for is_last in (False,) * before + (True,):
            if is_last and forgotten:
                _forget(host, forgotten)
            counting.begin(is_slow=is_slow and is_last)
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


def _held(tables: Iterable[str]) -> tuple[str, ...]:
    """Return the labels with whose digests a sync leaves equal tables as they are."""
    return tuple(f"held_{name}" for name in tables)


def _forget(host: str, labels: Iterable[str]) -> None:
    """Clear labels of the lease."""
    credentials = Credentials(token="none")  # type: ignore[no-untyped-call]
    client = google.cloud.bigquery.Client(
        "benchmark", credentials, client_options={"api_endpoint": host}
    )
    lease = client.get_table(f"benchmark.scanner.{LEASE_TABLE}")
    lease.labels |= {name: "" for name in labels if name in lease.labels}
    client.update_table(lease, ["labels"])


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
    line("seconds, modeled", lambda s: f"{s.seconds:.1f}")
    line("of these in BigQuery", lambda s: f"{s.jobs_seconds:.1f}")
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
    """Measure steady syncs whose calls take as long as in `MODEL`, by candidate."""
    found: dict[str, list[Sync]] = {candidate: [] for candidate in CANDIDATES}
    for _ in range(repetitions):
        for candidate, syncs in found.items():
            advance(f"BigQuery's jobs: {candidate}")
            syncs.append(steady_sync(candidate, is_slow=True))
    return found


def median(syncs: list[Sync]) -> Sync:
    """Return the sync with the median of seconds."""
    return sorted(syncs, key=lambda sync: sync.seconds)[len(syncs) // 2]
