"""Which issues a sync reads, for any account and any signals, without an API or a BigQuery."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner_sync.plan import LastRead, Plan
from scanner_sync.progress import Progress
from scanner_sync.warehouse.memory import FULL_READS, LOUD, PUNCTUAL, LastSync, Unsignaled

HOURS = 24
BEGAN = datetime(2026, 11, 2, tzinfo=UTC)
NOTHING: Any = frozenset()
Shown = Mapping[int, tuple[str, frozenset[int]]]
"""What the API shows: by issue, its severity and its occurrences."""


class Sync(NamedTuple):
    """What one sync did."""

    at: datetime
    is_full: bool
    read: set[int]
    unsignaled: int | None


class Dataset:
    """What a dataset holds after syncs, as far as issues and their occurrences go."""

    def __init__(self) -> None:
        self.memory = LastSync()
        self.reads: dict[int, LastRead] = {}
        self.occurrences: dict[int, frozenset[int]] = {}
        self.syncs: list[Sync] = []

    def sync(self, at: datetime, shown: Shown, named: Collection[int], most: int) -> Sync:
        """Sync an account that shows this, and whose signals name these issues.

        Of the issues that are due, only the first `most` can be read.
        """
        last = self.memory
        progress = Progress(("issues", "occurrences_issues"))
        progress.rows_expected["issues"] = len(shown)
        is_quiet = last.may_skip(at, HOURS)
        plan = Plan(progress, 10**6, 100, is_steady=last.all_read, is_quiet=is_quiet)
        due = [id for id, (severity, _) in shown.items() if plan.reads_at_once(row(id, severity))]
        if plan.is_left:
            due = plan.choose(self.reads, named)
        read = due[:most]
        progress.reading.read = {id: len(shown[id][1]) for id in read}
        is_full = plan.is_complete and not plan.is_quiet
        unsignaled = None
        if is_full and last.knows_signals(at):
            known = self.reads.keys() & shown.keys() - plan.named(self.reads, named)
            unsignaled = sum(self.occurrences[id] != shown[id][1] for id in known)

        self.occurrences = {id: self.occurrences.get(id, NOTHING) for id in shown}
        self.occurrences |= {id: shown[id][1] for id in read}
        before = self.reads
        self.reads = {
            of.id: before.get(of.id, LastRead(at, None, None, None))
            if of.issue_hash is None
            else LastRead(at, at, of.rows, of.issue_hash)
            if of.issue_hash
            else before.get(of.id, LastRead(at, None, None, None))._replace(issue_hash=None)
            for of in plan.listed
        }
        self.memory = LastSync(**vars(last))
        self.memory.all_read, self.memory.started = plan.is_complete, at
        if is_full:
            found = None if unsignaled is None else Unsignaled(unsignaled, "snoozed")
            self.memory.note_full_read(at, found)
        self.syncs.append(Sync(at, is_full, set(read), unsignaled))
        return self.syncs[-1]


def row(id: int, severity: str) -> dict[str, Any]:
    return {"id": id, "severity": severity}


states = st.dictionaries(
    st.integers(1, 9),
    st.tuples(st.sampled_from(["low", "high"]), st.frozensets(st.integers(1, 2))),
    min_size=5,
)
changes = st.dictionaries(
    st.integers(1, 9),
    st.none() | st.tuples(st.sampled_from(["low", "high"]), st.frozensets(st.integers(1, 2))),
    max_size=2,
)
steps = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 6, 30, 200]),  # hours since the sync before
        changes,
        st.sampled_from(["right", "right", "right", "missing", "late", "wrong"]),
        st.sampled_from([99, 99, 99, 99, 3]),  # how many issues can be read
    ),
    min_size=8,
    max_size=30,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states, steps)
def test_any_account_and_any_signals(first: dict[int, Any], steps: list[Any]) -> None:
    """After a full read everything is right, and between two what was named, if it was read.

    What was not read is as it was. An account is quiet only if its last three full reads found no
    change without a signal, and none of a week did; and everything is read in time.
    """
    shown, at, late = dict(first), BEGAN, set[int]()
    dataset = Dataset()
    dataset.sync(at, shown, (), 99)
    silent: set[int] = set()
    """Issues that have changed without a signal since they were last read."""
    for hours, changed, signals, most in steps:
        at += timedelta(hours=hours)
        before = {id: dataset.occurrences[id] for id in dataset.reads}
        old = dict(shown)
        for id, state in changed.items():
            shown.pop(id, None)
            if state is not None:
                shown[id] = state
        moved = {id for id in shown.keys() & old.keys() if shown[id][1] != old[id][1]}
        named = {"right": moved | late, "missing": set(), "late": late, "wrong": {1, 5}}[signals]
        late = moved if signals == "late" else set() if named >= late else late
        was_quiet = dataset.memory.may_skip(at, HOURS)
        assert_earned(dataset, at, was_quiet)
        found = dataset.sync(at, shown, named, most)

        read = found.read
        rows = {id for id in shown.keys() & old.keys() if shown[id][0] != old[id][0]}
        silent = (silent | moved - named - rows) & shown.keys() - read
        assert dataset.occurrences == {
            id: occurrences if id in read else before.get(id, NOTHING)
            for id, (_, occurrences) in shown.items()
        }
        if found.is_full:
            assert read == shown.keys()
        elif dataset.memory.all_read:  # nothing that is due was left
            assert was_quiet
            right = {id for id, (_, of) in shown.items() if dataset.occurrences[id] == of}
            assert shown.keys() - right <= silent
        else:
            assert len(read) <= most
        if was_quiet:
            [*_, full] = [sync for sync in dataset.syncs if sync.is_full]
            assert at < full.at + timedelta(hours=HOURS) - PUNCTUAL or found.is_full


def assert_earned(dataset: Dataset, at: datetime, is_quiet: bool) -> None:
    """Assert that full reads have proved the signals, if an account is quiet."""
    judged = [sync for sync in dataset.syncs if sync.unsignaled is not None]
    if is_quiet:
        assert [sync.unsignaled for sync in judged[-FULL_READS:]] == [0] * FULL_READS
        assert all(sync.at <= at - LOUD for sync in judged if sync.unsignaled)


def test_an_account_is_quiet_after_three_full_reads_without_a_surprise() -> None:
    """The first one has nothing to compare with. Then it is read whole once a day."""
    shown = {id: ("low", frozenset({1})) for id in range(1, 9)}
    dataset = Dataset()
    hours = [
        n for n in range(60) if dataset.sync(BEGAN + timedelta(hours=n), shown, (), 99).is_full
    ]
    assert hours == [0, 1, 2, 3, 27, 51]


def test_most_are_read_only_with_all_others() -> None:
    """So that this is a full read, and the next one is a day later."""
    shown = {id: ("low", frozenset({1})) for id in range(1, 9)}
    dataset = Dataset()
    for n in range(5):
        dataset.sync(BEGAN + timedelta(hours=n), shown, (), 99)
    assert dataset.sync(BEGAN + timedelta(hours=5), shown, {1, 2, 3}, 99).read == {1, 2, 3}
    found = dataset.sync(BEGAN + timedelta(hours=6), shown, {1, 2, 3, 4}, 99)
    assert (found.is_full, found.unsignaled) == (True, 0)
    assert dataset.memory.full_read_at == BEGAN + timedelta(hours=6)
