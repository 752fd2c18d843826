"""The histories: what was open when, against what each load brought."""

import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any

import flask.testing
import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from sample_api import Account
from scanner_sync.plan import ListedIssue
from tests.conftest import FOUR, TOKEN, Dataset
from tests.warehouse.loads import Loads, counts, issue, occurrence


def target(n: int, address: str, *tags: str) -> dict[str, Any]:
    return {"id": n, "address": address, "tags": list(tags)}


def test_the_hash_of_a_state_stays_the_same(dataset: Dataset) -> None:
    """Another one would begin a new state of everything with the next version of this program."""
    Loads(dataset).load(
        1,
        issues=[issue(1, "high", cvss_score=9.8)],
        occurrences_issues=[occurrence(1, 2, 11, "a", port="443")],
        targets=[target(1, "a", "y", "x"), target(2, "b") | {"target_status": "live"}],
    )
    common = '"snooze_reason":null,"snooze_until":null,"exploit_likelihood":null,"cvss_score"'
    kind = '"display_address":null,"tags":{},"target_type":null,"target_status":{}}}'
    expected = {
        "issues_history": [
            f'{{"entity_key":"1","title":"Issue 1","severity":"high","snoozed":false,{common}:9.8}}'
        ],
        "occurrences_issues_history": [
            '{"entity_key":"11","issue_id":1,"target":"a","port":"443","protocol":null,'
            f'"first_seen_at":null,"cves":null,"snoozed":null,{common}:null}}'
        ],
        "targets_history": [
            '{"entity_key":"1","address":"a",' + kind.format(r'"\"x\",\"y\""', "null"),
            '{"entity_key":"2","address":"b",' + kind.format("null", '"live"'),
        ],
    }
    for name, texts in expected.items():
        hashes = {hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts}
        assert {row["state_hash"] for row in dataset.query(f"SELECT * FROM {{d}}.{name}")} == hashes


def test_a_month_of_an_account(dataset: Dataset) -> None:
    """Entities are opened, fixed, reopened, snoozed, changed, renumbered and removed."""
    loads = Loads(dataset)

    def load(
        day: int,
        issues: list[dict[str, Any]],
        occurrences: list[dict[str, Any]],
        targets: list[dict[str, Any]],
    ) -> list[dict[str, int]]:
        changes = loads.load(day, issues=issues, occurrences_issues=occurrences, targets=targets)
        assert list(changes) == ["issues", "occurrences_issues", "targets"]
        return list(changes.values())

    first = [occurrence(1, 1, 11, "a", age="1 day")]
    second = [occurrence(2, 1, 21, "a"), occurrence(2, 2, None, "b")]
    targets = [target(1, "a", "x"), target(2, "b")]
    assert load(
        1, [issue(1, "high"), issue(2, "critical"), issue(3, "low")], first + second, targets
    ) == [counts(3, 0, 0), counts(3, 0, 0), counts(2, 0, 0)]
    # A severity changes. An occurrence is renumbered, and an age moves on: no new states.
    first = [occurrence(1, 1, 11, "a", age="2 days")]
    second[0] = occurrence(2, 5, 21, "a")
    assert load(
        2, [issue(1, "critical"), issue(2, "critical"), issue(3, "low")], first + second, targets
    ) == [counts(0, 0, 1), counts(0, 0, 0), counts(0, 0, 0)]
    # 2 is fixed, 4 is new, and a tag changes.
    fourth = [occurrence(4, 1, 41, "b")]
    targets[0] = target(1, "a", "y")
    assert load(
        3, [issue(1, "critical"), issue(3, "low"), issue(4, "medium")], first + fourth, targets
    ) == [counts(1, 1, 0), counts(1, 2, 0), counts(0, 0, 1)]
    # 2 is back with one occurrence on another target, 3 is snoozed, 4 has no occurrences any more.
    snoozed = issue(3, "low", snoozed=True, snooze_until="2026-12-31")
    back = [occurrence(2, 1, 21, "c")]
    assert load(
        6,
        [issue(1, "critical"), snoozed, issue(4, "medium"), issue(2, "critical")],
        first + back,
        targets,
    ) == [counts(1, 0, 1), counts(1, 1, 0), counts(0, 0, 0)]
    # A target is removed, an occurrence moves, and an issue loses its title.
    moved = [occurrence(2, 7, 21, "d")]
    nameless = issue(1, "critical", title=None)
    assert load(
        7,
        [nameless, snoozed, issue(4, "medium"), issue(2, "critical")],
        first + moved,
        targets[:1],
    ) == [counts(0, 0, 1), counts(0, 0, 1), counts(0, 1, 0)]
    # Every listing is empty.
    assert load(8, [], [], []) == [counts(0, 4, 0), counts(0, 2, 0), counts(0, 1, 0)]
    # 2 is back once more.
    assert load(9, [issue(2, "high")], moved, []) == [
        counts(1, 0, 0),
        counts(1, 0, 0),
        counts(0, 0, 0),
    ]

    def found(table: str, *columns: str) -> set[tuple[Any, ...]]:
        dates = [c for c in dataset.columns(table) if c in DATES]
        rows = [
            (*(row[c] for c in columns), *(loads.day_of(row[c]) for c in dates))
            for row in dataset.query(f"SELECT * FROM {{d}}.{table}")
        ]
        assert len(rows) == len(set(rows))
        return set(rows)

    assert found("issues_history", "id", "title", "severity", "snoozed") == {
        (1, "Issue 1", "high", False, 1, 2),
        (1, "Issue 1", "critical", False, 2, 7),
        (1, None, "critical", False, 7, 8),
        (2, "Issue 2", "critical", False, 1, 3),
        (2, "Issue 2", "critical", False, 6, 8),
        (2, "Issue 2", "high", False, 9, None),
        (3, "Issue 3", "low", False, 1, 6),
        (3, "Issue 3", "low", True, 6, 8),
        (4, "Issue 4", "medium", False, 3, 8),
    }
    assert found("occurrences_issues_history", "entity_key", "id", "target") == {
        ("11", 1, "a", 1, 8),
        ("21", 1, "a", 1, 3),
        ("21", 1, "c", 6, 7),
        ("21", 7, "d", 7, 8),
        ("21", 7, "d", 9, None),
        ("2/id/2", 2, "b", 1, 3),
        ("41", 1, "b", 3, 6),
    }
    states = dataset.query("SELECT * FROM {d}.targets_history")
    assert sorted(
        (r["id"], r["tags"], loads.day_of(r["valid_from"]), loads.day_of(r["valid_to"]))
        for r in states
    ) == [(1, ["x"], 1, 3), (1, ["y"], 3, 8), (2, [], 1, 7)]
    # What an issue was called and how severe it was when it closed, or is now.
    assert found("issue_lifecycle", "id", "title", "severity", "times_reopened") == {
        (1, None, "critical", 0, 1, 8),
        (2, "Issue 2", "critical", 0, 1, 3),
        (2, "Issue 2", "critical", 1, 6, 8),
        (2, "Issue 2", "high", 2, 9, None),
        (3, "Issue 3", "low", 0, 1, 8),
        (4, "Issue 4", "medium", 0, 3, 6),  # with its last occurrence
    }
    # Where an occurrence was last, each time. Of d, no target is known.
    ids = ("entity_key", "issue_id", "occurrence_id")
    finding = ("title", "severity", "host", "close_reason", "times_reopened")
    assert found("findings", *ids, *finding) == {
        ("11", 1, 11, None, "critical", "a", "target_removed", 0, 1, 8),
        ("21", 2, 21, "Issue 2", "critical", "a", "not_reported", 0, 1, 3),
        ("21", 2, 21, "Issue 2", "critical", "d", "not_reported", 1, 6, 8),
        ("21", 2, 21, "Issue 2", "high", "d", None, 2, 9, None),
        ("2/id/2", 2, None, "Issue 2", "critical", "b", "not_reported", 0, 1, 3),
        ("41", 4, 41, "Issue 4", "medium", "b", "not_reported", 0, 3, 6),
    }
    assert found("open_issues", "id", "severity", "times_reopened") == {(2, "high", 2, 9)}
    assert found("open_findings", "issue_id", "occurrence_id", "host", "times_reopened") == {
        (2, 21, "d", 2, 9)
    }
    days = dataset.query(
        "SELECT days_open, TIMESTAMP_DIFF(closed_at, opened_at, SECOND) / 86400 AS closed_days"
        " FROM {d}.issue_lifecycle"
    )
    assert all(0 <= row["days_open"] < 1 for row in days)
    assert [r["days_open"] for r in days if r["closed_days"] is not None] == [
        r["closed_days"] for r in days if r["closed_days"] is not None
    ]


DATES = ("valid_from", "valid_to", "opened_at", "closed_at")


@pytest.mark.usefixtures("api_url")
def test_what_was_not_read_is_not_closed(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sync of some resources changes their histories alone, and one that fails changes none."""
    account.issues, account.occurrences = [issue(1, "high")], {1: [{"id": 1}]}
    account.targets = [{"id": 1}]
    assert http.post("/", json={"resources": FOUR}).status_code == 200
    account.issues, account.occurrences, account.targets = [], {}, []
    monkeypatch.setenv("ACCESS_TOKEN", "wrong")
    assert http.post("/", json={"resources": FOUR}).status_code == 502
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    answer = http.post("/", json={"resources": ["occurrences_issues"]}).get_json()
    assert answer["history"] == {"occurrences_issues": counts(0, 1, 0)}
    still_open = "SELECT id FROM {d}.%s WHERE valid_to IS NULL"
    for history in ("issues_history", "targets_history"):
        assert dataset.query(still_open % history) == [{"id": 1}]


def test_occurrences_that_share_their_id_stay_apart(dataset: Dataset) -> None:
    """Two issues may list one `occurrence_id` on one host and port: each goes on by itself."""
    loads = Loads(dataset)
    in_1 = occurrence(1, 7, 5, "a", port="443")
    in_2 = in_1 | {"issue_id": 2}

    def load(day: int, *found: dict[str, Any], unread: int = 0) -> dict[str, int]:
        rows = {n: sum(row["issue_id"] == n for row in found) for n in (1, 2, 3)}
        listed = [ListedIssue(n, rows[n], "") for n in rows if n != unread]
        if unread:
            listed.append(ListedIssue(unread, None, None))
        return loads.load(day, listed, occurrences_issues=[*found])["occurrences_issues"]

    def findings() -> list[tuple[Any, ...]]:
        columns = ("entity_key", "issue_id", "port", "close_reason")
        rows = dataset.query("SELECT * FROM {d}.findings ORDER BY entity_key")
        return [tuple(row[column] for column in columns) for row in rows]

    assert load(1, in_1, in_2) == counts(2, 0, 0)
    assert load(2, in_2, in_1) == counts(0, 0, 0)
    assert load(3, in_2, unread=1) == counts(0, 0, 0)
    # Their ids in the issues may change, and of one issue even two may be in one place.
    assert load(4, in_1 | {"id": 9}, in_2 | {"id": 8}) == counts(0, 0, 0)
    more = [in_1 | {"id": 7}, in_1 | {"id": 8}]
    assert load(5, *more, in_2) == counts(1, 0, 0)
    assert load(6, *({**row, "id": row["id"] + 10} for row in more), in_2) == counts(0, 0, 0)
    assert findings() == [("5", 1, 443, None), ("5/2", 2, 443, None), ("5/3", 1, 443, None)]
    # One that was not read is not taken for another that changes.
    assert load(7, in_1, in_2) == counts(0, 1, 0)
    assert load(8, in_2 | {"port": "80"}, unread=1) == counts(0, 0, 1)
    # One moves to another issue, and the other stays.
    assert load(9, in_1 | {"issue_id": 3}, in_2 | {"port": "80"}) == counts(0, 0, 1)
    assert findings() == [
        ("5", 3, 443, None),
        ("5/2", 2, 80, None),
        ("5/3", 1, 443, "not_reported"),
    ]


def test_which_of_several_goes_on(dataset: Dataset) -> None:
    """One that changes its place is told by its issue, or by being the only one that is left."""
    loads = Loads(dataset)

    def at(issue: int, shared: int, port: int) -> dict[str, Any]:
        return occurrence(issue, 100 * shared + port, shared, "a", port=f"{port}")

    def load(day: int, *found: dict[str, Any], unread: int = 0) -> None:
        rows = {n: sum(row["issue_id"] == n for row in found) for n in range(1, 7)}
        listed = [
            ListedIssue(n, None, None) if n == unread else ListedIssue(n, rows[n], "") for n in rows
        ]
        loads.load(day, listed, occurrences_issues=[*found])

    load(1, at(1, 5, 22), at(1, 5, 80), at(1, 6, 22), at(2, 6, 22), at(3, 7, 22), at(4, 7, 22))
    # One of 5 is gone, one of 6 has another port, and one of 7 is in another issue.
    load(2, at(1, 5, 22), at(1, 6, 22), at(2, 6, 80), at(5, 7, 22), unread=3)
    # The other of 5 has another port, all of 6 have, and one of 7 is gone.
    load(3, at(1, 5, 99), at(1, 6, 25), at(2, 6, 99), at(5, 7, 22))
    load(4, at(1, 5, 99), at(1, 6, 25), at(2, 6, 99), at(6, 7, 99))
    rows = dataset.query("SELECT * FROM {d}.findings ORDER BY entity_key")
    columns = ("entity_key", "issue_id", "port", "times_reopened")
    assert [
        (*(row[column] for column in columns), loads.day_of(row["closed_at"])) for row in rows
    ] == [
        ("5", 1, 99, 0, None),
        ("5/2", 1, 80, 0, 2),
        ("6", 1, 25, 0, None),
        ("6/2", 2, 99, 0, None),
        ("7", 3, 22, 0, 3),
        ("7/2", 6, 99, 0, None),
    ]


def test_a_load_writes_what_changed_alone(dataset: Dataset) -> None:
    """Of a hundred open targets ten change: ten rows are closed, and ten are added."""
    loads = Loads(dataset)
    targets = [target(n, f"host-{n}") for n in range(100)]
    assert loads.load(1, targets=targets) == {"targets": counts(100, 0, 0)}
    targets[:10] = [target(n, f"moved-{n}") for n in range(10)]
    assert loads.load(2, targets=targets) == {"targets": counts(0, 0, 10)}
    [found] = dataset.query(
        "SELECT COUNT(*) AS n, COUNTIF(_dlt_load_id = '1') AS before,"
        " COUNTIF(valid_to IS NOT NULL) AS closed FROM {d}.targets_history"
    )
    assert found == {"n": 110, "before": 100, "closed": 10}


severity = st.sampled_from(["low", "high"])
state = st.dictionaries(
    st.integers(1, 4), st.tuples(severity, st.sets(st.integers(1, 3), max_size=2)), max_size=3
)
"""The issues of an account: severity, and the `occurrence_id` of each occurrence."""


@settings(
    max_examples=2,
    deadline=None,
    # The sequences are short, and to shrink one takes minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(states=st.lists(state, min_size=2, max_size=4))
@example(states=[{3: ("low", {1})}, {3: ("low", set())}, {4: ("low", set())}])
def test_any_sequence_of_states(dataset: Dataset, states: list[Any]) -> None:
    """At each instant the histories hold what the last load brought, and the findings follow."""
    assume(any(states))  # the first example is the smallest, without an issue
    sample = Dataset(f"d{uuid.uuid4().hex[:12]}", dataset.client)
    loads = Loads(sample)
    seen = []
    for number, shown in enumerate(states):
        loads.load(
            number,
            issues=[issue(n, severity) for n, (severity, _) in shown.items()],
            occurrences_issues=[
                occurrence(n, 100 * number + i, 10 * n + i, "a")
                for n, (_, found) in shown.items()
                for i in found
            ],
        )
        seen.append((datetime.now(UTC), shown))

    def at(table: str, instant: datetime, *columns: str) -> list[tuple[Any, ...]]:
        begin, end = DATES[:2] if table in histories else DATES[2:]
        return sorted(
            tuple(row[column] for column in columns)
            for row in rows[table]
            if row[begin] <= instant and (row[end] is None or row[end] > instant)
        )

    def last_severity(number: int, n: int, places: set[int]) -> str:
        """The one that an issue had until it, or all of these places, were no longer there."""
        while number + 1 < len(states) and n in (later := states[number + 1]):
            if places and not places & later[n][1]:
                break
            number += 1
        severity: str = states[number][n][0]
        return severity

    histories = ("issues_history", "occurrences_issues_history")
    tables = (*histories, "issue_lifecycle", "findings")
    rows = {name: sample.query(f"SELECT * FROM {{d}}.{name}") for name in tables}
    places: dict[int, set[int]] = {}
    for shown in states:
        for n, (_, found) in shown.items():
            places.setdefault(n, set()).update(found)
    for number, (instant, shown) in enumerate(seen):
        found = sorted((n, i) for n, (_, found) in shown.items() for i in found)
        assert at("issues_history", instant, "id", "severity") == sorted(
            (n, severity) for n, (severity, _) in shown.items()
        )
        # An issue is open while one of its occurrences is, if it ever had one.
        assert at("issue_lifecycle", instant, "id", "severity") == sorted(
            (n, last_severity(number, n, places[n])) for n in shown if shown[n][1] or not places[n]
        )
        assert at("occurrences_issues_history", instant, "issue_id", "occurrence_id") == [
            (n, 10 * n + i) for n, i in found
        ]
        assert at("findings", instant, "issue_id", "occurrence_id", "severity") == [
            (n, 10 * n + i, last_severity(number, n, {i})) for n, i in found
        ]


Tags = list[str | None] | None

TAGS: list[tuple[Tags, Tags, bool]] = [
    (["a", "b"], ["b", "a"], False),
    (["a", None, "b"], [None, "b", "a"], False),
    (["a", "a"], ["a"], False),
    (["a", "b"], ["a", "c"], True),
    (["a"], [], True),
    (None, [], False),
    (["a", "b"], ["a,b"], True),
]
"""Tags before and after, and whether that is another state."""


def test_tags_are_a_set(dataset: Dataset) -> None:
    """Tags in another order, or twice, are no new state."""
    loads = Loads(dataset)
    loads.load(1, targets=[{"id": n, "tags": before} for n, (before, _, _) in enumerate(TAGS)])
    changes = loads.load(
        2, targets=[{"id": n, "tags": after} for n, (_, after, _) in enumerate(TAGS)]
    )
    changed = [n for n, (_, _, is_changed) in enumerate(TAGS) if is_changed]
    assert changes == {"targets": counts(0, 0, len(changed))}
    closed = dataset.query("SELECT id FROM {d}.targets_history WHERE valid_to IS NOT NULL")
    assert sorted(row["id"] for row in closed) == changed


def test_the_status_of_a_target_is_a_state(dataset: Dataset) -> None:
    """Also its first one; without one there is no new state."""
    loads = Loads(dataset)

    def load(day: int, *statuses: str | None) -> dict[str, dict[str, int]]:
        rows = [target(n, "a") | {"target_status": of} for n, of in enumerate(statuses)]
        return loads.load(day, targets=rows)

    assert load(1, "live", None, None) == {"targets": counts(3, 0, 0)}
    assert load(2, "live", None, "live") == {"targets": counts(0, 0, 1)}
    assert load(3, "unresponsive", None, "live") == {"targets": counts(0, 0, 1)}
    states = dataset.query("SELECT * FROM {d}.targets_history")
    assert sorted(
        (r["id"], loads.day_of(r["valid_from"]), r["target_status"], loads.day_of(r["valid_to"]))
        for r in states
    ) == [
        (0, 1, "live", 3),
        (0, 3, "unresponsive", None),
        (1, 1, None, None),
        (2, 1, None, 2),
        (2, 2, "live", None),
    ]


def test_two_occurrences_with_one_identifier_are_both_kept(dataset: Dataset) -> None:
    """Both are in the history and open, in whatever order they come, and each is closed once."""
    loads = Loads(dataset)
    first = occurrence(1, 1, 7, "a", port="443")
    second = occurrence(1, 2, 7, "a", port="80")

    def load(*occurrences: dict[str, Any]) -> tuple[dict[str, int], list[tuple[str, int]]]:
        changes = loads.load(0, issues=[issue(1, "high")], occurrences_issues=list(occurrences))
        found = dataset.query("SELECT host, port FROM {d}.open_findings ORDER BY port")
        return changes["occurrences_issues"], [(row["host"], row["port"]) for row in found]

    assert load(first, second) == (counts(2, 0, 0), [("a", 80), ("a", 443)])
    renumbered = second | {"id": 8}, first | {"id": 9}
    assert load(*renumbered) == (counts(0, 0, 0), [("a", 80), ("a", 443)])
    assert load(first) == (counts(0, 1, 0), [("a", 443)])
    assert load(first, second) == (counts(1, 0, 0), [("a", 80), ("a", 443)])
