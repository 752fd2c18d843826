"""The benchmark is fair: its API serves what it says, and a row that is lost is seen."""

from collections import Counter

import pytest
import requests

from benchmarks.candidates import GUIDE_PARALLEL, NO_HISTORY, OURS, Api, Run, api, run, seen_by
from benchmarks.jobs import steady_sync
from benchmarks.reading import seconds_to_follow
from benchmarks.results import LIMITS_HEADING, into_results
from benchmarks.server import FIRST_ISSUE, Sizes
from local.processes import ROOT

SIZES = Sizes(issues=30, occurrences=250, scans=201, targets=0)


def read(url: str, path: str) -> list[dict[str, object]]:
    """All rows of a listing, by following `count`."""
    rows: list[dict[str, object]] = []
    while True:
        params = {"limit": 100, "offset": len(rows)}
        page = requests.get(f"{url}/{path}", params=params, timeout=10).json()
        rows += page["results"]
        if len(rows) == page["count"]:
            assert page["next"] is None
            return rows


def test_the_api_serves_and_counts_what_it_says() -> None:
    """Each row once, as many requests as pages, and a page that is asked for again is counted."""
    with api(Api(sizes=SIZES)) as url:
        issues = [f"issues/{FIRST_ISSUE + number}/occurrences/" for number in range(SIZES.issues)]
        found = {path: read(url, path) for path in ("issues/", "scans/", "targets/", *issues)}
        seen = seen_by(url)
        read(url, "targets/")
        read(url, "targets/")
        requests.get(f"{url}/scans?limit=100", timeout=10)
        again = seen_by(url)
    assert all(len({row["id"] for row in rows}) == len(rows) for rows in found.values())
    counts = [len(found[path]) for path in ("issues/", "scans/", "targets/")]
    assert counts == [SIZES.issues, SIZES.scans, SIZES.targets]
    assert sum(len(found[path]) for path in issues) == SIZES.occurrences
    assert seen["answered"] == seen["requests"] == SIZES.least_requests()
    assert seen["asked_twice"] == 0
    assert (again["asked_twice"], again["redirected"]) == (1, 1)


@pytest.mark.parametrize("retry_after", ["", "1"])
def test_the_benchmark_server_enforces_its_quota(retry_after: str) -> None:
    with api(Api(rate=2, retry_after=retry_after)) as url:
        answers = [requests.get(f"{url}/scans/", timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers.get("Retry-After", "") == retry_after


@pytest.mark.parametrize(
    ("options", "statuses"),
    [
        (Api(refuse="request 2"), [200, 429, 200, 200, 200, 200]),
        (Api(refuse="every 3"), [200, 200, 429, 200, 200, 429]),
        (Api(refuse="share 1"), [429] * 6),
        (Api(rate=5, rates="2@0"), [200, 200, 429, 429, 429, 429]),
    ],
)
def test_the_benchmark_server_refuses_by_rule(options: Api, statuses: list[int]) -> None:
    """By number, by chance, or past a quota that changes; and it counts them by the second."""
    with api(options) as url, requests.Session() as session:
        found = [session.get(f"{url}/scans/", timeout=10).status_code for _ in range(6)]
        seen = seen_by(url)
    assert found == statuses
    totals = [sum(column) for column in zip(*seen["by_second"], strict=True)]
    assert totals == [found.count(200), found.count(429)]


@pytest.mark.parametrize(
    ("by_second", "seconds"),
    [
        ([[9, 0]] * 9, 0),
        ([[9, 0]] * 3 + [[0, 9]] * 2 + [[9, 0]] * 4, 2),
        ([[9, 0]] * 3 + [[9, 5]] * 2 + [[9, 0]] * 4, 2),
        ([[9, 0]] * 3 + [[5, 0]] * 7, 10),
    ],
)
def test_seconds_to_follow_a_change_of_quota(by_second: list[list[int]], seconds: int) -> None:
    """Once the quota is used and hardly exceeded; the whole run where that never happens."""
    measured = Run({}, {"by_second": by_second}, 0)
    assert seconds_to_follow(measured, 3, 9) == seconds


def test_a_section_of_the_results_is_replaced_alone() -> None:
    """What else is in RESULTS.md stays as it is."""
    results = (ROOT / "benchmarks/RESULTS.md").read_text()
    before, _, rest = results.partition(LIMITS_HEADING)
    after = rest.partition("\n## ")[2]
    section = f"{LIMITS_HEADING}\nNew.\n"
    assert into_results(results, section) == f"{before}{section}\n\n## {after}"
    without = f"{before}\n## {after}"
    assert into_results(without, section) == f"{before}{section}\n\n## {after}"


@pytest.mark.parametrize("candidate", [OURS, GUIDE_PARALLEL])
def test_candidates_lose_no_row(candidate: str) -> None:
    measured = run(candidate, Api(sizes=SIZES))
    assert measured.lost == 0
    assert measured.read > 0


@pytest.mark.parametrize(
    ("candidate", "counting"), [(OURS, {"HISTORIES": 1}), (NO_HISTORY, {"ARRIVED": 1})]
)
def test_a_steady_sync_takes_the_expected_jobs(candidate: str, counting: dict[str, int]) -> None:
    """A load and a MERGE a table, what dlt asks and notes, and one job that counts what arrived."""
    jobs = Counter(job.what.split()[0] for job in steady_sync(candidate, 0).jobs)
    dlt = {"SELECT": 3, "TRUNCATE": 1, "INSERT": 1}
    assert jobs == Counter({"LOAD": 4, "MERGE": 4, **counting, **dlt})
