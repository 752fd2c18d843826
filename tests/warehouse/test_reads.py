"""When the occurrences of each issue were last read, and what that means for their history."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from scanner_sync.errors import LoadUnavailable
from scanner_sync.plan import LastRead, ListedIssue
from tests.conftest import Dataset
from tests.support.rows import reads
from tests.warehouse.loads import Loads, counts, issue, occurrence


def test_a_month_of_reads(dataset: Dataset) -> None:
    """Issues are listed, read, left waiting, known to have changed, gone, and back."""
    assert reads(dataset) == {}
    loads = Loads(dataset)

    def load(day: int, *listed: ListedIssue) -> dict[int, tuple[Any, ...]]:
        rows = [occurrence(of.id, n, n, "a") for of in listed for n in range(of.rows or 0)]
        issues = [issue(of.id, "high") for of in listed]
        loads.load(day, list(listed), issues=issues, occurrences_issues=rows)
        return {
            id: (loads.day_of(of.listed_at), loads.day_of(of.read_at), of.rows, of.issue_hash)
            for id, of in reads(dataset).items()
        }

    assert load(1, ListedIssue(1, 2, "a"), ListedIssue(2, 0, "b"), ListedIssue(3, None, None)) == {
        1: (1, 1, 2, "a"),
        2: (1, 1, 0, "b"),
        3: (1, None, None, None),
    }
    assert loads.completion.oldest_read_at is None
    # What is not read stays as it is, but for an issue that is known to have changed.
    assert load(
        2, ListedIssue(1, None, None), ListedIssue(2, None, ""), ListedIssue(3, 1, "C")
    ) == {
        1: (1, 1, 2, "a"),
        2: (1, 1, 0, None),
        3: (1, 2, 1, "C"),
    }
    assert loads.day_of(loads.completion.oldest_read_at) == 1
    assert load(3, ListedIssue(2, 1, "B"), ListedIssue(4, None, None)) == {
        2: (1, 3, 1, "B"),
        4: (3, None, None, None),
    }
    # An issue that is back is new.
    assert load(4, ListedIssue(1, None, None), ListedIssue(2, None, None)) == {
        1: (4, None, None, None),
        2: (1, 3, 1, "B"),
    }
    assert load(5) == {}
    assert (loads.completion.oldest_read_at, loads.completion.oldest_hours) == (None, 0)


def test_the_age_of_what_was_read_longest_ago(dataset: Dataset) -> None:
    """An issue that was never read counts from when it was first listed."""
    loads = Loads(dataset)
    issues = [issue(n, "high") for n in (1, 2)]
    read = [ListedIssue(1, 0, "a"), ListedIssue(2, 0, "b")]
    loads.load(1, read, issues=issues, occurrences_issues=[])
    hours = "UPDATE {d}.occurrence_reads SET %s = TIMESTAMP_SUB(%s, INTERVAL %d HOUR) WHERE %s"
    dataset.query(hours % ("read_at", "read_at", 500, "issue_id = 2"))
    dataset.query("UPDATE {d}.syncs SET unread_issues = [2] WHERE TRUE")
    unread = [ListedIssue(1, None, None), ListedIssue(2, None, None)]
    loads.load(2, unread, issues=issues, occurrences_issues=[])
    [row] = dataset.query("SELECT MIN(read_at) AS oldest FROM {d}.occurrence_reads")
    assert loads.completion.oldest_read_at == row["oldest"]
    assert loads.completion.oldest_hours == pytest.approx(500, abs=0.1)
    dataset.query("UPDATE {d}.occurrence_reads SET read_at = NULL WHERE issue_id = 1")
    dataset.query(hours % ("listed_at", "listed_at", 900, "issue_id = 1"))
    loads.load(3, unread, issues=issues, occurrences_issues=[])
    assert loads.completion.oldest_read_at is None
    assert loads.completion.oldest_hours == pytest.approx(900, abs=0.1)


def test_what_was_not_read_changes_nothing(dataset: Dataset) -> None:
    """An occurrence is closed if its issue was read without it, or is listed no more.

    Then its history says when it was last seen.
    """
    loads = Loads(dataset)
    four = [issue(n, "high") for n in (1, 2, 3, 4)]
    found = [occurrence(n, 1, n, "a") for n in (1, 2, 3, 4)]
    loads.load(
        1, [ListedIssue(n, 1, "") for n in (1, 2, 3, 4)], issues=four, occurrences_issues=found
    )
    # 1 is not read, 2 has moved, 3 has no occurrences any more, and 4 is gone.
    assert loads.load(
        2,
        [ListedIssue(1, None, None), ListedIssue(2, 1, ""), ListedIssue(3, 0, "")],
        issues=four[:3],
        occurrences_issues=[occurrence(2, 1, 2, "b")],
    ) == {"issues": counts(0, 1, 0), "occurrences_issues": counts(0, 2, 1)}
    # Nothing is read.
    assert loads.load(
        3, [ListedIssue(n, None, None) for n in (1, 2, 3)], issues=four[:3], occurrences_issues=[]
    ) == {"issues": counts(0, 0, 0), "occurrences_issues": counts(0, 0, 0)}
    states = {
        (
            row["issue_id"],
            row["target"],
            *(loads.day_of(row[name]) for name in ("valid_from", "valid_to", "last_seen_at")),
        )
        for row in dataset.query("SELECT * FROM {d}.occurrences_issues_history")
    }
    assert states == {
        (1, "a", 1, None, None),
        (2, "a", 1, 2, 1),
        (2, "b", 2, None, None),
        (3, "a", 1, 2, 1),
        (4, "a", 1, 2, 1),
    }
    shown = dataset.query("SELECT issue_id, last_seen_at FROM {d}.open_findings")
    seen = {(row["issue_id"], loads.day_of(row["last_seen_at"])) for row in shown}
    assert seen == {(1, 1), (2, 2)}


def test_a_load_that_did_not_arrive_was_not_read(dataset: Dataset) -> None:
    """The reads are written with the histories, or not at all."""
    loads = Loads(dataset)
    loads.load(
        1,
        [ListedIssue(1, 1, "a")],
        issues=[issue(1, "high")],
        occurrences_issues=[occurrence(1, 1, 1, "a")],
    )
    before = reads(dataset)
    warehouse = dataset.warehouse
    existing = warehouse.check_names()
    with pytest.raises(LoadUnavailable, match="0 of 2 in occurrences_issues"):
        warehouse.complete_load(
            {"occurrences_issues": 2}, "2", existing, listed=[ListedIssue(1, 2, "b")]
        )
    assert reads(dataset) == before


def test_each_read_is_later_than_the_one_before(dataset: Dataset) -> None:
    """Whatever the clock says, and if the histories have no state."""
    loads = Loads(dataset)
    loads.load(1, issues=[])
    warehouse = dataset.warehouse
    moments: list[Any] = []
    for rows in (3, 4):
        completion = warehouse.complete_load(
            {"issues": 0}, "2", warehouse.check_names(), listed=[ListedIssue(1, rows, "a")]
        )
        [found] = reads(dataset).values()
        assert (found.read_at, found.rows) == (completion.oldest_read_at, rows)
        moments.append(found.read_at)
        ahead = "UPDATE {d}.occurrence_reads SET read_at = TIMESTAMP_ADD(read_at, INTERVAL 1 HOUR)"
        dataset.query(f"{ahead} WHERE TRUE")
    assert moments[1] == moments[0] + timedelta(hours=1, microseconds=1)


def test_more_issues_than_fit_into_a_statement(dataset: Dataset) -> None:
    """They are a parameter: a statement may have a megabyte."""
    loads = Loads(dataset)
    listed = [ListedIssue(10**6 + n, n % 7 if n % 3 else None, f"{n:016x}") for n in range(40_000)]
    loads.load(1, listed, issues=[], occurrences_issues=[])
    [found] = dataset.query(
        "SELECT COUNT(*) AS n, COUNTIF(read_at IS NOT NULL) AS was_read, SUM(`rows`) AS total"
        " FROM {d}.occurrence_reads"
    )
    assert found == {
        "n": 40_000,
        "was_read": sum(of.rows is not None for of in listed),
        "total": sum(of.rows or 0 for of in listed),
    }


@pytest.mark.parametrize(
    ("dropped", "kept"),
    [("occurrences_issues", 0), ("occurrences_issues_history", 0), ("issues", 1)],
)
def test_reads_of_what_was_dropped_are_forgotten(dataset: Dataset, dropped: str, kept: int) -> None:
    """Otherwise, the table would tell of rows that the dataset does not have."""
    loads = Loads(dataset)
    loads.load(1, [ListedIssue(1, 0, "a")], issues=[issue(1, "high")], occurrences_issues=[])
    dataset.client.delete_table(f"{dataset.name}.{dropped}")
    warehouse = dataset.warehouse
    existing = warehouse.check_names()
    warehouse.forget_lost_reads(existing)
    assert len(warehouse.read_reads(existing)) == kept
    assert len(reads(dataset)) == kept


def test_a_column_that_was_dropped_counts_as_null(dataset: Dataset) -> None:
    """The table is made without two columns; DROP COLUMN does not work in the local BigQuery."""
    loads = Loads(dataset)
    loads.load(1, [ListedIssue(1, 2, "a")], issues=[], occurrences_issues=[])
    name = f"{dataset.client.project}.{dataset.name}.occurrence_reads"
    columns = {"issue_id": "INT64", "read_at": "TIMESTAMP", "issue_hash": "STRING"}
    dataset.client.delete_table(name)
    fields = [bigquery.SchemaField(column, kind) for column, kind in columns.items()]
    dataset.client.create_table(bigquery.Table(name, fields))
    dataset.query("INSERT INTO {d}.occurrence_reads (issue_id, issue_hash) VALUES (1, 'a')")
    assert reads(dataset) == {1: LastRead(datetime.fromtimestamp(0, UTC), None, None, "a")}
