"""Queries in the documents run on what syncs make, and give what their headings ask for."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from local.bigquery import at
from scanner_sync.plan import ListedIssue
from scanner_sync.reading import Scanned
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from tests.conftest import Dataset
from tests.docs.markdown import blocks, section
from tests.warehouse.loads import Loads, insert

QUERIES = {block.heading: block.text for block in blocks() if block.info == "sql"}
WEB, DATABASE, OLD = "www.example.com", "db.example.com", "old.example.com"
CVE = "CVE-2026-1234"
Row = dict[str, Any]


def july(day: int, hour: int = 0) -> datetime:
    """An instant in July 2026, in which the 13th is a Monday; or before it, by a day below 1."""
    return datetime(2026, 7, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)


def june(day: int) -> datetime:
    return datetime(2026, 6, day, tzinfo=UTC)


SYNCS = [july(-1, 6), july(1, 6), july(15, 6)]
ASKED = july(15, 12)
FIXED_AT = july(14, 18)


def place(issue: int, number: int, host: str, port: int, first_seen: datetime, **more: Any) -> Row:
    """An occurrence, as the API lists it."""
    own: Row = {"issue_id": issue, "id": number, "occurrence_id": number, "target": host}
    own["target_last_scanned_at"] = {WEB: july(14), DATABASE: june(20)}.get(host)
    return own | {"port": str(port), "first_seen_at": first_seen, "snoozed": False} | more


def target(number: int, address: str, kind: str, *tags: str) -> Row:
    own = {"id": number, "address": address, "target_type": kind, "tags": list(tags)}
    return own | {"target_status": "live"}


def fix(number: int, severity: str, title: str, first_seen: datetime, fixed: datetime) -> Row:
    own = {"occurrence_id": number, "title": title, "severity": severity, "affected_host": WEB}
    return own | {"first_seen_at": first_seen, "remediated_at": fixed}


ISSUES: dict[int, Row] = {
    1: {"severity": "critical", "title": "One"},
    2: {"severity": "high", "title": "Two"},
    3: {"severity": "critical", "title": "Three"},
    5: {"severity": "low", "title": "Five"},
    6: {"severity": "high", "title": "Six"},
    812: {"severity": "low", "title": "Changed, then fixed"},
}
FIRST = place(1, 10, DATABASE, 5432, june(1), cves=[CVE])
SECOND = place(2, 20, WEB, 443, june(20))
SNOOZED = place(
    3,
    30,
    DATABASE,
    22,
    june(2),
    occurrence_id=None,  # the API need not give one
    snoozed=True,
    snooze_reason="OTHER",
    snooze_until=date(2026, 7, 25),
)
CHANGED = place(812, 81, WEB, 80, june(10), cves=["CVE-2026-2", CVE])
TARGETS = [target(1, WEB, "application", "pci", "web"), target(2, DATABASE, "external", "pci")]
LONG_GONE = fix(
    90, "high", "Long gone", datetime(2026, 2, 10, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)
)


@pytest.fixture
def asked(dataset: Dataset) -> Dataset:
    """An account after three syncs.

    2 is fixed and comes back, 812 becomes worse and is fixed, 3 is snoozed, the target of 5 is
    deleted. The occurrences of 5 were read once, and those of 6 never.
    """
    loads = Loads(dataset)

    def sync(
        instant: datetime,
        unread: tuple[int, ...],
        *places: Row,
        scanned: Scanned | None = None,
        **tables: list[Row],
    ) -> None:
        listed = [
            ListedIssue(row["id"], None, "")
            if row["id"] in unread
            else ListedIssue(row["id"], sum(of["issue_id"] == row["id"] for of in places), "")
            for row in tables["issues"]
        ]
        with at(instant):
            loads.load(0, listed, None, scanned, occurrences_issues=list(places), **tables)

    def issues(*ids: int, **changed: Any) -> list[Row]:
        return [{"id": id, "snoozed": False} | ISSUES[id] | changed for id in ids]

    old = [*TARGETS, target(3, OLD, "external")]
    fifth = place(5, 50, OLD, 22, june(15))
    tables: dict[str, Any] = {"targets": old, "fixed_occurrences": [LONG_GONE]}
    sync(
        SYNCS[0],
        (),
        *(FIRST, SECOND, SNOOZED, fifth, CHANGED),
        issues=issues(1, 2, 3, 5, 812),
        **tables,
    )
    insert(dataset, INTELLIGENCE, [{"cve": CVE, "in_kev": True}])
    worse = issues(812, severity="medium")
    sync(
        SYNCS[1],
        (5,),
        *(FIRST, SNOOZED, CHANGED),
        issues=issues(1, 3, 5) + worse,
        scanned=Scanned(june(17).date(), {2, 3}),
        **tables,
    )
    new = place(1, 11, WEB, 443, july(14)), place(1, 12, WEB, 8443, july(10))
    fixed = fix(81, "medium", "Changed, then fixed", june(10), FIXED_AT)
    sync(
        SYNCS[2],
        (5, 6),
        *(FIRST, *new, SECOND, SNOOZED),
        issues=issues(1, 2, 3, 5, 6),
        targets=[*TARGETS, target(4, "new.example.com", "external")],
        fixed_occurrences=[LONG_GONE, fixed],
    )
    return dataset


def test_queries_answer_their_questions(asked: Dataset) -> None:
    """Each question has its answer, in ten lines at most."""
    assert [head for head, sql in QUERIES.items() if len(sql.strip().splitlines()) > 10] == []
    with at(ASKED):
        found = {
            heading: [
                tuple(row.values())
                for row in asked.query(sql.replace("scanner.", f"{asked.name}."))
            ]
            for heading, sql in QUERIES.items()
        }
    weeks = found.pop("How fast are things fixed, week by week?")
    assert len(weeks) == 4 * 23 + 4  # from that of the first date on; medium came later
    monday = july(13).date()
    assert weeks[-5:] == [
        (monday, "all", 6, 2, 1, 0, 34.75, 11.25, pytest.approx(1), None, 1),
        (monday, "critical", 4, 1, 0, 0, None, None, None, None, 1),
        (monday, "high", 1, 1, 0, 0, None, 11.25, 1, None, 0),
        (monday, "low", 1, 0, 0, 0, None, None, None, None, 0),
        (monday, "medium", 0, 0, 1, 0, 34.75, 34.75, 1, None, 0),
    ]
    goal = timedelta(days=7)
    assert found == {
        "How long does it take to fix something?": [("high", 1, 11.3), ("medium", 1, 34.8)],
        "Change a goal": [],
        "Add a rule": [],
        "How many issues are open?": [("critical", 2, 1), ("high", 2, 2), ("low", 1, 0)],
        "How many were open on a past day?": [
            ("critical", 2),
            ("high", 1),
            ("medium", 1),
            ("low", 1),
        ],
        "Was it open on a day before the first sync?": [
            ("Long gone", "high", None, LONG_GONE["first_seen_at"], LONG_GONE["remediated_at"])
        ],
        "Which criticals have been open longest?": [(1, "One", june(1), 3)],
        "Where are the criticals?": [
            ("One", DATABASE, 5432, june(1), june(1) + goal),
            ("One", WEB, 8443, july(10), july(17)),
            ("One", WEB, 443, july(14), july(21)),
        ],
        "Where is a CVE?": [
            ("critical", "One", DATABASE, 5432, june(1), None),
            ("medium", "Changed, then fixed", WEB, 80, june(10), FIXED_AT),
        ],
        "What is exploited in the wild?": [
            (CVE, "critical", "One", DATABASE, 5432, june(1) + goal, "critical")
        ],
        "Which targets have most to do?": [(WEB, 2, 3), (DATABASE, 1, 1)],
        "Which tags have most to do?": [("pci", 3, 4, 1), ("web", 2, 3, 0)],
        "What is new this week?": [
            ("critical", "One", WEB, 443, july(14)),
            ("high", "Two", WEB, 443, SYNCS[2]),
        ],
        "What is due this week?": [("critical", "One", WEB, 8443, july(17))],
        "What is overdue, and since when?": [
            ("critical", "One", DATABASE, 5432, june(1), june(1) + goal)
        ],
        "Which targets were not scanned for 14 days?": [(WEB, "live", june(17).date())],
        "What has not been seen for 14 days?": [("low", "Five", OLD, "deleted", SYNCS[0])],
        "Which open findings are on hosts without a scan for 14 days?": [(DATABASE, 2, june(20))],
        "Which snoozes end this month?": [
            ("critical", "Three", DATABASE, "snoozed", date(2026, 7, 25))
        ],
        "What was fixed since yesterday?": [("medium", "Changed, then fixed", WEB, "fixed", 34.75)],
        "What closed in the last 90 days, and why?": [
            ("high", "not_reported", 1, 11.25),
            ("medium", "fixed", 1, 34.75),
        ],
        "How fast are things fixed, by target type and month?": [
            (date(2026, 3, 1), "application", 1, 28),
            (date(2026, 7, 1), "application", 2, 23),
        ],
        "What came back after it was fixed?": [("high", "Two", WEB, SYNCS[2], 1)],
        "How did the severity of an issue change?": [
            (SYNCS[0], SYNCS[1], "low", False),
            (SYNCS[1], SYNCS[2], "medium", False),
        ],
        "Whose occurrences are older than a day?": [
            (6, "Six", "high", None),
            (5, "Five", "low", SYNCS[0]),
        ],
        "When was the last sync?": [(SYNCS[2],)],
    }
    asked_in_the_demo = re.findall(r"(?m)^- .*\? `(SELECT .*;)`$", section("README.md", "Try it"))
    with at(ASKED):
        answers = [[*asked.warehouse.query(sql)] for sql in asked_in_the_demo]
    assert [[tuple(row.values()) for row in rows] for rows in answers] == [
        [(DATABASE, CVE)],
        [(DATABASE, 1)],
        [(WEB, FIXED_AT), (WEB, SYNCS[1])],
    ]
