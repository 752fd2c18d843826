"""Queries in the documents run on what a sync makes, and give what their headings ask for."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import flask.testing
import pytest

from sample_api import Account
from tests.conftest import FOUR, Dataset
from tests.docs.markdown import blocks

QUERIES = {block.heading: block.text for block in blocks() if block.info == "sql"}
ISSUES: dict[int, dict[str, Any]] = {
    1: {"severity": "critical", "title": "One", "snoozed": False},
    2: {"severity": "high", "title": "Two", "snoozed": False},
    3: {"severity": "critical", "title": "Three", "snoozed": True},
    812: {"severity": "low", "title": "Changed, then fixed", "snoozed": False},
}
WEB, DATABASE = "www.example.com", "db.example.com"
OCCURRENCES: dict[int, list[tuple[str, str]]] = {
    1: [(DATABASE, "5432"), (WEB, "443")],
    2: [(WEB, "443")],
    3: [(DATABASE, "22")],
    812: [],
}


def first_seen(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=number)


def show(account: Account, changes: dict[int, dict[str, Any]]) -> None:
    """Let the account have these issues, with what is different from `ISSUES`."""
    account.issues = [{"id": id, **ISSUES[id], **changed} for id, changed in changes.items()]
    account.occurrences = {
        id: [
            {
                "id": number,
                "target": target,
                "port": port,
                "snoozed": ISSUES[id]["snoozed"],
                "first_seen_at": first_seen(number).isoformat(),
            }
            for number, (target, port) in enumerate(OCCURRENCES[id])
        ]
        for id in changes
    }


@pytest.mark.usefixtures("api_url")
def test_queries_answer_their_questions(
    account: Account, dataset: Dataset, http: flask.testing.FlaskClient
) -> None:
    """Issue 2 is fixed and comes back, 812 becomes worse and is fixed, 3 is snoozed."""
    days: list[dict[int, dict[str, Any]]] = [
        {1: {}, 2: {}, 3: {}, 812: {}},
        {1: {}, 3: {}, 812: {"severity": "medium"}},
        {1: {}, 2: {}, 3: {}},
    ]
    for day in days:
        show(account, day)
        assert http.post("/", json={"resources": FOUR}).status_code == 200
    instants = [
        row["valid_from"]
        for row in dataset.query("SELECT DISTINCT valid_from FROM {d}.issues_history ORDER BY 1")
    ]
    # 1 was read long ago, 2 never, and 3 just now.
    old = datetime(2026, 1, 1, tzinfo=UTC)
    dataset.query(
        "UPDATE {d}.occurrence_reads"
        f" SET read_at = IF(issue_id = 1, TIMESTAMP '{old.isoformat()}', NULL) WHERE issue_id < 3"
    )
    names = {instant: f"sync {number}" for number, instant in enumerate(instants, 1)}
    assert len(names) == len(days)

    def shown(value: object) -> object:
        """Name the instant of a sync; the days between two syncs are almost none."""
        if isinstance(value, datetime):
            return names.get(value, value)
        return 0 if isinstance(value, float) and 0 <= value < 0.1 else value

    found: dict[str, list[tuple[object, ...]]] = {}
    for heading, query in QUERIES.items():
        sql = query.replace("scanner.", f"{dataset.name}.")
        sql = re.sub(r"TIMESTAMP '[^']+'", f"TIMESTAMP '{instants[0].isoformat()}'", sql)
        found[heading] = [tuple(map(shown, row.values())) for row in dataset.query(sql)]
    [(last_load,)] = found.pop("When was the last load?")
    assert isinstance(last_load, datetime)
    assert last_load > instants[1]
    goal = timedelta(days=14)  # as it was changed, in a document before
    days_to_fix = pytest.approx((instants[1] - first_seen(0)) / timedelta(days=1), abs=2 / 86400)
    *weeks, of_all, of_criticals, of_highs = found.pop("How fast are things fixed, week by week?")
    week = (instants[2] - timedelta(days=instants[2].weekday())).date()
    assert len(weeks) == 3 * (26 if instants[2].weekday() == 0 else 25)
    assert of_all == (week, "all", 4, 1, 1, days_to_fix, None, 0, 2)
    assert of_criticals == (week, "critical", 3, 0, 0, None, None, None, 2)
    assert of_highs == (week, "high", 1, 1, 1, days_to_fix, days_to_fix, 0, 0)
    rounded = pytest.approx((instants[1] - first_seen(0)) / timedelta(days=1), abs=0.06)
    assert found == {
        "What you get": [("high", 1, rounded)],
        "How many issues are open?": [("critical", 1), ("high", 1)],
        "How many were open on a past day?": [("critical", 2), ("high", 1), ("low", 1)],
        "Which criticals have been open longest?": [
            (1, "One", first_seen(1)),
            (3, "Three", first_seen(0)),
        ],
        "Where are the open criticals?": [
            ("One", WEB, "443", first_seen(1)),
            ("One", DATABASE, "5432", first_seen(0)),
        ],
        "Which targets have most open?": [(WEB, 2, 1), (DATABASE, 1, 1)],
        "What was fixed since yesterday?": [
            (2, "Two", "high", days_to_fix),
            (812, "Changed, then fixed", "medium", 0),
        ],
        "What is overdue, and since when?": [
            ("critical", "One", WEB, first_seen(1), first_seen(1) + goal),
            ("critical", "One", DATABASE, first_seen(0), first_seen(0) + goal),
        ],
        "What closed in the last 90 days, and why?": [("high", "not_reported", 1, days_to_fix)],
        "Change a goal": [],
        "What came back after it was fixed?": [(2, "Two", "high", "sync 3", 1)],
        "How did the severity of an issue change?": [
            ("sync 1", "sync 2", "low", False),
            ("sync 2", "sync 3", "medium", False),
        ],
        "Whose occurrences are older than a day?": [
            (2, "Two", "high", None),
            (1, "One", "critical", old),
        ],
    }
