"""The table `cve_intelligence` from one sync to the next."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery
from starlette.applications import Starlette

from local.bigquery import proxy
from sample_api import Account, feeds
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from scanner_sync.schema.histories import OCCURRENCES
from scanner_sync.warehouse.intelligence import state_of, write_state
from tests.conftest import Dataset
from tests.support.commands import Done, run

EXPLOITED, OTHER, FIXED, NEW = (
    *("CVE-2024-97444", "CVE-2024-95001"),
    *("CVE-2024-95002", "CVE-2024-95003"),
)
"""CVEs of the sample feeds; one of them is in KEV."""


@pytest.fixture
def account() -> Account:
    account = Account(first_day=datetime.now(UTC).date())
    account.issues = [{"id": number, "severity": "high"} for number in (1, 2)]
    account.occurrences = {
        1: [{"id": 1, "target": "a", "cves": [EXPLOITED, OTHER, "not a CVE", None, 7]}],
        2: [{"id": 1, "target": "b", "cves": [FIXED]}, {"id": 2, "target": "b", "cves": None}],
    }
    return account


def synced(**settings: str) -> Done:
    done = run("sync", "--json", "--resources", "issues,occurrences_issues", **settings)
    assert done.status == 0, done.err
    return done


def known(dataset: Dataset) -> dict[str, dict[str, Any]]:
    rows = dataset.query(f"SELECT * FROM {{d}}.{INTELLIGENCE}")
    return {row["cve"]: row for row in rows}


def the_next_day(dataset: Dataset) -> None:
    """Let what was read last have been read yesterday."""
    table = dataset.client.get_table(f"{dataset.name}.{INTELLIGENCE}")
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    write_state(dataset.warehouse, state_of(table) | {"read_on": f"{yesterday}"})


def failed(done: Done) -> list[tuple[str, str]]:
    """Return the feeds that could not be read, and why."""
    entries = [json.loads(line) for line in done.err.splitlines()]
    found = [entry for entry in entries if entry["message"] == "feed_failed"]
    assert all(entry["severity"] == "WARNING" for entry in found)
    return [(entry["feed"], entry["reason"]) for entry in found]


@pytest.fixture
def asked(api: Starlette) -> Callable[[], list[tuple[str, int | None]]]:
    """A function that returns the feeds that were asked for since it was last called."""

    def feeds_asked() -> list[tuple[str, int | None]]:
        requests = [one for one in api.state.requests if one.path.startswith("/feeds/")]
        api.state.requests.clear()
        assert not any(request.authorization for request in requests)
        return [(request.path.removeprefix("/feeds/"), request.status) for request in requests]

    return feeds_asked


def test_feeds_are_read_once_a_day(
    account: Account,
    api_url: str,
    dataset: Dataset,
    asked: Callable[[], list[tuple[str, int | None]]],
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For the CVEs that the account has, or had. What does not change is not loaded.

    A day costs a query more, and a load if something has changed.
    """
    # Without intelligence, the table is there, and empty.
    synced()
    assert (known(dataset), asked()) == ({}, [])
    account.issues.pop()  # its CVE is only in the history now
    settings = feeds.settings(api_url)
    jobs: Counter[str] = Counter()

    def count(method: str, path: str, body: bytes) -> None:
        if method == "POST" and INTELLIGENCE.encode() in body:
            jobs["load"] += "/upload/" in path and b'"load"' in body
            jobs["query"] += b'"query": "SELECT' in body

    with proxy(emulator_port, count) as url:
        done = synced(BIGQUERY_EMULATOR_HOST=url, **settings)
    assert (failed(done), json.loads(done.out)["requests"]) == ([], 2)
    assert jobs == {"query": 1, "load": 1}
    before = known(dataset)
    assert before.keys() == {EXPLOITED, OTHER, FIXED}
    assert [row["in_kev"] for row in before.values()].count(True) == 1
    assert before[EXPLOITED]["in_kev"]
    assert all(row["epss"] is not None for row in before.values())
    assert all(row["technical_impact"] for row in before.values())
    assert all(row["read_at"] is not None for row in before.values())
    first = asked()
    assert first[:2] == [("kev.json", 200), ("epss.csv.gz", 200)]
    assert sorted(first[2:]) == [(f"cve/{cve}", 200) for cve in sorted(before)]

    done = synced(**settings)
    assert (known(dataset), asked()) == (before, [])
    assert json.loads(done.out)["requests"] == 2  # of the API alone

    # The next day there is a new CVE only for the sync after.
    the_next_day(dataset)
    jobs.clear()
    with proxy(emulator_port, count) as url:
        assert failed(synced(BIGQUERY_EMULATOR_HOST=url, **settings)) == []
    assert asked() == [("kev.json", 304), ("epss.csv.gz", 304)]
    assert (known(dataset), jobs) == (before, {"query": 1, "load": 0})

    account.occurrences[1].append({"id": 2, "target": "c", "cves": [NEW]})
    the_next_day(dataset)
    synced(**settings)
    after = known(dataset)
    assert asked() == [("kev.json", 200), ("epss.csv.gz", 200), (f"cve/{NEW}", 200)]
    assert after.keys() == {*before, NEW}

    # A day on which nothing can be read.
    the_next_day(dataset)
    broken = {
        "KEV_URL": f"{api_url}/issues/",  # which needs the token
        "EPSS_URL": settings["KEV_URL"],
        "INTELLIGENCE": "epss,kev",
    }
    done = synced(**settings | broken)
    assert failed(done) == [
        ("kev", "127.0.0.1 gave status 401"),
        ("epss", "it has another form (IndexError)"),
    ]
    assert known(dataset) == after
    assert asked() == [("kev.json", 200)]
    table = dataset.client.get_table(f"{dataset.name}.{INTELLIGENCE}")
    assert state_of(table)["read_on"] == f"{datetime.now(UTC).date()}"

    # What was dropped is read again on the same day.
    for name in (INTELLIGENCE, OCCURRENCES):
        dataset.client.delete_table(f"{dataset.name}.{name}")
    synced(**settings)
    assert known(dataset).keys() == {EXPLOITED, OTHER, NEW}


def test_a_column_that_was_dropped_is_read_again(
    api_url: str, dataset: Dataset, asked: Callable[[], list[tuple[str, int | None]]]
) -> None:
    """On the same day, and although the file is as it was. So is one that a new version adds."""
    settings = feeds.settings(api_url) | {"INTELLIGENCE": "kev,epss"}
    synced(**settings)
    before = known(dataset)
    assert [cve for cve, row in before.items() if row["in_kev"]] == [EXPLOITED]
    asked()
    # After DROP COLUMN, the local BigQuery still has it: the table is created without it.
    whole = dataset.client.get_table(f"{dataset.name}.{INTELLIGENCE}")
    dataset.query(
        f"CREATE TABLE {{d}}.kept AS SELECT * EXCEPT (in_kev) FROM {{d}}.{INTELLIGENCE};"
        f"DROP TABLE {{d}}.{INTELLIGENCE}"
    )
    fields = [of for of in whole.schema if of.name != "in_kev"]
    lacking = bigquery.Table(whole.reference, fields)
    lacking.description = whole.description
    dataset.client.create_table(lacking)
    dataset.query(
        f"INSERT INTO {{d}}.{INTELLIGENCE} ({', '.join(of.name for of in fields)})"
        f" SELECT {', '.join(of.name for of in fields)} FROM {{d}}.kept"
    )
    assert failed(synced(**settings)) == []
    assert asked() == [("kev.json", 200), ("epss.csv.gz", 200)]
    again = known(dataset)
    assert {cve: row | {"read_at": None} for cve, row in again.items()} == {
        cve: row | {"read_at": None} for cve, row in before.items()
    }
