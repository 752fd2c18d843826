"""The plan of a sync: which issues' occurrences it reads, and in which order.

The API lists occurrences by issue, so reading them takes a request for each issue, and more issues
than `MAX_REQUESTS_PER_SYNC` do not fit into one sync. A sync reads all issues, and then the
occurrences of the due ones. The next syncs read the rest. The dataset keeps when each issue's
occurrences were last read.

An account that fits is read whole by each sync, until it is quiet: see `warehouse.memory`. Then
only issues are due that something names: they are new, their row has changed, or a signal of the
API names them.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate, chain, zip_longest
from typing import Any, Final, NamedTuple

from scanner_sync.progress import Progress
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.tables import FIXED

_SEVERITIES: Final = {"critical": 0, "high": 1, "medium": 2, "low": 3}
"""The severities that the API is known to send, with their places; others come after them."""


class LastRead(NamedTuple):
    """What the dataset knows of an issue that the last sync listed: a row of `occurrence_reads`."""

    listed_at: datetime
    """Time of the sync that first listed it."""
    read_at: datetime | None
    """Time of the sync that last read its occurrences; None if no sync has."""
    rows: int | None
    """How many occurrences there were."""
    issue_hash: str | None
    """Hash of the issue's row then; None if its occurrences are known to have changed since."""
    is_named: bool = False
    """Whether a fix, or a target that has changed, says that its occurrences have."""


class ListedIssue(NamedTuple):
    """What a sync knows of an issue that it listed."""

    id: int
    rows: int | None
    """How many occurrences were read; None if they were not read."""
    issue_hash: str | None
    """Hash of the issue's row; "" if its occurrences are known to have changed, but were not read,
    and None if they were not read otherwise."""


_SNOOZED: Final = "s"
"""End of the hash of an issue that the API lists as snoozed; no hash of a row ends so."""
RUNNING: Final = frozenset({"in_progress", "analysing_results"})
"""Statuses of a scan that has not ended."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Seen:
    """What the listings that every sync reads say of occurrences. Several threads note rows."""

    def __init__(self, fixed_since: datetime) -> None:
        self._fixed_since = fixed_since
        self.fixes: set[str] = set()
        """Fixes since then: `occurrence_id`, and `remediated_at` in microseconds since 1970."""
        self.targets: set[str] = set()
        """Status and address of each target."""
        self.ended: set[int] = set()
        """Scans that have ended."""

    def note(self, table: str, row: Mapping[str, Any]) -> None:
        """Note a row of a listing."""
        if table == "targets" and row["address"]:
            self.targets.add(f"{row['target_status'] or ''} {row['address']}")
        if table == "scans" and row["status"] and row["status"] not in RUNNING:
            self.ended.add(row["id"])
        if table == FIXED and row["remediated_at"] >= self._fixed_since:
            micros = (row["remediated_at"] - _EPOCH) // _MICROSECOND
            self.fixes.add(f"{row['occurrence_id']} {micros}")


class IssueRow(NamedTuple):
    """What is kept of the row of an issue, because the order of issues depends on it."""

    severity: int
    """0 is the worst."""
    issue_hash: str


class Plan:
    """Which issues' occurrences one sync reads.

    The occurrences of each issue are read as soon as it is listed if all fit into `max_requests`,
    and the account `is_steady`: the sync before read all. Otherwise, everything is listed first,
    and so it is if the account `is_quiet`: then only issues are due that something names.
    """

    def __init__(
        self,
        progress: Progress,
        max_requests: int,
        page_size: int,
        *,
        is_steady: bool,
        is_quiet: bool = False,
    ) -> None:
        self._max_requests = max_requests
        self._progress = progress
        self._page_size = page_size
        self._at_once = None if is_steady and not is_quiet else False
        self.is_quiet = is_quiet
        """Whether issues are left out that nothing names. Once most are named, none is."""
        self._issues: dict[int, IssueRow] = {}
        self._due: Collection[int] = self._issues
        """The issues whose occurrences are to be read, now or by the next syncs."""
        self._named: Collection[int] = ()

    def reads_at_once(self, row: Mapping[str, Any]) -> bool:
        """Note an issue that was listed, and tell whether its occurrences are read right away."""
        self._issues[row["id"]] = IssueRow(
            _SEVERITIES.get(row["severity"], len(_SEVERITIES)), _hash_of(row)
        )
        if self._at_once is None:
            count = self._progress.rows_expected["issues"]
            self._at_once = self._fits(requests_for(count, self._page_size) + count)
        return self._at_once

    @property
    def is_left(self) -> bool:
        """Whether issues were listed whose occurrences are to be read after all were listed."""
        return bool(self._issues) and not self._at_once

    @property
    def is_complete(self) -> bool:
        """Whether the occurrences of all issues were read that are to be, can be and were found."""
        reading = self._progress.reading
        return set(self._due) == reading.read.keys() | reading.not_found | reading.failed

    @property
    def skipped(self) -> int:
        """Issues that nothing names, and whose occurrences were not read for that reason."""
        return len(self._issues) - len(self._due)

    def note_snoozed(self, issues: Collection[int]) -> None:
        """Note which issues the API lists as snoozed: it counts as a part of their rows."""
        for id, issue in self._issues.items():
            of_row = issue.issue_hash.removesuffix(_SNOOZED)
            self._issues[id] = issue._replace(
                issue_hash=of_row + _SNOOZED if id in issues else of_row
            )

    def named(self, reads: Mapping[int, LastRead], named: Collection[int]) -> set[int]:
        """Return the issues whose occurrences may have changed, as far as anything says so."""
        return set(new_and_changed(self._issues, reads, {*named, *_named_in(reads)}))

    def hash_with(self, seen: Seen) -> str:
        """Return a hash of the issues that were listed, and of what other listings say."""
        issues = sorted(self._issues.items())
        told = repr([issues, sorted(seen.fixes), sorted(seen.targets), sorted(seen.ended)])
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    def fits(self, reads: Mapping[int, LastRead]) -> bool:
        """Tell whether the occurrences of all issues fit into this sync, as far as is known."""
        return self._fits(sum(self._requests_of(issue, reads) for issue in self._issues))

    def _fits(self, requests: int) -> bool:
        return self._progress.traffic.requests + requests <= self._max_requests

    def choose(self, reads: Mapping[int, LastRead], named: Collection[int]) -> list[int]:
        """Return the issues whose occurrences are read, in the order of `in_turns`, if they fit.

        `reads` is what the dataset knows of issues. `named` are issues whose occurrences have
        changed, according to the API.
        """
        self._named = {*named, *_named_in(reads)}
        ordered = in_turns(self._issues, reads, self._named)
        if self.is_quiet:
            changed = set(new_and_changed(self._issues, reads, self._named))
            # If most are to be read, reading the others, too, makes it a full read.
            self.is_quiet = 2 * len(changed) < len(self._issues)
            if self.is_quiet:
                self._due = ordered = [issue for issue in ordered if issue in changed]
        sums = accumulate(self._requests_of(issue, reads) for issue in ordered)
        fitting = sum(self._fits(requests) for requests in sums)
        self._progress.issues_due = min(len(ordered), max(1, fitting))
        return ordered[: max(1, fitting)]

    def choose_none(self) -> None:
        """Leave out all issues, because nothing names any."""
        self._due = ()
        self._progress.issues_due = 0

    def _requests_of(self, issue: int, reads: Mapping[int, LastRead]) -> int:
        """Return the requests that an issue's occurrences took when they were last read, or 1."""
        rows = reads[issue].rows if issue in reads else None
        return requests_for(rows or 0, self._page_size)

    @property
    def listed(self) -> list[ListedIssue]:
        """The issues that this sync listed and that have not vanished since."""
        reading = self._progress.reading
        return [
            ListedIssue(id, reading.read[id], issue.issue_hash)
            if id in reading.read
            else ListedIssue(id, None, "" if id in self._named else None)
            for id, issue in self._issues.items()
            if id not in reading.vanished
        ]


def in_turns(
    issues: Mapping[int, IssueRow], reads: Mapping[int, LastRead], named: Iterable[int]
) -> list[int]:
    """Return the ids of `issues` in the order in which their occurrences are due.

    Two queues take turns, so that wherever reading stops, neither has had more than half of it:

    - Waiting issues, in the order in which they were last read. An issue that was never read waits
      since it was first listed. So each issue gets its turn, whatever happens to others.
    - New issues, which were never read. After them, changed issues: their row has changed since, or
      the API has `named` them.

    Equally old issues are ordered by severity.
    """
    waiting = sorted(issues.keys() & reads.keys(), key=partial(_age, issues, reads))
    turns = chain.from_iterable(zip_longest(waiting, new_and_changed(issues, reads, named)))
    return list(dict.fromkeys(issue for issue in turns if issue is not None))


def new_and_changed(
    issues: Mapping[int, IssueRow], reads: Mapping[int, LastRead], named: Iterable[int]
) -> list[int]:
    """Return the ids of new issues, and then the ids of changed ones."""
    new = [issue for issue in issues if issue not in reads or not reads[issue].read_at]
    named = set(named)
    changed = [
        issue
        for issue in issues.keys() & reads.keys()
        if issue in named or reads[issue].issue_hash != issues[issue].issue_hash
    ]
    return [
        *sorted(new, key=lambda issue: (issues[issue].severity, issue)),
        *sorted(changed, key=partial(_age, issues, reads)),
    ]


def _age(
    issues: Mapping[int, IssueRow], reads: Mapping[int, LastRead], issue: int
) -> tuple[datetime, bool, int, int]:
    read = reads[issue]
    was_read = read.read_at is not None
    return read.read_at or read.listed_at, was_read, issues[issue].severity, issue


def _named_in(reads: Mapping[int, LastRead]) -> Iterable[int]:
    return (issue for issue, read in reads.items() if read.is_named)


def requests_for(rows: int, page_size: int) -> int:
    """Return the requests that a listing of `rows` takes: each page overlaps the one before."""
    return 1 + max(0, -(-(rows - page_size) // max(1, page_size - 1)))


def _hash_of(row: Mapping[str, Any]) -> str:
    """Return a hash of an issue's row, which tells whether it has changed."""
    fields = sorted((name, value) for name, value in row.items() if name not in DLT_COLUMNS)
    return hashlib.blake2b(repr(fields).encode(), digest_size=8).hexdigest()
