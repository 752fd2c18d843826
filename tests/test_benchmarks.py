"""The benchmark is fair: its API serves the rows it reports, and lost rows are noticed."""

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks import findings, many, quiet, quota
from benchmarks.account import account_of, most_in_a_window
from benchmarks.candidates import (
    ASKED,
    CDK,
    GUIDE_PARALLEL,
    LOOP,
    OURS,
    QUIET,
    SAME_TABLES,
    SCANNED,
    UNCHANGED,
    Api,
    Run,
    api,
    run,
    run_process,
    seen_by,
    settings_of_a_sync,
)
from benchmarks.footprint import SHAPES
from benchmarks.growth import Requests, requests_of
from benchmarks.jobs import CANDIDATES, Job, Sync, job_of, steady_sync
from benchmarks.reading import LIMITS, SCENARIOS, WORK, seconds_to_follow, work
from benchmarks.results import (
    ACCOUNTS_HEADING,
    FINDINGS_HEADING,
    LIMITS_HEADING,
    QUIET_HEADING,
    QUOTA_HEADING,
    SHAPES_HEADING,
    Measurements,
    document,
    findings_section,
    replace_section,
)
from benchmarks.server import FIRST_ISSUE, Sizes
from benchmarks.server import Api as ServerApi
from local import bigquery
from local.processes import ROOT
from scanner_sync.progress import STEPS

pytestmark = pytest.mark.benchmark

SIZES = Sizes(issues=30, occurrences=250, scans=201, targets=0)


def read(url: str, path: str) -> list[dict[str, object]]:
    """Read all rows of a listing, as many as `count` reports."""
    rows: list[dict[str, object]] = []
    while True:
        params = {"limit": 100, "offset": len(rows)}
        page = requests.get(f"{url}/{path}", params=params, timeout=10).json()
        rows += page["results"]
        if len(rows) == page["count"]:
            assert page["next"] is None
            return rows


def test_the_api_serves_and_counts_what_it_says() -> None:
    """Each row once, and a request for each page; repeated and redirected requests are counted."""
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
        (Api(rate=1, burst=2, status=503), [200, 200, 200, 503, 503, 503]),
    ],
)
def test_the_benchmark_server_refuses_by_rule(options: Api, statuses: list[int]) -> None:
    """By number, at random, or by a quota that changes. They are counted by second."""
    with api(options) as url, requests.Session() as session:
        found = [session.get(f"{url}/scans/", timeout=10).status_code for _ in range(6)]
        seen = seen_by(url)
    assert found == statuses
    totals = [sum(column) for column in zip(*seen["by_second"], strict=True)]
    assert totals == [found.count(200), 6 - found.count(200)]


def test_the_benchmark_server_serves_in_turn() -> None:
    """What its gateway gives up after a second is served, too, and the others wait for it."""
    server = ServerApi(Sizes(), latency=0.4, rate=0, retry_after="", in_turn=True)
    found = [server.respond(b"GET /v1/scans/ HTTP/1.1", now) for now in (10, 10, 10, 10, 12)]
    answers = [(answer.split(maxsplit=2)[1], round(moment, 6)) for answer, moment in found]
    assert answers == [
        (b"200", 10.4),
        (b"200", 10.8),
        (b"504", 11),
        (b"504", 11),
        (b"200", 12.4),
    ]


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
    """Until the quota is used and hardly exceeded; the complete run if that never happens."""
    measured = Run({}, {"by_second": by_second}, 0)
    assert seconds_to_follow(measured, 3, 9) == seconds


@pytest.mark.parametrize(
    "heading",
    [
        *(LIMITS_HEADING, SHAPES_HEADING, QUOTA_HEADING, QUIET_HEADING, ACCOUNTS_HEADING),
        FINDINGS_HEADING,
    ],
)
def test_a_section_of_the_results_is_replaced_alone(heading: str) -> None:
    """The rest of RESULTS.md does not change."""
    results = (ROOT / "benchmarks/RESULTS.md").read_text()
    before, _, rest = results.partition(heading)
    after = rest.partition("\n## ")[2]
    section = f"{heading}\nNew.\n"
    assert replace_section(results, section) == f"{before}{section}\n\n## {after}"


def test_a_section_that_is_new_comes_before_the_jobs() -> None:
    results = "# Results\n\n## BigQuery's jobs\n\nJobs.\n"
    expected = f"# Results\n{QUOTA_HEADING}\nNew.\n\n\n## BigQuery's jobs\n\nJobs.\n"
    assert replace_section(results, f"{QUOTA_HEADING}\nNew.\n") == expected


def beside_earlier(before: float, now: float) -> tuple[findings.Seconds, findings.Seconds]:
    """A repetition in which each thing took the earlier version, and this one, so many seconds."""
    first, second, *_ = findings.RENAMED.items()
    things = (*findings.SCRIPTS, findings.PAGE)
    return (
        dict.fromkeys((*things, first[0], second[0]), before),
        dict.fromkeys((*things, first[1], second[1], "A new question?"), now),
    )


def prose(document: str) -> list[str]:
    """Return the headings and sentences of RESULTS.md, without numbers, tables and drawings."""
    text = re.sub(r"(?s)```text.*?```", "", document)
    # Those that begin with a year are about the machine.
    lines = [line for line in text.splitlines() if line and not re.match(r"[|`]|\d{4}\b", line)]
    return [re.sub(r"\d[\d,.]*|(?<=writes this section[.]).*", "#", line) for line in lines]


def test_the_results_are_what_the_code_writes() -> None:
    """Apart from the numbers, RESULTS.md has the text that a complete run would write now."""
    api = {"requests": 9, "answered": 9, "refused": 0, "asked_twice": 0, "redirected": 0}
    api["late"] = 0
    run = Run({"read": 3.0, "rows": {}}, api | {"seconds": 9.0, "by_second": [[9, 0]] * 60}, 0)
    jobs = [Job("LOAD d_staging.t", 0.0, 1.0, 0), Job("MERGE d.t", 1.0, 9.0, 18)]
    refresh = {
        "issues_read": 9,
        "issues_skipped": 0,
        "issues_waiting": 0,
        "oldest_read_at": "2026-11-25T06:00:00Z",
    }
    sync = quota.Sync(None, 9, 0, refresh, 9.0, 99, datetime.now(UTC))
    none_wrong = dict.fromkeys(("issues", "occurrences_issues", "scans", "targets"), 0)
    measured = Measurements(
        under_quota=quota.Measured(
            [
                quota.Rolling(scale, 9, [sync], [], none_wrong, 9, 9)
                for scale in (quota.LARGE, quota.TRIAL)
            ],
            [quota.Other(CDK, quota.LARGE, "done", 9.0, {}, 9, 9)],
        ),
        runs={(s.name, candidate): [run] for s in SCENARIOS for candidate in s.candidates},
        limits={(s.name, candidate): [run] for s in LIMITS for candidate in s.candidates},
        ceiling={"3 rows a page": [1.0], "50 rows a page": [1.0]},
        when_quiet=quiet.Measured(
            9, 9, 9, 9, 9, [quiet.Day(every, [quiet.Sync(9, refresh)], [0]) for every in (1, 6)]
        ),
        accounts=many.Measured(9, 9, 9, 9.0, [9.0], dict.fromkeys(STEPS, 1.0), 0, 0, 9, 0),
        beside_earlier={64_000: [beside_earlier(9.0, 9.0)]},
        memory={10_000: [101.0], 100_000: [118.0], 1_000_000: [269.0]},
        memory_of_syncs={10_000: 112.0},
        shapes={shape: [99.0] for shape in SHAPES},
        imports={"main": [{"seconds": 0.2, "bytes": 2**25, "packages": ["main"]}]},
        cold=[{"answered": 0.3, "synced": 4.0, "server": 62.0}],
        syncs={candidate: [Sync(jobs, 1, 1, 9.0)] for candidate in CANDIDATES},
    )
    assert prose((ROOT / "benchmarks/RESULTS.md").read_text()) == prose(
        document(measured, 5, "2026")
    )


@pytest.mark.parametrize("candidate", [OURS, GUIDE_PARALLEL, LOOP])
def test_candidates_lose_no_row(candidate: str) -> None:
    measured = run(candidate, Api(sizes=SIZES))
    assert measured.lost == 0
    assert measured.read > 0
    assert measured.figures["processor"] > 0


def test_the_work_for_a_request_and_a_row_follows_from_three_runs() -> None:
    """Whatever a process takes in any case."""
    counts = ((23, 82), (2023, 8002), (1013, 51_002))
    runs = {
        (scenario.name, OURS): [
            Run(
                {"processor": 0.5 + 1e-3 * requests + 2e-5 * rows, "rows": {"issues": rows}},
                {"requests": requests},
                0,
            )
        ]
        for scenario, (requests, rows) in zip(WORK, counts, strict=True)
    }
    assert work(runs, OURS) == pytest.approx((1e-3, 2e-5))


@pytest.mark.parametrize(
    ("candidate", "tables", "last", "listings"),
    [
        (UNCHANGED, 0, "INSERT", 7),
        (SCANNED, 5, "HISTORIES", 7),
        (OURS, 8, "HISTORIES", 7),
        (SAME_TABLES, 4, "HISTORIES", 3),
    ],
)
def test_a_steady_sync_takes_the_expected_jobs(
    candidate: str, tables: int, last: str, listings: int
) -> None:
    """A load for each table that changed, a merge for two of them, and the job of the histories.

    If nothing has changed, the one job writes that down, unless a day has just ended.
    Each listing takes one request, and so do the occurrences of each issue.
    """
    sizes = Sizes(issues=50, occurrences=150, scans=50, targets=50)
    began = datetime.now(UTC).date()
    sync = steady_sync(candidate, sizes, is_slow=False)
    jobs = Counter(job.what.split()[0] for job in sync.jobs)
    if began == datetime.now(UTC).date():
        assert jobs == +Counter({"LOAD": tables, "MERGE": -(-tables // 2), last: 1})
    assert sync.requests == listings + sizes.issues


@pytest.mark.parametrize(("candidate", "queries"), [(QUIET, 0), (ASKED, 1)])
def test_a_sync_of_a_quiet_account_asks_for_signals_alone(candidate: str, queries: int) -> None:
    """A query says which issues they name, if that is not known, and nothing of these is read."""
    began = datetime.now(UTC).date()
    sync = steady_sync(
        candidate, Sizes(issues=50, occurrences=150, scans=50, targets=50), is_slow=False
    )
    if began == datetime.now(UTC).date():
        jobs = Counter(job.what.split()[0] for job in sync.jobs)
        assert jobs == +Counter({"SELECT": queries, "INSERT": 1})
    assert sync.requests < 50


def test_tables_are_counted_in_each_statement_of_a_script() -> None:
    """BigQuery bills each by itself, and a table once in a statement, however often it stands."""
    a, b = "`p.d.a`", "`p.d.b`"
    script = f"DECLARE n INT64 DEFAULT (SELECT COUNT(*) FROM {a});\nDECLARE m INT64;\n"
    script += f"SET (n, m) = (SELECT AS STRUCT 1, COUNT(*) FROM {b});\nBEGIN TRANSACTION;\n"
    script += f"MERGE {b} USING {a} ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE;\n"
    script += f"COMMIT TRANSACTION;\nSELECT * FROM {a} JOIN {a} AS again USING (id)"
    assert [job_of(sql)[1] for sql in (script, f"SELECT * FROM {a}, {b}, {a}")] == [5, 2]


@pytest.mark.parametrize(
    ("times", "most"), [([], 0), ([0, 9, 10, 19.5, 19.9, 20], 3), ([0, 10, 20, 30], 1)]
)
def test_most_requests_in_a_window(times: list[float], most: int) -> None:
    """A request leaves the window after exactly its length, as it leaves the quota."""
    assert most_in_a_window(times, 10) == most


def test_the_account_counts_what_its_quota_accepts() -> None:
    """Neither requests that the quota refuses nor those for the counts are among the accepted."""
    with quota.api(quota.Scale("small", issues=3, faster=1, per_hour=4)) as url:
        headers = {"Authorization": "Bearer t"}
        answers = [
            requests.get(f"{url}/scans/", headers=headers, timeout=10).status_code for _ in range(9)
        ]
        counts = quota.counts(url)
    assert answers == [200] * 4 + [429] * 5
    assert counts == {"accepted": 4, "refused": 5, "most_in_a_window": 4}


def test_rows_are_compared_in_all_columns() -> None:
    """Each row that is missing, added, changed or there twice counts."""
    rows: list[dict[str, Any]] = [{"id": 1, "a": "x"}, {"id": 2, "a": None}, {"id": 3, "a": "y"}]
    assert quota.differing(rows, rows[::-1]) == 0
    assert quota.differing(rows, [{"id": 1, "a": "z"}, *rows[1:]]) == 1
    assert quota.differing(rows, rows[1:]) == quota.differing(rows[1:], rows) == 1
    assert quota.differing([*rows, rows[0]], rows) == 1


def test_a_rolling_round_is_measured() -> None:
    """Until all was read, and then a day: each sync as the API counted it, and no row differs."""
    scale = quota.Scale("small", issues=12, faster=1, hourly=False, days=1)
    measured = quota.rolling(scale, lambda text: None)
    account = account_of(12)
    assert measured.differing == dict.fromkeys(
        ("issues", "occurrences_issues", "scans", "targets"), 0
    )
    assert measured.rows == measured.occurrences + sum(
        map(len, (account.issues, account.scans, account.targets))
    )
    [only], [day] = measured.round, measured.days
    for sync, signals in (only, 2), (day, 5):
        # One of the issues has 130 occurrences, so two pages. The first sync asks which targets
        # were scanned in the last 14 days: none. On the second day, it is asked what was snoozed,
        # fixed, found and scanned since, and whether the API knows the last parameter.
        assert sync.requests == requests_of(Sizes(12, 36, 1200, 150)).whole + 1 + signals
        assert (sync.error, sync.refused, sync.refresh["issues_read"]) == (None, 0, 12)
        assert sync.oldest_seconds is not None
    assert measured.most == only.requests + day.requests


def test_many_accounts_are_measured() -> None:
    """Each is synced once, whole, and no row differs."""
    measured = many.measure(lambda text: None, 2)
    assert (measured.accounts, measured.issues, len(measured.syncs)) == (2, 3, 2)
    assert (measured.differing, measured.mixed) == (0, 0)
    # Beside the issues and their occurrences, 2 + 3 targets and 0 + 1 scans.
    assert measured.rows == 3 + measured.occurrences + 6
    assert measured.steps.keys() == STEPS.keys() - {"reading_feeds"}  # there is no `INTELLIGENCE`
    assert 0 < measured.busy <= 1


def test_both_versions_are_measured() -> None:
    """Each of the scripts, the page, and each question that both have."""
    try:
        measured = findings.measure(lambda text: None, sizes=(320,), repetitions=1)
    except SystemExit as error:
        pytest.skip(str(error))
    [(before, now)] = measured[320]
    asked = findings.questions(ROOT)
    assert list(now) == [*findings.SCRIPTS, findings.PAGE, *asked]
    found = findings.side_by_side(measured[320])
    assert len(found) == len(before) == len(findings.SCRIPTS) + 1 + 13
    assert all(seconds >= 0 for both in found.values() for of in both for seconds in of)
    assert before[findings.PAGE] > 0


def test_what_has_no_history_has_no_earlier_version(tmp_path: Path) -> None:
    """A shallow clone has this version alone."""
    repository = tmp_path / "shallow"
    clone = ["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(repository)]
    if subprocess.run(clone, check=False).returncode:
        repository.mkdir()  # this is an archive, which has no history either
    with pytest.raises(SystemExit, match="git fetch --unshallow"), findings.earlier(repository):
        pass


def test_both_versions_are_asked_for_as_many_rows(tmp_path: Path) -> None:
    """Where this version limits the rows, the query of the earlier one is limited, too."""
    (tmp_path / "docs").mkdir()
    text = "## {}\n\nWords.\n\n```sql\nSELECT 1\nFROM scanner.findings\n```\n"
    overdue, last = "What is overdue, and since when?", "When was the last load?"
    (tmp_path / "docs/queries.md").write_text(text.format(overdue) + text.format(last))
    assert findings.questions(tmp_path) == {
        overdue: "SELECT 1\nFROM {d}.findings\nLIMIT 100",
        last: "SELECT 1\nFROM {d}.findings",
    }


@pytest.mark.parametrize(
    ("now", "scripts", "reads"),
    [
        (1.0, "1/20 | reached", "1/20 | reached"),
        (30.0, "1.5 x | reached", "1.5 x | **not reached**"),
        (31.0, "1.6 x | **not reached**", "1.6 x | **not reached**"),
    ],
)
def test_versions_are_held_to_the_targets(now: float, scripts: str, reads: str) -> None:
    """A script may take half as much longer, and the page and the questions a twentieth."""
    lines = findings_section({9: [beside_earlier(20.0, now)] * 3}, "").splitlines()
    figures = [line.rpartition("; ")[2].removesuffix(" |") for line in lines if "at most" in line]
    assert figures == [scripts] * 2 + [reads] * 3


def test_the_arithmetic_of_requests_is_the_programs() -> None:
    """A round of two syncs with 24 requests each, and then a sync that may send more.

    What was fixed before is read already.
    """
    sizes, found = Sizes(issues=30, occurrences=90, scans=101, targets=0), []
    expected = requests_of(sizes, most=24, hint=1)
    assert expected == Requests(listings=8, whole=38, syncs=2, round=48, steady=24)
    with api(Api(sizes=sizes)) as url, bigquery.bigquery() as host:
        settings = settings_of_a_sync(url, host)
        command = [sys.executable, "-m", "scanner_sync", "sync", "--json"]
        run_process([*command, "--resources", "fixed_occurrences"], settings)
        seen_by(url)
        for most in (24, 24, 4500):
            settings["MAX_REQUESTS_PER_SYNC"] = str(most)
            answer = json.loads(run_process(command, settings)[0])
            all_read = answer["refresh"]["oldest_read_at"] is not None
            found.append((seen_by(url)["requests"], all_read))
    assert found == [(24, False), (24, True), (expected.whole, True)]
