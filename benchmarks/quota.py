"""Measure how an account is read whose requests do not fit into the API's quota.

An hour would take too long, so the quota's clock runs faster, and so do the waits of the others
before a retry. Programs and the local BigQuery do not become faster, so each of their seconds
counts for as many as the clock is faster.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.request import Request, urlopen

from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from benchmarks.account import COUNTS_PATH, account_of
from benchmarks.candidates import CDK_20, COMMANDS, GUIDE, settings_of_a_sync
from local import bigquery as local_bigquery
from local.processes import ROOT, serving
from sample_api import Account, Row
from sample_api.server import CONTROL_PATH

PER_HOUR = 5000
HOUR = 3600
"""Seconds, on the API's clock."""
DEADLINE = 100
"""Seconds of a sync, on a real clock. For the trial, whose reading it ends, this is the default of
1500 seconds on the API's clock. The other account only needs time for the local BigQuery."""
MOST_SYNCS = 12
"""After so many, a round that has not read everything is given up."""
DLT_WAITS = {"RUNTIME__REQUEST_BACKOFF_FACTOR": 1.0, "RUNTIME__REQUEST_MAX_RETRY_DELAY": 300.0}
"""dlt's settings of how long it waits before a retry, with their defaults in seconds."""
HOURS_ALLOWED = 2
"""Hours after which one of the others is ended."""


@dataclass(frozen=True)
class Scale:
    """An account, and the quota of its API."""

    name: str
    issues: int
    faster: int
    """How many times the API's clock is faster."""
    per_hour: int = PER_HOUR
    per_second: int | None = None
    hourly: bool = True
    """Whether syncs start an hour apart; otherwise, each starts when the one before has ended."""
    days: int = 0
    """Syncs after the round, on a new day each."""

    @property
    def arguments(self) -> list[str]:
        """The arguments of `benchmarks.account`."""
        found = [f"--issues={self.issues}", f"--per-hour={self.per_hour}"]
        found += [f"--hour-seconds={HOUR / self.faster}"]
        if self.per_second:
            # The quota's second cannot be shortened, so it allows as many as the faster clock has.
            found += [f"--per-second={self.per_second * self.faster}"]
        return found


LARGE = Scale("5000 an hour, 20,000 issues", 20_000, faster=45, days=2)
TRIAL = Scale("1 a second, 3000 issues", 3000, faster=15, per_second=1, hourly=False)


@dataclass(frozen=True)
class Sync:
    """One sync of this program."""

    error: str | None
    """Its type; None if the sync succeeded."""
    requests: int
    """Accepted by the API."""
    refused: int
    refresh: Mapping[str, Any]
    """What the sync said of itself; empty if it failed."""
    seconds: float
    memory: int
    """Peak in MiB, without temporary files."""
    ended: datetime

    @property
    def oldest_seconds(self) -> float | None:
        """How long ago the oldest occurrences were read; None if an issue's never were."""
        if not (oldest := self.refresh.get("oldest_read_at")):
            return None
        return (self.ended - datetime.fromisoformat(oldest)).total_seconds()


@dataclass
class Rolling:
    """The syncs of an account until all was read, and those on the days after."""

    scale: Scale
    occurrences: int
    round: list[Sync] = field(default_factory=list)
    days: list[Sync] = field(default_factory=list)
    differing: dict[str, int] = field(default_factory=dict)
    """Rows after the round that are not the API's, by table; empty if it never ended."""
    rows: int = 0
    """Rows of all tables that were compared."""
    most: int = 0
    """The most requests that were accepted in any hour."""


@dataclass
class Other:
    """What another program did with the same API."""

    candidate: str
    scale: Scale
    ended: str
    seconds: float
    rows: dict[str, int]
    """Delivered, by table."""
    accepted: int
    refused: int


@dataclass
class Measured:
    """All of it."""

    rolling: list[Rolling]
    others: list[Other]


def measure(advance: Callable[[str], None]) -> Measured:
    """Measure the trial while `LARGE` waits for its next hours, and then the others."""
    with ThreadPoolExecutor() as executor:
        measured = list(executor.map(lambda scale: rolling(scale, advance), (LARGE, TRIAL)))
    return Measured(measured, [other(candidate, LARGE, advance) for candidate in (CDK_20, GUIDE)])


@contextmanager
def api(scale: Scale) -> Iterator[str]:
    """Run the sample API in its own process; yields its base URL."""
    command = [sys.executable, "-m", "benchmarks.account", *scale.arguments]
    with serving(command, {}, r"(http://\S+)") as url:
        yield url


def counts(url: str) -> dict[str, int]:
    """Return how many requests the API has accepted and refused so far."""
    return dict(_ask(url, COUNTS_PATH))


def next_day(url: str) -> None:
    """Advance the account of the API by a day."""
    _ask(url, f"{CONTROL_PATH}next-day/", "POST")


def _ask(url: str, path: str, method: str = "GET") -> Mapping[str, Any]:
    request = Request(url.removesuffix("/v1") + path, method=method)  # noqa: S310 - our own server
    with urlopen(request) as answer:  # noqa: S310
        found: Mapping[str, Any] = json.load(answer)
    return found


def rolling(scale: Scale, advance: Callable[[str], None]) -> Rolling:
    """Sync until the occurrences of each issue were read, compare the tables, and sync further."""
    account = account_of(scale.issues)
    found = Rolling(scale, sum(map(len, account.occurrences.values())))
    with api(scale) as url, local_bigquery.bigquery() as host:
        settings = settings_of_a_sync(url, host) | {
            "LOG_LEVEL": "INFO",
            "SYNC_DEADLINE_SECONDS": str(DEADLINE),
        }
        due = time.monotonic()
        for _ in range(MOST_SYNCS):
            due = _wait(scale, due)
            advance(f"{scale.name}: sync {len(found.round) + 1}")
            found.round.append(sync(url, settings))
            if found.round[-1].oldest_seconds is not None:
                advance(f"{scale.name}: comparing the rows")
                found.differing, found.rows = compare(account, url, host)
                break
        for day in range(scale.days):
            due = _wait(scale, due)
            advance(f"{scale.name}: day {day + 1}")
            next_day(url)
            found.days.append(sync(url, settings))
        found.most = counts(url)["most_in_a_window"]
    return found


def _wait(scale: Scale, due: float) -> float:
    """Wait for the next sync to be due, and return when the one after it is."""
    if not scale.hourly:
        return due
    time.sleep(max(0.0, due - time.monotonic()))
    return time.monotonic() + HOUR / scale.faster


def sync(url: str, settings: Mapping[str, str]) -> Sync:
    """Run one sync in its own process."""
    before, started = counts(url), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "scanner_sync", "sync", "--json"],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,  # a failure is a result
    )
    seconds, after = time.monotonic() - started, counts(url)
    answer = json.loads(done.stdout)
    peaks = re.findall(r'"peak_memory_mib": (\d+)', done.stderr)
    return Sync(
        error=None if answer["status"] == "ok" else answer["error"]["type"],
        requests=after["accepted"] - before["accepted"],
        refused=after["refused"] - before["refused"],
        refresh=answer.get("refresh", {}),
        seconds=seconds,
        memory=max(map(int, peaks), default=0),
        ended=datetime.now(UTC),
    )


def compare(
    account: Account, url: str, host: str, project: str = "benchmark", dataset: str = "scanner"
) -> tuple[dict[str, int], int]:
    """Return how many rows of each table are not the account's, and how many rows there are."""
    credentials = Credentials(token="none")  # type: ignore[no-untyped-call]
    client = bigquery.Client(project, credentials, client_options={"api_endpoint": host})
    wrong, number = {}, 0
    for table, expected in rows_of(account, url).items():
        stored = client.query_and_wait(f"SELECT * FROM {dataset}.{table}")  # noqa: S608 - our names
        found = [as_sent(row) for row in stored]
        wrong[table] = differing(found, expected)
        number += len(found)
    return wrong, number


def differing(found: Sequence[Row], expected: Sequence[Row]) -> int:
    """Return how many rows are on one side only. A row that differs counts once, by its key."""
    sides = [{(row.get("issue_id"), row["id"]): row for row in rows} for rows in (found, expected)]
    keys = sides[0].keys() | sides[1].keys()
    twice = len(found) - len(sides[0])
    return twice + sum(sides[0].get(key) != sides[1].get(key) for key in keys)


def rows_of(account: Account, url: str) -> dict[str, list[Row]]:
    """Return the account's rows by table, as the API sends them, with the ids of issues."""
    return {
        "issues": [row | {"occurrences": url + row["occurrences"]} for row in account.issues],
        "occurrences_issues": [
            # A port is text in BigQuery, because the API sends words, too.
            row | {"issue_id": issue, "port": None if row["port"] is None else str(row["port"])}
            for issue, rows in account.occurrences.items()
            for row in rows
        ],
        "scans": account.scans,
        "targets": account.targets,
    }


def as_sent(row: bigquery.Row) -> Row:
    """Return a stored row with values as the API sends them, without dlt's columns."""

    def value(stored: Any) -> Any:
        if isinstance(stored, datetime):
            return f"{stored:%Y-%m-%dT%H:%M:%SZ}"
        return stored.isoformat() if isinstance(stored, date) else stored

    return {name: value(stored) for name, stored in row.items() if not name.startswith("_dlt_")}


def other(candidate: str, scale: Scale, advance: Callable[[str], None]) -> Other:
    """Run one of the others against a new server, until it ends or its time is up."""
    advance(f"{scale.name}: {candidate}")
    allowed = HOURS_ALLOWED * HOUR / scale.faster
    with api(scale) as url, tempfile.TemporaryDirectory() as directory:
        waits = {name: str(value / scale.faster) for name, value in DLT_WAITS.items()}
        more = {
            "TIMES_FASTER": str(scale.faster),
            "TMPDIR": directory,
            "RUNTIME__DLTHUB_TELEMETRY": "false",  # otherwise dlt would send it
        }
        started = time.monotonic()
        process = subprocess.Popen(
            [part.format(url=url) for part in COMMANDS[candidate]],
            cwd=ROOT,
            env=os.environ | waits | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            output, errors = process.communicate(timeout=allowed)
            ended = "done" if not process.returncode else _failure(output + errors)
        except subprocess.TimeoutExpired:
            process.terminate()
            output, errors = process.communicate()
            ended = f"ended by us after {HOURS_ALLOWED} hours"
        seconds, seen = time.monotonic() - started, counts(url)
    # It prints them before Airbyte's handler prints the exception.
    printed = re.findall(r'(?m)^{"rows": .*', output)
    rows = json.loads(printed[-1])["rows"] if printed else {}
    return Other(candidate, scale, ended, seconds, rows, seen["accepted"], seen["refused"])


def _failure(log: str) -> str:
    """Return what the last lines of a log say of a failure. They may quote a whole response."""
    return "failed: status 429" if "429" in log[-10_000:] else "failed"
