"""Measure what an account costs a day of which a sync reads only what a signal names.

An hour would take too long, so before each sync the lease is told that one has passed. What
changes in it is dated as it happens, so `since` is asked for what is newer than the last sync, and
a part of the ten minutes by which clocks may differ that is as small.
"""

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from google.cloud import bigquery
from google.oauth2.credentials import Credentials
from starlette.applications import Starlette

from benchmarks.account import SEED
from benchmarks.candidates import settings_of_a_sync
from local import bigquery as local_bigquery
from sample_api import Account, create_app, generate, serve
from sample_api.rows import fixed_row, time_text
from scanner_sync.refresh import CLOCKS_DIFFER
from scanner_sync.schema.tables import TABLES
from scanner_sync.sync import sync
from scanner_sync.warehouse import lease
from scanner_sync.warehouse.memory import FULL_READS, LastSync

ISSUES: Final = 4000
CHANGED: Final = 40
"""Issues that change a day."""
SCAN_HOUR: Final = 2
HOUR: Final = timedelta(hours=1)


class Sync(NamedTuple):
    """One sync."""

    requests: int
    refresh: Mapping[str, Any]
    """What the sync said of itself."""


@dataclass
class Day:
    """The syncs of a day."""

    every_hours: int
    syncs: list[Sync] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)
    """Open occurrences that differed from the API's, after each sync."""

    @property
    def requests(self) -> int:
        """Requests of the day."""
        return sum(sync.requests for sync in self.syncs)


@dataclass
class Measured:
    """The figures."""

    issues: int
    changed: int
    occurrences: int
    full: int
    """Requests of a sync that reads everything, and asks for no signal."""
    once: int
    """Requests that the first one of a day takes besides."""
    days: list[Day]

    def before(self, every_hours: int) -> int:
        """Return the requests of a day in which each sync reads everything."""
        return self.full * 24 // every_hours + self.once


def measure(
    advance: Callable[[str], None], issues: int = ISSUES, changed: int = CHANGED
) -> Measured:
    """Let the account become quiet, and sync it for a day every hour, and for one every six."""
    account = generate(SEED, issues=issues, first_day=datetime.now(UTC).date())
    account.scanned_at = datetime.now(UTC)
    # The local BigQuery takes long to conclude from a year of fixes, and many occurrences.
    account.fixed = []
    account.occurrences = {issue: rows[:2] for issue, rows in account.occurrences.items()}
    occurrences = sum(map(len, account.occurrences.values()))
    # The local BigQuery may answer nothing for half a minute, in which a lease would be lost.
    lease.LEASE_SECONDS = 600  # type: ignore[misc]
    lease.CALL["timeout"] = 60.0
    app = create_app(account, token="t", quota_per_hour=None)
    with serve(app) as url, local_bigquery.bigquery() as host:
        os.environ |= settings_of_a_sync(url, host)
        syncs = _Syncs(account, app, host, changed, advance)
        first = syncs.sync()
        once = sum("last_scanned_after" in request.query for request in app.state.requests)
        for _ in range(FULL_READS):
            syncs.pass_hours(1)
            syncs.sync()
        while syncs.hour % 24 != SCAN_HOUR:  # the first scan is the last surprise
            syncs.pass_hours(1)
        syncs.sync()
        days = []
        for every in (1, 6):
            day = Day(every)
            for _ in range(24 // every):
                syncs.pass_hours(every)
                day.syncs.append(syncs.sync())
                day.wrong.append(syncs.wrong())
            days.append(day)
    return Measured(issues, changed, occurrences, first.requests - once, once, days)


class _Syncs:
    """An account whose hours pass, and its syncs."""

    def __init__(
        self,
        account: Account,
        app: Starlette,
        host: str,
        changed: int,
        advance: Callable[[str], None],
    ) -> None:
        self.hour = 22
        """Of the first day. Each day has a scan."""
        self._account, self._app, self._changed, self._advance = account, app, changed, advance
        credentials = Credentials(token="none")  # type: ignore[no-untyped-call]
        self._client = bigquery.Client(
            "benchmark", credentials, client_options={"api_endpoint": host}
        )
        self._random = random.Random(SEED)  # noqa: S311 - the same changes in each run
        self._synced = time.monotonic()

    def sync(self) -> Sync:
        """Sync now, in this process. A sync that fails ends the benchmark."""
        self._advance(f"quiet: hour {self.hour}")
        sent = len(self._app.state.requests)
        result = sync(tuple(TABLES), print)
        assert len(self._app.state.requests) - sent == result.requests
        return Sync(result.requests, result.refresh)

    def wrong(self) -> int:
        """Return how many open occurrences are not the API's."""
        rows = self._client.query_and_wait(
            "SELECT issue_id, id, snoozed FROM scanner.occurrences_issues_history"
            " WHERE valid_to IS NULL"
        )
        found = {tuple(row.values()) for row in rows}
        shown = {
            (issue, row["id"], row["snoozed"])
            for issue, rows in self._account.occurrences.items()
            for row in rows
        }
        return len(found ^ shown)

    def pass_hours(self, hours: int) -> None:
        """Let hours pass, with their share of the changes of a day, and the scan."""
        for _ in range(hours):
            before = self._changed * (self.hour % 24) // 24
            self.hour += 1
            after = self._changed * ((self.hour - 1) % 24 + 1) // 24
            self._change(after - before)
            if self.hour % 24 == SCAN_HOUR:
                self._scan()
        days = self.hour // 24 - (self.hour - hours) // 24
        table = self._client.get_table(f"benchmark.scanner.{lease.LEASE_TABLE}")
        last, passed = LastSync.read(table.labels), hours * HOUR
        real = timedelta(seconds=time.monotonic() - self._synced)
        self._synced = time.monotonic()
        labels = dict(table.labels)
        if last.full_read_at:
            last.full_read_at -= max(passed - real, timedelta(0))
        if last.scans_asked:
            last.scans_asked -= days
        if last.started:
            last.started += CLOCKS_DIFFER * (1 - min(1, real / passed))
        labels |= {name: last.labels()[name] for name in ("full_read_at", "started", "scans_asked")}
        table.labels = labels
        self._client.update_table(table, ["labels"])

    def _change(self, issues: int) -> None:
        """Change so many issues: each in one of six ways, in turn."""
        account, rng = self._account, self._random
        account.scanned_at = datetime.now(UTC)
        for _ in range(issues):
            way = rng.choice(("new", "gone", "regraded", "snoozed", "found", "fixed"))
            row = rng.choice(
                [of for of in account.issues if len(account.occurrences[of["id"]]) > 1]
            )
            id, place = row["id"], account.issues.index(row)
            rows = account.occurrences[id]
            if way == "new":
                account.last_id = max(account.last_id, *(of["id"] for of in account.issues))
                account.open_issue(rng, rng.randint(1, 4), oldest=0)
            elif way == "gone":
                self._fix(row, rows)
                account.issues = [of for of in account.issues if of is not row]
                del account.occurrences[id]
            elif way == "regraded":
                other = "high" if row["severity"] != "high" else "low"
                account.issues[place] = row | {"severity": other}
            elif way == "snoozed":
                snooze = {"snoozed": True, "snooze_reason": "MITIGATING_CONTROLS"}
                account.issues[place] = row | snooze
                account.occurrences[id] = [of | snooze for of in rows]
            elif way == "found":
                account.last_id += 1
                seen = {"first_seen_at": time_text(datetime.now(UTC)), "age": "0 days"}
                new = {"id": max(of["id"] for of in rows) + 1, "occurrence_id": account.last_id}
                account.occurrences[id] = [*rows, rows[0] | new | seen]
            else:
                fixed = next((of for of in rows if of["occurrence_id"]), None)
                if fixed:
                    self._fix(row, [fixed])
                    account.occurrences[id] = [of for of in rows if of is not fixed]

    def _fix(self, issue: dict[str, object], rows: list[dict[str, object]]) -> None:
        now = datetime.now(UTC)
        targets = {of["address"]: of for of in self._account.targets}
        self._account.fixed = [
            *(
                fixed_row(issue, row, targets.get(row["target"], {}), now)
                for row in rows
                if row["occurrence_id"]
            ),
            *self._account.fixed,
        ]

    def _scan(self) -> None:
        """Scan every target."""
        account, now = self._account, datetime.now(UTC)
        scanned = {"target_last_scanned_at": time_text(now)}
        account.occurrences = {
            issue: [row | scanned for row in rows] for issue, rows in account.occurrences.items()
        }
        account.scans = [account.new_scan(self._random, now, "completed"), *account.scans]
