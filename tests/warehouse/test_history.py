"""The histories: what was open when, against what the API showed at each sync."""

import os
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import flask.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.processes import ROOT
from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync.sync import sync
from scanner_sync.tables import TABLES
from scanner_sync.warehouse.history import HISTORIES
from scanner_sync.warehouse.views import VIEWS
from tests.conftest import TOKEN, Dataset, asked


class Calendar:
    """Syncs day by day, and tells on which day an instant was."""

    def __init__(self, http: flask.testing.FlaskClient) -> None:
        self.http = http
        self.days: list[tuple[int, datetime, datetime]] = []

    def sync(self, day: int, status: int = 200) -> dict[str, Any]:
        start = datetime.now(UTC)
        answer = self.http.post("/")
        assert answer.status_code == status, answer.get_json()
        self.days.append((day, start, datetime.now(UTC)))
        body: dict[str, Any] = answer.get_json()
        history: dict[str, Any] = body.get("history", {})
        return history

    def day_of(self, instant: datetime | None) -> int | None:
        if instant is None:
            return None
        [day] = [day for day, start, end in self.days if start <= instant <= end]
        return day


def issue(n: int, severity: str, **fields: Any) -> dict[str, Any]:
    return {"id": n, "severity": severity, "title": f"Issue {n}", "snoozed": False, **fields}


def counts(opened: int, closed: int, changed: int) -> dict[str, int]:
    return {"opened": opened, "closed": closed, "changed": changed}


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.mark.usefixtures("api_url")
def test_a_month_of_an_account(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Opened, fixed, reopened, snoozed, changed, renumbered, removed, failed, empty, and back."""
    calendar = Calendar(http)
    # Day 1: three issues; one occurrence has no identifier that persists.
    account.issues = [issue(1, "high"), issue(2, "critical"), issue(3, "low")]
    account.occurrences = {
        1: [{"id": 1, "occurrence_id": 11, "target": "a", "age": "1 day"}],
        2: [{"id": 1, "occurrence_id": 21, "target": "a"}, {"id": 2, "target": "b"}],
        3: [],
    }
    account.targets = [{"id": 1, "address": "a", "tags": ["x"]}, {"id": 2, "address": "b"}]
    assert calendar.sync(1) == {
        "issues": counts(3, 0, 0),
        "occurrences_issues": counts(3, 0, 0),
        "targets": counts(2, 0, 0),
    }
    # Day 2: a severity changes; an occurrence is renumbered, an age moves on: no states.
    account.issues[0] = issue(1, "critical")
    account.occurrences[2][0] = {"id": 5, "occurrence_id": 21, "target": "a"}
    account.occurrences[1][0] = account.occurrences[1][0] | {"age": "2 days"}
    assert calendar.sync(2) == {
        "issues": counts(0, 0, 1),
        "occurrences_issues": counts(0, 0, 0),
        "targets": counts(0, 0, 0),
    }
    # Day 3: 2 is fixed, 4 is new; a tag changes.
    account.issues = [account.issues[0], issue(3, "low"), issue(4, "medium")]
    del account.occurrences[2]
    account.occurrences[4] = [{"id": 1, "occurrence_id": 41, "target": "b"}]
    account.targets[0] = {"id": 1, "address": "a", "tags": ["y"]}
    assert calendar.sync(3) == {
        "issues": counts(1, 1, 0),
        "occurrences_issues": counts(1, 2, 0),
        "targets": counts(0, 0, 1),
    }
    # Day 4: all is gone for a day, and the sync fails. Day 5: there is no sync.
    kept = account.issues, account.occurrences
    account.issues, account.occurrences = [], {}
    monkeypatch.setenv("ACCESS_TOKEN", "wrong")
    calendar.sync(4, status=502)
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    account.issues, account.occurrences = kept
    # Day 6: 2 is back with one occurrence, 3 is snoozed, the occurrences of 4 are gone.
    account.issues[1] = issue(3, "low", snoozed=True, snooze_until="2026-12-31")
    account.issues.append(issue(2, "critical"))
    account.occurrences[2] = [{"id": 1, "occurrence_id": 21, "target": "a"}]
    account.occurrences[4] = []
    assert calendar.sync(6) == {
        "issues": counts(1, 0, 1),
        "occurrences_issues": counts(1, 1, 0),
        "targets": counts(0, 0, 0),
    }
    # Day 7: a target is removed.
    account.targets.pop()
    assert calendar.sync(7)["targets"] == counts(0, 1, 0)
    # Day 8: every listing is empty.
    account.issues, account.occurrences, account.targets = [], {}, []
    assert calendar.sync(8) == {
        "issues": counts(0, 4, 0),
        "occurrences_issues": counts(0, 2, 0),
        "targets": counts(0, 1, 0),
    }
    # Day 9: 2 is back once more.
    account.issues = [issue(2, "critical")]
    account.occurrences = {2: [{"id": 1, "occurrence_id": 21, "target": "a"}]}
    calendar.sync(9)

    def history(table: str, *columns: str) -> set[tuple[Any, ...]]:
        rows = dataset.query(f"SELECT * FROM {{d}}.{table}")
        found = [
            (
                *(row[column] for column in columns),
                calendar.day_of(row["valid_from"]),
                calendar.day_of(row["valid_to"]),
            )
            for row in rows
        ]
        assert len(found) == len(set(found))
        return set(found)

    assert history("issues_history", "id", "severity", "snoozed") == {
        (1, "high", False, 1, 2),
        (1, "critical", False, 2, 8),
        (2, "critical", False, 1, 3),
        (2, "critical", False, 6, 8),
        (2, "critical", False, 9, None),
        (3, "low", False, 1, 6),
        (3, "low", True, 6, 8),
        (4, "medium", False, 3, 8),
    }
    assert history("occurrences_issues_history", "thing", "target") == {
        ("1/11", "a", 1, 8),
        ("2/21", "a", 1, 3),
        ("2/21", "a", 6, 8),
        ("2/21", "a", 9, None),
        ("2/id/2", "b", 1, 3),
        ("4/41", "b", 3, 6),
    }
    assert {row[:1] + row[2:] for row in _hashable(history_rows(dataset, calendar))} == {
        (1, 1, 3),
        (1, 3, 8),
        (2, 1, 7),
    }
    remediation = dataset.query("SELECT * FROM {d}.remediation WHERE table_name = 'issues'")
    assert {
        (
            row["issue_id"],
            row["severity"],
            calendar.day_of(row["opened"]),
            calendar.day_of(row["closed"]),
            row["reopened"],
        )
        for row in remediation
    } == {
        (1, "critical", 1, 8, 0),
        (2, "critical", 1, 3, 0),
        (2, "critical", 6, 8, 1),
        (2, "critical", 9, None, 2),
        (3, "low", 1, 8, 0),
        (4, "medium", 3, 8, 0),
    }
    assert [(r["id"], r["since"]) for r in dataset.query("SELECT * FROM {d}.open_issues")] == [
        (2, max(row["opened"] for row in remediation))
    ]
    [occurrence] = dataset.query("SELECT * FROM {d}.open_occurrences")
    assert (occurrence["issue_id"], occurrence["occurrence_id"]) == (2, 21)
    assert occurrence["severity"] == "critical"
    _check_queries(dataset, calendar)


def history_rows(dataset: Dataset, calendar: Calendar) -> list[tuple[Any, ...]]:
    return [
        (row["id"], row["tags"], *(calendar.day_of(row[at]) for at in ("valid_from", "valid_to")))
        for row in dataset.query("SELECT * FROM {d}.targets_history")
    ]


def _hashable(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(str(v) if isinstance(v, list) else v for v in row) for row in rows]


def _check_queries(dataset: Dataset, calendar: Calendar) -> None:
    """Each query of the README, on the dataset of that month."""
    section = (ROOT / "README.md").read_text().partition("### What was open")[2]
    queries = re.findall(r"```sql\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    [day_3] = [end for day, _, end in calendar.days if day == 3]
    now, past, days_to_fix, fixed, oldest, again = (
        dataset.query(
            query.replace("scanner.", f"{dataset.name}.").replace("2026-06-30", day_3.isoformat())
        )
        for query in queries
    )
    month = datetime.now(UTC).strftime("%Y-%m")
    assert now == [{"severity": "critical", "issues": 1}]
    assert past == [
        {"severity": "critical", "issues": 1},
        {"severity": "low", "issues": 1},
        {"severity": "medium", "issues": 1},
    ]
    assert [(row["severity"], row["month"], row["fixed"]) for row in days_to_fix] == [
        ("critical", month, 3),
        ("low", month, 1),
        ("medium", month, 1),
    ]
    assert all(0 < row["mean_days"] < 1 and 0 < row["median_days"] < 1 for row in days_to_fix)
    assert [row["issue_id"] for row in fixed] == [1, 2, 2, 3, 4]
    assert [row["id"] for row in oldest] == [2]
    assert [(row["issue_id"], row["reopened"]) for row in again] == [(2, 2), (2, 1)]


@pytest.mark.usefixtures("api_url")
def test_history_costs_no_request_and_changes_no_table(
    api: Any,
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Off, there is no history and no view; on or off, requests and merged tables are the same."""
    account.issues = [issue(1, "high"), issue(2, "low")]
    account.occurrences = {1: [{"id": 1, "target": "a"}], 2: []}
    account.targets = [{"id": 1}]
    monkeypatch.setenv("HISTORY", "false")
    off = http.post("/").get_json()
    names = {
        row["table_name"]
        for row in dataset.query("SELECT table_name FROM {d}.INFORMATION_SCHEMA.TABLES")
    }
    assert not names & (HISTORIES.keys() | VIEWS.keys())
    assert off["history"] == {}
    rows = {table: dataset.rows(table) for table in TABLES}
    requests = asked(api)
    api.state.requests.clear()
    monkeypatch.setenv("HISTORY", "true")
    assert http.post("/").get_json()["history"]["issues"] == counts(2, 0, 0)
    assert {table: dataset.rows(table) for table in TABLES} == rows
    assert asked(api) == requests


@pytest.mark.usefixtures("api_url")
def test_a_sync_of_some_resources_touches_those_alone(
    account: Account, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """What was not read is not closed."""
    account.issues, account.occurrences = [issue(1, "high")], {1: [{"id": 1}]}
    account.targets = [{"id": 1}]
    assert http.post("/").status_code == 200
    account.issues, account.occurrences, account.targets = [], {}, []
    answer = http.post("/", json={"resources": ["targets"]}).get_json()
    assert answer["history"] == {"targets": counts(0, 1, 0)}
    answer = http.post("/", json={"resources": ["occurrences_issues"]}).get_json()
    assert answer["history"] == {"occurrences_issues": counts(0, 1, 0)}
    assert len(dataset.query("SELECT * FROM {d}.open_issues")) == 1


@pytest.mark.usefixtures("api_url")
def test_a_sync_writes_what_changed_alone(
    account: Account, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """Of ten thousand open targets ten change: ten rows are closed, and ten are added."""
    account.targets = [{"id": n, "address": f"host-{n}"} for n in range(10_000)]
    assert http.post("/", json={"resources": ["targets"]}).status_code == 200
    for n in range(10):
        account.targets[n] = {"id": n, "address": f"moved-{n}"}
    answer = http.post("/", json={"resources": ["targets"]}).get_json()
    assert answer["history"] == {"targets": counts(0, 0, 10)}
    [found] = dataset.query(
        "SELECT COUNT(*) AS n, COUNT(DISTINCT _dlt_load_id) AS loads,"
        " COUNTIF(valid_to IS NOT NULL) AS closed FROM {d}.targets_history"
    )
    assert found == {"n": 10_010, "loads": 2, "closed": 10}


@pytest.mark.usefixtures("api_url")
def test_the_views_are_kept_current(
    account: Account, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """They work from the first sync on, and one whose text is another is brought up to date."""
    account.issues, account.occurrences = [issue(1, "high")], {1: []}
    assert http.post("/", json={"resources": ["issues"]}).status_code == 200
    made = {name: dataset.client.get_table(f"{dataset.name}.{name}") for name in VIEWS}
    texts = {name: view.view_query for name, view in made.items()}
    made["open_issues"].view_query = "SELECT 1 AS outdated"
    dataset.client.update_table(made["open_issues"], ["view_query"])
    assert dataset.query("SELECT * FROM {d}.open_issues") == [{"outdated": 1}]
    assert http.post("/", json={"resources": ["issues"]}).status_code == 200
    now = {name: dataset.client.get_table(f"{dataset.name}.{name}").view_query for name in VIEWS}
    assert now == texts
    assert [row["id"] for row in dataset.query("SELECT * FROM {d}.open_issues")] == [1]


severity = st.sampled_from(["low", "high"])
state = st.dictionaries(
    st.integers(1, 4), st.tuples(severity, st.sets(st.integers(1, 3), max_size=2)), max_size=3
)
"""The issues of an account: severity, and the `occurrence_id` of each occurrence."""


@pytest.fixture
def served(bigquery_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    account = Account()
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test-project")
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    with serve_api(create_app(account, token=TOKEN)) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        yield account


def _no_abort(error: Exception) -> None:
    raise AssertionError(error)


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(states=st.lists(state, min_size=2, max_size=4))
def test_any_sequence_of_states(served: Account, dataset: Dataset, states: list[Any]) -> None:
    """Whatever an account goes through: at each past instant, what the last sync had seen."""
    name = os.environ["DATASET"] = f"d{uuid.uuid4().hex[:12]}"
    sample = Dataset(name, dataset.client)
    seen = []
    for number, shown in enumerate(states):
        served.issues = [issue(n, severity) for n, (severity, _) in shown.items()]
        served.occurrences = {
            n: [{"id": 10 * number + i, "occurrence_id": i} for i in found]
            for n, (_, found) in shown.items()
        }
        sync(("issues", "occurrences_issues"), _no_abort)
        seen.append((datetime.now(UTC), shown))
    issues = sample.query("SELECT * FROM {d}.issues_history")
    occurrences = sample.query("SELECT * FROM {d}.occurrences_issues_history")

    def at(rows: list[dict[str, Any]], instant: datetime, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(
            tuple(row[column] for column in columns)
            for row in rows
            if row["valid_from"] <= instant
            and (row["valid_to"] is None or row["valid_to"] > instant)
        )

    for instant, shown in seen:
        assert at(issues, instant, "id", "severity") == sorted(
            (n, severity) for n, (severity, _) in shown.items()
        )
        assert at(occurrences, instant, "issue_id", "occurrence_id") == sorted(
            (n, i) for n, (_, found) in shown.items() for i in found
        )


@pytest.mark.usefixtures("api_url")
@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (["a", "b"], ["b", "a"], 0),
        (["a", None, "b"], [None, "b", "a"], 0),
        (["a", "a"], ["a"], 0),
        (["a", "b"], ["a", "c"], 1),
        (["a"], [], 1),
        (None, [], 1),
        (["a", "b"], ["a,b"], 1),
    ],
)
def test_tags_are_a_set(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    before: list[str | None] | None,
    after: list[str | None],
    changed: int,
) -> None:
    """Tags in another order are no new state; the table has them as they came."""
    account.targets = [{"id": 1, "address": "a", "tags": before}]
    assert http.post("/", json={"resources": ["targets"]}).status_code == 200
    account.targets = [{"id": 1, "address": "a", "tags": after}]
    answer = http.post("/", json={"resources": ["targets"]})
    assert answer.get_json()["history"] == {"targets": counts(0, 0, changed)}
    assert [row["tags"] for row in dataset.rows("targets")] == [after]


@pytest.mark.usefixtures("api_url")
def test_two_occurrences_with_one_identifier_are_both_kept(
    account: Account, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """Both are in the history and open, in whatever order they come, and each is closed once."""
    rows = [
        {"id": 1, "occurrence_id": 7, "target": "a", "port": "443"},
        {"id": 2, "occurrence_id": 7, "target": "a", "port": "80"},
    ]
    account.issues = [issue(1, "high")]

    def sync(*occurrences: dict[str, Any]) -> tuple[dict[str, int], list[tuple[str, str]]]:
        account.occurrences = {1: list(occurrences)}
        answer = http.post("/", json={"resources": ["issues", "occurrences_issues"]})
        assert answer.status_code == 200, answer.get_json()
        found = dataset.query("SELECT target, port FROM {d}.open_occurrences ORDER BY port")
        history: dict[str, int] = answer.get_json()["history"]["occurrences_issues"]
        return history, [(row["target"], row["port"]) for row in found]

    assert sync(*rows) == (counts(2, 0, 0), [("a", "443"), ("a", "80")])
    renumbered = [rows[1] | {"id": 8}, rows[0] | {"id": 9}]
    assert sync(*renumbered) == (counts(0, 0, 0), [("a", "443"), ("a", "80")])
    assert sync(rows[0]) == (counts(0, 1, 0), [("a", "443")])
    assert sync(*rows) == (counts(1, 0, 0), [("a", "443"), ("a", "80")])
