"""The order in which issues' occurrences are due, and how many requests a listing takes."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from scanner_sync.plan import (
    IssueRow,
    LastRead,
    ListedIssue,
    Plan,
    Seen,
    in_turns,
    requests_for,
)
from scanner_sync.progress import Progress
from scanner_sync.source.pagination import ApiResponse, OverlapPaginator, Page

CRITICAL, HIGH, LOW = 0, 1, 3


def day(number: int) -> datetime:
    return datetime(2026, 11, number, 6, tzinfo=UTC)


def read(number: int, issue_hash: str | None = "same", *, listed: int = 1) -> LastRead:
    """Return an issue that was last read on a day."""
    return LastRead(day(listed), day(number), 1, issue_hash)


def unread(listed: int) -> LastRead:
    """Return an issue that was listed on a day, and never read."""
    return LastRead(day(listed), None, None, None)


def issues(**severities: int) -> dict[int, IssueRow]:
    return {int(name[1:]): IssueRow(severity, "same") for name, severity in severities.items()}


def test_new_issues_come_first_by_severity() -> None:
    """In a dataset that knows none of them."""
    assert in_turns(issues(_1=LOW, _2=CRITICAL, _3=HIGH, _4=CRITICAL), {}, []) == [2, 4, 3, 1]


def test_the_longest_unread_come_first() -> None:
    """Critical before high at equal age, and an issue that was never read before one that was."""
    listed = issues(_1=LOW, _2=HIGH, _3=CRITICAL, _4=LOW, _5=LOW)
    reads = {1: read(2), 2: read(3), 3: read(3), 4: read(1), 5: unread(1)}
    assert in_turns(listed, reads, []) == [5, 4, 1, 3, 2]


def test_new_and_changed_issues_take_turns_with_those_that_wait() -> None:
    """New before changed; changed are those whose row has another hash, and those named."""
    listed = issues(_1=LOW, _2=LOW, _3=LOW, _4=LOW, _5=CRITICAL, _6=LOW, _7=HIGH)
    reads = {1: read(1), 2: read(2), 3: read(3), 4: read(8), 5: read(9, "other"), 6: read(9)}
    #                             waits, new; waits, changed; waits, changed; the rest
    assert in_turns(listed, reads, [6]) == [1, 7, 2, 5, 3, 6, 4]


def test_an_issue_that_is_known_to_have_changed_stays_so() -> None:
    """A hash of null says that its occurrences changed, but were not read."""
    reads = {1: read(1), 2: read(2), 3: read(3, None)}
    assert in_turns(issues(_1=LOW, _2=LOW, _3=LOW), reads, []) == [1, 3, 2]


def test_issues_that_are_gone_are_not_due() -> None:
    assert in_turns(issues(_1=LOW), {1: read(1), 2: read(1)}, [2, 3]) == [1]


known = st.builds(
    LastRead, st.just(day(1)), st.none() | st.integers(1, 9).map(day), st.none(), st.none()
)
account = st.dictionaries(
    st.integers(0, 30), st.builds(IssueRow, st.integers(0, 4), st.just("same"))
)


@given(account, st.dictionaries(st.integers(0, 30), known), st.sets(st.integers(0, 30)))
def test_wherever_reading_stops_half_of_it_was_the_longest_unread(
    listed: dict[int, IssueRow], reads: dict[int, LastRead], named: set[int]
) -> None:
    """Each issue is due once; of the first 2n - 1, the n that wait longest are among them."""
    order = in_turns(listed, reads, named)
    assert sorted(order) == sorted(listed)
    waiting = sorted(
        (reads[issue].read_at or reads[issue].listed_at, reads[issue].read_at is not None)
        for issue in listed.keys() & reads.keys()
    )
    for number in range(1, len(waiting) + 1):
        ages = sorted(
            (reads[issue].read_at or reads[issue].listed_at, reads[issue].read_at is not None)
            for issue in order[: 2 * number - 1]
            if issue in reads
        )
        assert ages[:number] == waiting[:number]


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 99, 100, 101, 199, 200])
def test_the_requests_for_a_listing_are_those_that_it_takes(rows: int, page_size: int) -> None:
    """As many as the paginator asks for."""
    paginator, request, sent = (
        OverlapPaginator(page_size, pause=lambda _: None),
        requests.Request(),
        0,
    )
    paginator.init_request(request)
    while paginator.has_next_page:
        sent += 1
        offset = request.params["offset"]
        page = [{"id": n} for n in range(offset, min(rows, offset + page_size))]
        response = ApiResponse(requests.PreparedRequest(), 200, "scans/")
        response.page = Page(list(page), rows, offset + page_size < rows)
        paginator.update_state(response, page)
        paginator.update_request(request)
    assert requests_for(rows, page_size) == sent


def plan(count: int, max_requests: int, *, is_steady: bool = True) -> Plan:
    """Return the plan of a sync that has sent 3 requests, and is told of `count` issues."""
    progress = Progress(("issues", "occurrences_issues"))
    progress.traffic.requests = 3
    progress.count_page("issues/", count)
    return Plan(progress, max_requests, page_size=100, is_steady=is_steady)


@pytest.mark.parametrize(
    ("count", "max_requests", "is_steady", "streams"),
    [
        (90, 94, True, True),  # 3 requests were sent; 1 page, 90 issues
        (90, 93, True, False),
        (90, 1000, False, False),
        (101, 106, True, True),
        (101, 105, True, False),
    ],
)
def test_occurrences_are_read_at_once_if_all_fit(
    count: int, max_requests: int, is_steady: bool, streams: bool
) -> None:
    """Otherwise, or if the sync before left some, all issues are listed first."""
    this = plan(count, max_requests, is_steady=is_steady)
    assert not this.is_left
    row = {"id": 1, "severity": "high"}
    assert [this.reads_at_once(row), this.reads_at_once(row | {"id": 2})] == [streams, streams]
    assert this.is_left != streams


def test_what_is_known_of_the_pages_decides_whether_all_fit() -> None:
    """An issue with 150 occurrences takes two requests."""
    this = plan(2, 5, is_steady=False)
    for number in (1, 2):
        this.reads_at_once({"id": number, "severity": None})
    assert this.fits({})
    assert this.fits({1: LastRead(day(1), day(1), 100, None)})
    assert not this.fits({1: LastRead(day(1), day(1), 101, None)})


def test_no_more_issues_are_due_than_fit() -> None:
    """As many as there are requests left, but at least one."""
    for max_requests, fitting in ((1, [1]), (4, [1]), (6, [1, 2, 3]), (100, [1, 2, 3, 4])):
        this = plan(4, max_requests, is_steady=False)
        for number in (1, 2, 3, 4):
            this.reads_at_once({"id": number, "severity": "low"})
        assert this.choose({}, set()) == fitting


def test_what_the_dataset_is_told_of_the_listed_issues() -> None:
    """Of those that were read how many occurrences and a hash; of others whether they changed."""
    progress = Progress(("occurrences_issues",))
    this = Plan(progress, 10, page_size=100, is_steady=False)
    rows = [{"id": n, "severity": "high", "title": f"Issue {n}"} for n in (1, 2, 3, 4)]
    for row in rows:
        this.reads_at_once(row | {"_dlt_load_id": "9", "_dlt_id": "x"})
    this.choose({}, {2, 3})
    progress.reading.read |= {1: 2, 3: 0}
    progress.reading.not_found.add(4)
    assert not this.is_complete
    progress.reading.vanished.add(4)
    hashes = [issue.issue_hash for issue in this.listed]
    assert this.listed == [
        ListedIssue(1, 2, hashes[0]),
        ListedIssue(2, None, ""),
        ListedIssue(3, 0, hashes[2]),
    ]
    assert len({*hashes}) == 3
    again = Plan(progress, 10, page_size=100, is_steady=False)
    again.reads_at_once(rows[0])
    again.reads_at_once(rows[2] | {"title": "changed"})
    assert again.listed[0].issue_hash == hashes[0]
    assert again.listed[1].issue_hash != hashes[2]
    # Nobody has looked whether the issue that was not found is still listed.
    progress.reading.vanished.clear()
    assert this.listed[3] == ListedIssue(4, None, None)


def test_the_listings_have_one_hash_in_any_order() -> None:
    """It changes with an issue's row, with its snooze, and with what other listings say."""

    def listed(*severities: str, order: int = 1, snoozed: tuple[int, ...] = ()) -> Plan:
        this = Plan(Progress(("issues",)), 10, page_size=100, is_steady=False)
        for number, severity in [*enumerate(severities)][::order]:
            this.reads_at_once({"id": number, "severity": severity})
        this.note_snoozed(snoozed)
        return this

    def seen(**rows: dict[str, Any]) -> Seen:
        found = Seen(day(2))
        for table, row in rows.items():
            found.note(table, row)
        return found

    fix = {"occurrence_id": 5, "remediated_at": day(3)}
    others = [
        seen(),
        seen(targets={"address": "a", "target_status": "live"}),
        seen(targets={"address": "a", "target_status": None}),
        seen(scans={"id": 5, "status": "completed"}),
        seen(fixed_occurrences=fix),
        seen(fixed_occurrences=fix | {"remediated_at": day(4)}),
    ]
    hashes = [
        *(listed("low", "high").hash_with(other) for other in others),
        listed("low").hash_with(seen()),
        listed("high", "low").hash_with(seen()),
        listed("low", "high", snoozed=(1,)).hash_with(seen()),
    ]
    assert len({*hashes}) == len(hashes)
    assert listed("low", "high", order=-1).hash_with(seen()) == hashes[0]
    running = seen(scans={"id": 5, "status": "in_progress"})
    assert listed("low", "high").hash_with(running) == hashes[0]


def test_an_issue_that_cannot_be_read_counts_as_not_read() -> None:
    """It is all that is left, so the next sync need not list everything first."""
    progress = Progress(("occurrences_issues",))
    this = Plan(progress, 10, page_size=100, is_steady=False)
    for number in (1, 2, 3):
        this.reads_at_once({"id": number, "severity": "high"})
    progress.reading.read |= {1: 2, 3: 0}
    assert not this.is_complete
    progress.reading.failed.add(2)
    assert this.is_complete
    assert this.listed[1] == ListedIssue(2, None, None)
