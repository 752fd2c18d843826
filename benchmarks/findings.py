"""Measure the findings of a large account, beside an earlier version that had no findings.

That version concluded anew in each view. Both work on the same prepared rows of three years, in
turns in one local BigQuery, whose processor time is taken, because that depends little on what else
the machine does.
"""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from google.cloud import bigquery

from benchmarks.footprint import child
from benchmarks.version import client_of
from local import bigquery as local_bigquery
from local.processes import ROOT

EARLIER: Final = "442a1fa"
"""The last commit without findings."""
OCCURRENCES: Final = (16_000, 64_000)
DAYS: Final = 3 * 365
"""Over which they are spread. There was a sync a day."""
REPETITIONS: Final = 5
SCRIPTS: Final = ("the first script", "a steady script")
PAGE: Final = "the page"
MOST_OF_SCRIPT: Final = 1.5
"""The target: how many times as long a script may take as before."""
RENAMED: Final = {
    "Where are the open criticals?": "Where are the criticals?",
    "Which targets have most open?": "Which targets have most to do?",
    "When was the last load?": "When was the last sync?",
}
"""Questions that have another heading now."""

Seconds = dict[str, float]
"""Processor time by what took it: one of `SCRIPTS`, the page, or the heading of a question."""
Rounds = list[tuple[Seconds, Seconds]]
"""Of each repetition: the earlier version, and this one."""
Measured = dict[int, Rounds]
"""By number of occurrences."""


def measure(
    advance: Callable[[str], None],
    sizes: tuple[int, ...] = OCCURRENCES,
    repetitions: int = REPETITIONS,
) -> Measured:
    """Measure both versions. Raises `SystemExit` without the history of this repository."""
    found: Measured = {size: [] for size in sizes}
    os.environ["LOCAL_BIGQUERY_HAS_MANY_ROWS"] = "1"  # DuckDB's optimizers are worth their time
    with earlier() as folder:
        for size, rounds in found.items():
            # What it remembers of a large account would slow down a small one.
            with local_bigquery.bigquery() as url:
                for repetition in range(repetitions + 1):
                    both = []
                    for name, root in (("earlier", folder), ("now", ROOT)):
                        advance(f"findings: {size:,} occurrences, {name}, {repetition + 1}")
                        both.append(_Version(root, url).measure(size))
                    rounds.append((both[0], both[1]))
                del rounds[0]  # it translates each statement, which is remembered
    return found


@contextmanager
def earlier(repository: Path = ROOT) -> Iterator[Path]:
    """Write the files of the earlier version into a folder, which lasts as long as the context."""
    command = ["git", "-C", str(repository), "archive", EARLIER]
    archived = subprocess.run(command, capture_output=True, check=False)
    if archived.returncode:
        raise SystemExit(
            f"The earlier version is commit {EARLIER}, which git does not find here. A shallow"
            " clone has it after `git fetch --unshallow`; what was downloaded without its history,"
            " never."
        )
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def side_by_side(rounds: Rounds) -> dict[str, tuple[list[float], list[float]]]:
    """Return what both versions were measured at, and the seconds of each, by its name now."""
    return {
        RENAMED.get(what, what): (
            [before[what] for before, _ in rounds],
            [now[RENAMED.get(what, what)] for _, now in rounds],
        )
        for what in rounds[0][0]
    }


def questions(root: Path) -> dict[str, str]:
    """Return the queries of a version's docs/queries.md by their headings, in its own words.

    `{d}` is the dataset. Where this version limits the rows, so does the query that is returned.
    """

    def read(folder: Path) -> dict[str, str]:
        text = (folder / "docs/queries.md").read_text().replace("scanner.", "{d}.")
        return dict(re.findall(r"(?ms)^## ([^\n]+)\n(?:(?!^## ).)*?^```sql\n(.*?)\n```", text))

    now, found = read(ROOT), read(root)
    for heading, sql in found.items():
        limit = re.search(r"\nLIMIT \d+$", now[RENAMED.get(heading, heading)])
        if limit and "LIMIT" not in sql:
            found[heading] += limit[0]
    return found


Rows = tuple[int, int, dict[str, str]]
"""SQL for the columns of a table by their names. `n` goes from the first number to the last."""


def prepared(occurrences: int, *, is_earlier: bool) -> dict[str, Rows]:
    """Return the rows of three years: half of the occurrences are open, and most others fixed."""
    issues, targets, half = occurrences // 32, 500, occurrences // 2
    now = datetime.now(UTC).replace(microsecond=0)
    begin = f"TIMESTAMP '{now - timedelta(days=DAYS)}'"
    until_today = f"TIMESTAMP '{now - timedelta(hours=2)}'"

    def day(number: str, hour: int = 0) -> str:
        return f"TIMESTAMP_ADD({begin}, INTERVAL 24 * ({number}) + {hour} HOUR)"

    text = "CAST({} AS STRING)".format
    loaded = {"_dlt_load_id": "'1'", "_dlt_id": "''"}
    state = loaded | {"entity_key": text("n"), "state_hash": "''"}
    whole = state | {"valid_from": begin, "valid_to": until_today}
    issue = {
        "id": "n",
        "title": f"CONCAT('Issue ', {text('n')})",
        "severity": "CASE WHEN MOD(n, 10) = 0 THEN 'critical' WHEN MOD(n, 10) < 3 THEN 'high'"
        " WHEN MOD(n, 10) < 6 THEN 'medium' ELSE 'low' END",
        "snoozed": "FALSE",
    }
    target = {
        "id": "n",
        "address": f"CONCAT('host', {text('n')})",
        "target_status": "'live'",
        "tags": f"PARSE_JSON(CONCAT('[\"tag', {text('MOD(n, 20)')}, '\"]'))",
    }
    host = f"CONCAT('host', {text(f'MOD(n, {targets}) + 1')})"
    began, gone = "MOD(n * 7919, 900)", "MOD(n * 7919, 900) + 7 + MOD(n * 31, 180)"
    occurrence = {
        "id": "n",
        "occurrence_id": "n",
        "issue_id": f"MOD(n, {issues}) + 1",
        "target": host,
        "port": "'443'",
    }
    opened = {"first_seen_at": day("MOD(n * 7919, 1000)"), "snoozed": "MOD(n, 20) = 0"}
    closed = {
        "first_seen_at": day(began),
        "snoozed": "FALSE",
        "valid_from": day(f"{began} + 1"),
        "valid_to": day(f"{gone} + 1"),
    }
    fixed = {
        "id": "n",
        "occurrence_id": "n",
        "title": "'Fixed'",
        "severity": "'high'",
        "affected_host": host,
        "first_seen_at": day(began),
        "remediated_at": day(gone, 5),
    }
    if is_earlier:
        closed["entity_key"] = f"CONCAT({text(occurrence['issue_id'])}, '/', {text('n')})"
    else:
        closed["last_seen_at"] = day(gone)
    rows: dict[str, Rows] = {
        "issues": (1, issues, issue | loaded),
        "targets": (1, targets, target | loaded),
        "occurrences_issues": (1, half, occurrence | opened | loaded),
        "fixed_occurrences": (half + half // 10 + 1, occurrences, fixed | loaded),
        "issues_history": (1, issues, issue | whole),
        "targets_history": (1, targets, target | whole),
        "occurrences_issues_history": (half + 1, occurrences, occurrence | state | closed),
    }
    if not is_earlier:
        sync = dict.fromkeys(("unread_issues", "read_issues", "empty_issues"), "[]")
        sync |= {"synced_at": day("n"), "is_held": "FALSE"}
        sync["tables"] = "['issues', 'occurrences_issues', 'targets', 'fixed_occurrences']"
        rows["syncs"] = (1, DAYS - 1, sync)
    return rows


class _Version:
    """A version, and a dataset of its own."""

    def __init__(self, root: Path, url: str) -> None:
        self._root, self._url = root, url
        self._dataset = f"d{uuid.uuid4().hex[:12]}"
        self._client = client_of(url)
        self._emulator = child("emulator.py")
        self._is_earlier = root != ROOT

    def measure(self, occurrences: int) -> Seconds:
        """Measure each thing once."""
        self._run("prepare")
        rows = json.dumps(self._insert(occurrences))
        found = {what: self._seconds(lambda: self._run("script", rows)) for what in SCRIPTS}
        [held] = self._query("SELECT COUNT(*) AS states FROM {d}.occurrences_issues_history")
        assert held.states == occurrences
        self._query(
            "CREATE TABLE {d}._dlt_loads (load_id STRING, status INT64, inserted_at TIMESTAMP)"
        )
        self._query("INSERT INTO {d}._dlt_loads VALUES ('1', 0, CURRENT_TIMESTAMP())")
        found[PAGE] = self._seconds(lambda: self._run("page"))
        for heading, sql in questions(self._root).items():
            found[heading] = self._seconds(partial(self._query, sql))
        self._client.delete_dataset(self._dataset, delete_contents=True)
        return found

    def _seconds(self, act: Callable[[], object]) -> float:
        """Return the processor time of the local BigQuery while `act` runs."""
        # The number of a process's clock in Linux, as clock_getcpuclockid(3) makes it.
        # /proc has the same time in steps of 10 ms, as long as many of these queries take.
        clock = ~self._emulator << 3 | 2
        before = time.clock_gettime_ns(clock)
        act()
        return (time.clock_gettime_ns(clock) - before) / 1e9

    def _run(self, what: str, *more: str) -> None:
        file = ROOT / "benchmarks/version.py"
        subprocess.run(
            [sys.executable, "-P", file, what, self._url, self._dataset, *more],
            env=os.environ | {"PYTHONPATH": str(self._root)},
            check=True,
        )

    def _insert(self, occurrences: int) -> dict[str, int]:
        """Insert rows into merged tables and histories. Returns how many the former have."""
        found = prepared(occurrences, is_earlier=self._is_earlier)
        for table, (first, last, columns) in found.items():
            self._query(
                f"INSERT INTO {{d}}.{table} ({', '.join(columns)})"  # noqa: S608
                f" SELECT {', '.join(columns.values())}"
                f" FROM UNNEST(GENERATE_ARRAY({first}, {last})) AS n"
            )
        return {
            table: last - first + 1
            for table, (first, last, columns) in found.items()
            if "_dlt_id" in columns and "valid_from" not in columns
        }

    def _query(self, sql: str) -> list[bigquery.Row]:
        return list(self._client.query_and_wait(sql.replace("{d}", self._dataset)))
