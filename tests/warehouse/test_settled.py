"""A sync that has nothing to conclude says so, and leaves out nothing that another would do."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from google.cloud import bigquery

from local.bigquery import proxy
from sample_api import Account, generate
from scanner_sync.plan import ListedIssue
from scanner_sync.report.figures import read_figures
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.warehouse import Settled
from scanner_sync.warehouse.settled import conditions
from tests.conftest import Dataset
from tests.warehouse.conftest import Run
from tests.warehouse.test_findings import Scanner, at

HOUR: Final = 1 / 24
RESULTS: Final = {
    "findings": "* EXCEPT (updated_at)",
    "remediation_metrics": "* EXCEPT (measured_at)",
    "issues_history": "* EXCEPT (_dlt_id, _dlt_load_id)",
    "targets_history": "* EXCEPT (_dlt_id, _dlt_load_id)",
    "occurrences_issues_history": "* EXCEPT (_dlt_id, _dlt_load_id)",
    "syncs": "* EXCEPT (load_id)",
    "occurrence_reads": "*",
}
"""Tables, and what of them has to be the same."""
LATER: Final = {
    "last_seen_at",
    "read_at",
    "mean_days_open",
    "kaplan_meier_days_to_fix",
    "share_fixed_90_days",
}
"""Columns that go on while nothing changes: the next sync that concludes something writes them."""


def pair(dataset: Dataset) -> tuple[Scanner, Scanner]:
    """Return the same account twice: the syncs of the first may leave out what they can."""
    names = (f"d{uuid.uuid4().hex[:12]}" for _ in range(2))
    first, second = (Dataset(name, dataset.client) for name in names)
    return Scanner(first, may_skip=True), Scanner(second)


def results(scanner: Scanner, *, but: set[str] = set()) -> dict[str, list[dict[str, Any]]]:  # noqa: B006
    """Return what the syncs concluded, without some columns."""
    found = {}
    for table, columns in RESULTS.items():
        rows = scanner.dataset.query(f"SELECT {columns} FROM {{d}}.{table}")
        kept = ({name: of for name, of in row.items() if name not in but} for row in rows)
        found[table] = sorted(kept, key=str)
    return found


class Twice:
    """An account that is synced twice each time, with and without leaving out."""

    def __init__(self, dataset: Dataset) -> None:
        self.first, self.second = pair(dataset)
        self.day = 0.0
        self.left_out = False

    def change(self, how: Callable[[Scanner], object]) -> None:
        """Let the API show something else."""
        how(self.first)
        how(self.second)

    def sync(self, hours: float, **how: Any) -> bool:
        """Sync some hours later, and return whether the first had nothing to conclude.

        Both have the same then, and after the next sync, too.
        """
        self.day += hours * HOUR
        was_left_out, self.left_out = (
            self.left_out,
            self.first.sync(self.day, **how).is_as_before,
        )
        self.second.sync(self.day, **how)
        if self.left_out or was_left_out:
            self.compare()
        return self.left_out

    def compare(self) -> None:
        but = LATER if self.left_out else set()
        assert results(self.first, but=but) == results(self.second, but=but)


def test_time_alone_changes_something(dataset: Dataset) -> None:
    """What waits for a moment is concluded by the first sync after it, and not left out."""
    account = Twice(dataset)
    account.change(lambda one: one.find(10, first_seen_at=at(-6.8)))
    account.change(lambda one: one.find(11, first_seen_at=at(-6.5)))
    account.change(lambda one: one.find(12, issue=2))
    account.change(lambda one: one.issues.update({2: {"severity": "low"}}))
    assert not account.sync(0)
    assert not account.sync(1)  # the tables get their keys
    # The first goal is missed after 4.8 hours, the second after 12.
    assert account.sync(2)
    assert not account.sync(3)
    # It is listed as fixed, and seen once more: it was open again if that is an hour later.
    account.change(lambda one: one.fix(11, account.day + 0.1 * HOUR))
    assert not account.sync(0.5)
    assert account.sync(0.2)
    assert not account.sync(0.6)
    # The day ends: a snooze may, and a week.
    account.change(lambda one: one.find(10, snoozed=True, snooze_until="2024-01-02"))
    assert not account.sync(1)
    assert not account.sync(16)
    # What was left out may come to light when everything is read.
    account.change(lambda one: one.issues.update({2: {"severity": "high"}}))
    assert not account.sync(0.1, unread=[1, 2])
    assert account.sync(0.1, unread=[1, 2])
    assert not account.sync(0.1)
    assert account.sync(0.1)
    # What is missed was last seen by the sync that found nothing.
    account.change(lambda one: one.lose(12, issue=2))
    assert not account.sync(0.1)
    # A table that was not read, and one that the account lacks.
    assert not account.sync(0.1, tables=("issues", "occurrences_issues"))
    assert not account.sync(0.1, unavailable=["fixed_occurrences"])
    account.compare()


def test_labels_say_all_of_it() -> None:
    """Anybody may edit them: what is not understood is not believed."""
    settled = Settled(1_795_478_400_000, 1_795_467_916_390, 1_795_467_920_001, 2, "all_0a")
    assert Settled.read(settled.labels()) == settled
    for name in ("until", "began", "ended", "noted"):
        assert Settled.read(settled.labels() | {name: "soon"}) is None
    assert Settled.read({}) is None


CHANGED: Final = 1_795_467_920_000
"""When the tables were changed, in milliseconds since 1970."""
READ: Final = ("issues", "occurrences_issues", "targets", "fixed_occurrences")


def tables() -> dict[str, bigquery.Table]:
    """Return all tables, as BigQuery describes them."""
    names = (*READ, *HISTORIES, *CONCLUSIONS, "occurrence_reads", "cve_intelligence", "sla_policy")
    return {name: table(name, CHANGED) for name in names}


def table(name: str, changed: int) -> bigquery.Table:
    reference = {"projectId": "p", "datasetId": "d", "tableId": name}
    keys = {"primaryKey": {"columns": ["id"]}}
    of = {"tableReference": reference, "lastModifiedTime": str(changed), "tableConstraints": keys}
    found: bigquery.Table = bigquery.Table.from_api_repr(of)
    return found


@pytest.mark.parametrize("name", sorted(tables()))
def test_a_table_that_somebody_changed(name: str) -> None:
    """Then everything is concluded again. What the script writes was changed before it ended."""
    written = name in {*HISTORIES, *CONCLUSIONS, "occurrence_reads"}
    began, ended = (CHANGED - 1, CHANGED) if written else (CHANGED, CHANGED + 1)
    settled = Settled(CHANGED + 9, began, ended, CHANGED, "all_0a")
    others = {other: table(other, CHANGED - 1) for other in tables()}
    assert settled.holds(others | {name: table(name, CHANGED)}, READ, "all_0a")
    assert not settled.holds(others | {name: table(name, CHANGED + 1)}, READ, "all_0a")
    del others[name]
    assert not settled.holds(others, READ, "all_0a")


@pytest.mark.parametrize(
    ("before", "now", "holds"),
    [
        ("all_0a", "all_0a", True),
        ("all_0a", "none_0a", True),
        ("some_0a", "none_0a", True),
        ("none_0a", "none_0a", True),
        ("none_0a", "all_0a", False),
        ("some_0a", "all_0a", False),
        ("some_0a", "some_0a", False),
        ("all_0a", "some_0a", False),
        ("all_0a", "all_0b", False),
        ("all_0a", "", False),
        ("", "", False),
    ],
)
def test_the_conditions_are_the_same(before: str, now: str, *, holds: bool) -> None:
    """The same was asked for, with the same settings and by the same program."""
    assert Settled(CHANGED, CHANGED, CHANGED, CHANGED, before).holds(tables(), READ, now) is holds


def test_what_the_conditions_are() -> None:
    """Rows make none of them: these are compared for themselves."""
    rows = dict.fromkeys(READ, 1)
    whole, left = [ListedIssue(1, 2, "a")], [ListedIssue(1, None, None)]
    found = conditions(rows, whole, [], ["a"], ["b"])
    assert found.startswith("all_")
    assert conditions(rows | {"issues": 5}, whole, [], ["a"], ["b"]) == found
    assert conditions(rows, left, [], ["a"], ["b"]) == found.replace("all", "none")
    assert conditions(rows, [*whole, *left], [], ["a"], ["b"]) == found.replace("all", "some")
    waiting = [ListedIssue(1, None, "")]
    assert conditions(rows, waiting, [], ["a"], ["b"]) == found.replace("all", "some")
    others = {
        conditions(rows | {"tags": 1}, whole, [], ["a"], ["b"]),
        conditions(rows, whole, ["fixed_occurrences"], ["a"], ["b"]),
        conditions(rows, whole, [], ["a", "b"], []),
    }
    assert len(others - {found}) == 3
    for name in READ:
        less = {other: 1 for other in READ if other != name}
        assert not conditions(less, whole, [], ["a"], ["b"])
    assert not conditions(rows, None, [], ["a"], ["b"])
    assert not conditions(rows, whole, ["targets"], ["a"], ["b"])


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=3, targets=2, scans=2)


@pytest.mark.parametrize("resources", [READ], indirect=True)
def test_a_sync_that_finds_nothing_writes_its_row(
    run: Run,
    dataset: Dataset,
    account: Account,
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It starts no other job. When somebody has changed a table, the next sync concludes again."""
    account.fixed.clear()  # each makes a moment at which something may change
    jobs: list[str] = []

    def note(method: str, path: str, body: bytes) -> None:
        if method == "POST" and (b'"query":' in body or "/upload/" in path):
            jobs.append("script" if b"BEGIN TRANSACTION" in body else "other")

    with proxy(emulator_port, note) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        began = datetime.now(UTC).date()
        for _ in range(3):
            jobs.clear()
            found = run()
        rows = dataset.query("SELECT * FROM {d}.syncs ORDER BY synced_at")
        if began == datetime.now(UTC).date():  # or a day has ended, after which it concludes again
            assert jobs == ["other"]
            assert found.load_id is None
        assert {*found.unchanged} == {*READ}
        assert found.history == {
            name: {"opened": 0, "closed": 0, "changed": 0}
            for name in ("issues", "occurrences_issues", "targets")
        }
        assert len(rows) == 3
        # Stored once, although dlt made the empty table before it loaded the others.
        assert len(dataset.query("SELECT version_hash FROM {d}._dlt_version")) == 1
        kept = ("tables", "unread_issues", "empty_issues", "open_before", "disappeared", "is_held")
        assert [rows[1][name] for name in kept] == [rows[2][name] for name in kept]
        figures = read_figures(dataset.warehouse, datetime.now(UTC))
        assert (figures.freshness.syncs, figures.trend.period.last) == (3, rows[2]["synced_at"])
        reads = figures.freshness.reads
        assert reads
        assert {reads.latest_at, reads.oldest_at} == {rows[2]["synced_at"]}
        dataset.query("UPDATE {d}.sla_policy SET days = days + 1 WHERE TRUE")
        jobs.clear()
        run()
        assert jobs == ["script"]
        goals = dataset.query("SELECT DISTINCT goal_days FROM {d}.findings ORDER BY 1")
        policy = dataset.query("SELECT DISTINCT days FROM {d}.sla_policy")
        assert {row["goal_days"] for row in goals} <= {row["days"] for row in policy}
