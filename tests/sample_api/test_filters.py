"""The parameters that choose rows, through a real server on loopback."""

from datetime import timedelta
from typing import Literal

import pytest
import requests

from sample_api import Account, Row, create_app, generate, serve
from tests.sample_api.conftest import TOKEN, get, walk


def occurrence(number: int, target: str, seen: str | None, *, snoozed: bool = False) -> Row:
    """Return an occurrence with what the parameters look at."""
    row = {"id": number, "target": target, "first_seen_at": seen, "snoozed": snoozed}
    return row | {"target_last_scanned_at": seen}


def fixed(number: int, severity: str | None, host: str, at: str | None, *tags: str | None) -> Row:
    """Return a fixed occurrence with what the parameters look at."""
    return {
        "id": number,
        "severity": severity,
        "affected_host": host,
        "remediated_at": at,
        "tags": list(tags),
    }


ACCOUNT = Account(
    issues=[
        {"id": 1, "severity": "critical", "snoozed": False},
        {"id": 2, "severity": "high", "snoozed": True},
        {"id": 3, "severity": "high", "snoozed": False},
        {"id": 4, "severity": None, "snoozed": False},
    ],
    occurrences={
        1: [
            occurrence(1, "a.example.com", "2025-03-01T02:00:00Z"),
            occurrence(2, "b.example.com", "2025-03-03T02:00:00Z", snoozed=True),
            occurrence(3, "c.example.com", None),
        ],
        2: [occurrence(1, "b.example.com", "2025-03-02T02:00:00Z", snoozed=True)],
        3: [occurrence(1, "c.example.com", None)],
        4: [],
    },
    scans=[
        {"id": 1, "status": "completed", "scan_type": "new_service", "schedule_period": None},
        {"id": 2, "status": "cancelled", "scan_type": "advisory", "schedule_period": "daily"},
        {"id": 3, "status": "completed", "scan_type": "advisory", "schedule_period": "weekly"},
    ],
    targets=[
        {
            "id": 1,
            "address": "a.example.com",
            "tags": ["pci", None],
            "target_status": "live",
            "target_type": "external",
        },
        {
            "id": 2,
            "address": "b.example.com",
            "tags": ["büro", "pci"],
            "target_status": "unscanned",
            "target_type": None,
        },
        {
            "id": 3,
            "address": "c.example.com",
            "tags": [],
            "target_status": "live",
            "target_type": "cloud",
        },
    ],
    fixed=[
        fixed(1, "high", "a.example.com", "2025-03-03T02:00:00Z", "pci"),
        fixed(2, "critical", "gone.example.com", "2025-03-02T02:00:00Z", "büro", None),
        fixed(3, "low", "a.example.com", "2025-03-01T02:00:00Z"),
        fixed(4, None, "b.example.com", None, "pci"),
    ],
    tags=[{"name": "büro"}, {"name": "pci"}],
)


def ids(http: requests.Session, url: str) -> list[int]:
    """Return the ids of one page; there is no other, and `count` is their number."""
    page = get(http, url).json()
    assert (page["count"], page["next"]) == (len(page["results"]), None)
    return [row["id"] for row in page["results"]]


@pytest.mark.parametrize(
    ("listing", "chosen"),
    [
        (
            "issues",
            {
                "": [1, 2, 3, 4],
                "since=2025-03-01": [1, 2],
                "since=2025-03-02T02:00:00Z": [1, 2],
                "since=2025-03-02T02:00:01Z": [1],
                "since=2025-03-02T03:00:00%2B01:00": [1, 2],
                "since=2025-03-02T03:00:00": [1],
                "since=2025-03-04": [],
                "since=": [1, 2, 3, 4],
                "severity=high": [2, 3],
                "severity=high,critical": [1, 2, 3],
                "severity=high,%20critical": [1, 2, 3],
                "severity=high&severity=critical": [1],
                "severity=None": [],
                "severity=": [1, 2, 3, 4],
                "snoozed=true": [2],
                "snoozed=True": [2],
                "snoozed=false": [1, 3, 4],
                "snoozed=perhaps": [1, 2, 3, 4],
                "tag_names=pci": [1, 2],
                "tag_names=b%C3%BCro": [1, 2],
                "tag_names=None": [],
                "tag_names=no,such": [],
                "target_addresses=a.example.com": [1],
                "target_addresses=b.example.com,c.example.com": [1, 2, 3],
                "issue_ids=4,2": [2, 4],
                "issue_ids=5": [],
                "severity=high&snoozed=false": [3],
                "unknown=1": [1, 2, 3, 4],
            },
        ),
        (
            "issues/1/occurrences",
            {
                "": [1, 2, 3],
                "since=2025-03-01": [1, 2],
                "since=2025-03-02": [2],
                "snoozed=true": [2],
                "snoozed=false": [1, 3],
                "tag_names=pci": [1, 2],
                "tag_names=b%C3%BCro": [2],
                "target_addresses=a.example.com,c.example.com": [1, 3],
                "target_addresses=a.example.com&since=2025-03-02": [],
                "severity=high": [1, 2, 3],
            },
        ),
        (
            "scans",
            {
                "": [1, 2, 3],
                "status=completed": [1, 3],
                "status=cancelled,in_progress": [2],
                "scan_type=advisory": [2, 3],
                "schedule_period=daily,weekly": [2, 3],
                "schedule_period=None": [],
                "scan_type=advisory&status=completed": [3],
                "since=2025-03-04": [1, 2, 3],
            },
        ),
        (
            "targets",
            {
                "": [1, 2, 3],
                "address=b.example.com,c.example.com": [2, 3],
                "target_status=live": [1, 3],
                "target_type=external,cloud": [1, 3],
                "target_type=internal": [],
                "tag_names=pci": [1, 2, 3],
                "last_scanned_after=2025-03-01": [1, 2],
                "last_scanned_after=2025-03-02&target_status=unscanned": [2],
                "last_scanned_after=2025-03-04": [],
            },
        ),
        (
            "occurrences/fixed",
            {
                "": [1, 2, 3, 4],
                "remediated_after=2025-03-02": [1, 2],
                "remediated_after=2025-03-02T02:00:00Z": [1, 2],
                "remediated_after=2025-03-02T02:00:01Z": [1],
                "remediated_after=2025-03-02T03:00:00%2B01:00": [1, 2],
                "remediated_after=2025-03-04": [],
                "remediated_after=": [1, 2, 3, 4],
                "remediated_before=2025-03-02": [3],
                "remediated_before=2025-03-02T02:00:00Z": [2, 3],
                "remediated_before=2025-03-02T01:59:59Z": [3],
                "remediated_before=": [1, 2, 3, 4],
                "remediated_after=2025-03-02&remediated_before=2025-03-03": [2],
                "severity=high,low": [1, 3],
                "severity=None": [],
                "tag_names=pci": [1, 4],
                "tag_names=b%C3%BCro,pci": [1, 2, 4],
                "tag_names=None": [],
                "target_addresses=a.example.com": [1, 3],
                "target_addresses=gone.example.com,b.example.com": [2, 4],
                "target_addresses=a.example.com&severity=low": [3],
                "since=2025-03-04": [1, 2, 3, 4],
            },
        ),
    ],
)
def test_parameters_choose_rows(
    http: requests.Session, listing: str, chosen: dict[str, list[int]]
) -> None:
    """Exactly these rows, in the order of the account. Unknown parameters are ignored."""
    with serve(create_app(ACCOUNT, token=TOKEN)) as base_url:
        found = {query: ids(http, f"{base_url}/{listing}/?{query}") for query in chosen}
    assert found == chosen


def test_pages_are_those_of_the_chosen_rows(http: requests.Session) -> None:
    """`count` is their number, and `next` keeps the parameters."""
    account = generate(seed=7)
    chosen = [row["id"] for row in account.issues if row["severity"] in {"high", "low"}]
    with serve(create_app(account, token=TOKEN)) as base_url:
        url = f"{base_url}/issues/?severity=high,low&limit=30"
        first = get(http, url).json()
        rows = walk(http, url)
    assert (first["count"], first["previous"]) == (len(chosen), None)
    assert first["next"] == f"{base_url}/issues/?severity=high%2Clow&limit=30&offset=30"
    assert [row["id"] for row in rows] == chosen
    assert 60 < len(chosen) < 400


def test_since_chooses_the_issues_that_a_day_opened(http: requests.Session) -> None:
    """Issues that the new day opened, and no others, have occurrences since then."""
    account = generate(seed=7)
    opened = account.next_day().opened
    dated = [n for n in opened if any(row["first_seen_at"] for row in account.occurrences[n])]
    with serve(create_app(account, token=TOKEN)) as base_url:
        assert ids(http, f"{base_url}/issues/?since={account.now.date()}") == dated
    assert len(dated) > 1


def test_remediated_after_chooses_what_a_day_fixed(http: requests.Session) -> None:
    """On whichever pages they are, and no others."""
    account = generate(seed=7)
    changes = account.next_day()
    with serve(create_app(account, token=TOKEN)) as base_url:
        url = f"{base_url}/occurrences/fixed/?remediated_after={changes.day}&limit=10"
        rows = walk(http, url)
    assert [row["occurrence_id"] for row in rows] == changes.fixed_occurrences
    assert len(rows) > 10


TIMES = [
    ("issues", "since"),
    ("issues/1/occurrences", "since"),
    ("occurrences/fixed", "remediated_after"),
    ("occurrences/fixed", "remediated_before"),
]
DEAF = TIMES[:3]


@pytest.mark.parametrize(("listing", "name"), TIMES)
@pytest.mark.parametrize("time", ["yesterday", "2025-13-01", "2025-03-02T02:00:00+01:00", "1"])
def test_a_malformed_time_is_400(
    http: requests.Session, listing: str, name: str, time: str
) -> None:
    """As Django REST framework answers it. An unescaped plus sign is a space."""
    with serve(create_app(ACCOUNT, token=TOKEN)) as base_url:
        answer = get(http, f"{base_url}/{listing}/?{name}={time}")
    assert (answer.status_code, answer.json()) == (400, {name: ["Enter a valid date/time."]})


@pytest.mark.parametrize(("listing", "name"), DEAF)
@pytest.mark.parametrize("time", ["2025-03-03", "yesterday"])
@pytest.mark.parametrize("deaf", ["ignored", "rejected"])
def test_an_api_may_not_know_a_parameter(
    http: requests.Session,
    listing: str,
    name: Literal["since", "remediated_after"],
    time: str,
    deaf: Literal["ignored", "rejected"],
) -> None:
    """It has no effect, whatever its value, or is answered with 400. Others still choose rows."""
    other = "severity=high,critical" if listing == "occurrences/fixed" else "snoozed=false"
    app = create_app(
        ACCOUNT,
        token=TOKEN,
        since=deaf if name == "since" else "known",
        remediated_after=deaf if name == "remediated_after" else "known",
    )
    with serve(app) as base_url:
        without = get(http, f"{base_url}/{listing}/?{other}").json()
        answer = get(http, f"{base_url}/{listing}/?{other}&{name}={time}")
    assert without["count"] in {2, 3}
    if deaf == "ignored":
        assert (answer.status_code, answer.json()) == (200, without)
    else:
        assert (answer.status_code, answer.json()) == (400, {name: ["Unknown parameter."]})


def test_a_fix_may_be_listed_days_after_it(http: requests.Session) -> None:
    """It is gone from its issue at once, and is listed later, with its true date."""
    account = generate(seed=7, issues=60)
    counts = []
    with serve(create_app(account, token=TOKEN, fixed_delay_days=2)) as base_url:
        first = account.next_day()
        for _ in range(3):
            url = f"{base_url}/occurrences/fixed/?remediated_after={first.day}"
            rows = walk(http, f"{url}&remediated_before={first.day}T23:59:59Z")
            assert not set(first.fixed) & {row["id"] for row in walk(http, f"{base_url}/issues/")}
            counts.append([row["occurrence_id"] for row in rows])
            account.next_day()
        every = walk(http, f"{base_url}/occurrences/fixed/?limit=100")
    assert first.fixed_occurrences
    assert counts == [[], [], first.fixed_occurrences]
    late = (account.now - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert every == [row for row in account.fixed if row["remediated_at"] <= late]
    assert len(every) < len(account.fixed)
