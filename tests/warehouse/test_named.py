"""What signals name, and what a full read finds that they did not, on prepared rows."""

from datetime import UTC, datetime
from typing import Any

from scanner_sync.plan import ListedIssue, Seen
from scanner_sync.warehouse.memory import Unsignaled
from tests.conftest import Dataset
from tests.warehouse.loads import Loads, issue, occurrence


def at(day: int) -> datetime:
    return datetime(2026, 11, day, 6, tzinfo=UTC)


def target(id: int, address: str | None, status: str | None = "live") -> dict[str, Any]:
    return {"id": id, "address": address, "target_status": status}


def test_what_the_listings_name(dataset: Dataset) -> None:
    """A new fix of what is open, a target that is gone or has another status, a scan that ended."""
    loads = Loads(dataset)
    hosts = {1: "a", 2: "b", 3: "c", 4: "d", 5: "e", 6: "a"}
    targets = [target(n, host) for n, host in enumerate("abcde", 1)] + [target(6, "f", None)]
    scans = [{"id": 1, "status": "completed"}, {"id": 2, "status": "in_progress"}]
    loads.load(
        1,
        [ListedIssue(n, 1, "x") for n in hosts],
        issues=[issue(n, "high") for n in hosts],
        occurrences_issues=[occurrence(n, 1, n, host) for n, host in hosts.items()],
        fixed_occurrences=[{"occurrence_id": 5, "remediated_at": at(3).isoformat()}],
        targets=targets,
        scans=scans,
    )

    def named(**changes: list[dict[str, Any]]) -> tuple[set[int], bool]:
        seen = Seen(at(2))
        for table, rows in ({"targets": targets, "scans": scans} | changes).items():
            for row in rows:
                seen.note(table, row)
        reads, has_ended = dataset.warehouse.read_named(seen)
        assert reads.keys() == hosts.keys()
        return {id for id, read in reads.items() if read.is_named}, has_ended

    assert named() == (set(), False)
    # 3 was fixed before, 4 at the first moment that counts, 5 is known, 99 is not open.
    fixes = [(2, 3), (3, 1), (4, 2), (5, 3), (99, 4)]
    rows = [{"occurrence_id": n, "remediated_at": at(day)} for n, day in fixes]
    assert named(fixed_occurrences=rows) == ({2, 4}, False)
    assert named(fixed_occurrences=[{"occurrence_id": 5, "remediated_at": at(4)}])[0] == {5}
    assert named(targets=targets[1:]) == ({1, 6}, False)
    other = [*targets[:2], target(3, "c", "unscanned"), target(4, "d", None), target(9, None)]
    assert named(targets=other + targets[4:]) == ({3, 4}, False)
    assert named(scans=[*scans, {"id": 3, "status": "analysing_results"}]) == (set(), False)
    assert named(scans=[scans[0], {"id": 2, "status": "cancelled"}]) == (set(), True)
    assert named(scans=[{"id": 4, "status": "completed"}, *scans]) == (set(), True)
    assert named(scans=[{"id": 4, "status": None}]) == (set(), False)
    assert dataset.warehouse.issues_on({"a", "e", "z"}) == {1, 5, 6}


def test_what_a_full_read_finds(dataset: Dataset) -> None:
    """Issues that were read and not named, of which an occurrence has a new state, or has none."""
    loads = Loads(dataset)
    ids = range(1, 6)

    def load(
        named: list[int] | None, shown: dict[int, dict[int, str]], unread: tuple[int, ...] = ()
    ) -> Unsignaled | None:
        loads.load(
            1,
            [ListedIssue(n, None if n in unread else len(of), "x") for n, of in shown.items()],
            named,
            issues=[issue(n, "high") for n in shown],
            occurrences_issues=[
                occurrence(n, k, k, host)
                for n, of in shown.items()
                if n not in unread
                for k, host in of.items()
            ],
        )
        return loads.completion.unsignaled

    first = {n: {10 * n: "a", 10 * n + 1: "a"} for n in ids}
    assert load(None, first) is None
    assert load([], first) == Unsignaled(0, "")
    second = first | {1: {10: "b", 11: "a"}, 2: {20: "a"}, 3: {30: "a", 31: "a", 32: "a"}}
    assert load([1, 2, 3], second) == Unsignaled(0, "")
    assert load([2, 3], first) == Unsignaled(1, "target")
    assert load([1, 3], second) == Unsignaled(1, "disappeared")
    assert load([1, 2], first) == Unsignaled(1, "disappeared")
    third = first | {3: {30: "a", 31: "a", 33: "a"}}
    assert load([], third) == Unsignaled(1, "appeared")
    # What is listed no more is named by that. What was not read has not changed.
    fourth = {n: of for n, of in third.items() if n != 4} | {5: {}}
    assert load([], fourth, unread=(5,)) == Unsignaled(0, "")
    # An occurrence that moves changes two issues.
    fifth = fourth | {1: {10: "a"}, 2: {11: "a", **fourth[2]}, 5: first[5]}
    assert load([1], fifth) == Unsignaled(1, "issue_id")
