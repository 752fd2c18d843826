"""Issues whose occurrences come in many pages: what is loaded of them, and what waits in memory."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from sample_api import Account, create_app, serve
from scanner_sync.deadline import Deadline
from scanner_sync.progress import Progress
from scanner_sync.source import scanner_source
from scanner_sync.source.api import Api
from scanner_sync.source.session import ApiSession
from scanner_sync.warehouse.jobs import Guard
from scanner_sync.warehouse.pipeline import Load
from tests.conftest import TOKEN
from tests.source.faults import Fault, Faults

pytestmark = pytest.mark.usefixtures("short_backoff")

SIZES = {1: 1, 2: 0, 3: 11, 4: 3, 5: 7, 6: 21}
"""Occurrences by issue. A page has three."""


def account_of(sizes: dict[int, int]) -> Account:
    return Account(
        issues=[{"id": issue} for issue in sizes],
        occurrences={
            issue: [{"id": n, "target": f"host-{issue}-{n}"} for n in range(size)]
            for issue, size in sizes.items()
        },
    )


def extracted(
    directory: Path,
    account: Account,
    fault: Fault = lambda _: None,
    *,
    page_size: int = 3,
) -> tuple[list[dict[str, Any]], Progress]:
    """Read an account as a sync does, up to the files that dlt loads.

    Return the lines of the file of occurrences, and what was read.
    """
    app = create_app(account, token=TOKEN, middleware=[Middleware(Faults, fault)])
    progress = Progress(("issues", "occurrences_issues"))
    pipeline = dlt.pipeline("test", pipelines_dir=str(directory), destination="dummy")
    with serve(app) as url:
        session = ApiSession(
            Api(f"{url}/", TOKEN, page_size=page_size),
            max_concurrent=5,
            deadline=Deadline(60),
            traffic=progress.traffic,
            reading=progress.reading,
            max_requests=1000,
            sleep=lambda seconds: None,
        )
        load = Load(pipeline, progress, Guard(), {}, compress=True)
        with session:
            load.extract(scanner_source(session, progress.resources, keep=load.keep))
    [load_id] = pipeline.list_extracted_load_packages()
    jobs = pipeline.get_load_package_info(load_id).jobs["new_jobs"]
    pipeline.deactivate()
    [file] = [job.file_path for job in jobs if job.job_file_info.table_name.startswith("occ")]
    with gzip.open(file) as lines:
        return [json.loads(line) for line in lines], progress


Step = Callable[[Account], Response | None]


def answer(*arguments: Any) -> Step:
    return lambda _: Response(*arguments)


def vanish(account: Account) -> None:
    account.issues = [row for row in account.issues if row["id"] != 3]
    del account.occurrences[3]


def delete_a_row(account: Account) -> None:
    del account.occurrences[3][0]


CASES: dict[str, tuple[list[Step], set[int]]] = {
    "nothing": ([], set()),
    "the quota is used up": ([answer(None, 429, {"Retry-After": "3600"})], {3}),
    "the issue vanishes": ([vanish], {3}),
    "the issue is gone": ([answer(None, 410)], {3}),
    "a gateway fails": ([answer(None, 503), answer(None, 502)], set()),
    "it always fails": ([answer(None, 500)] * 4, {3}),
    "only rows of earlier pages come": (
        [answer('{"count": 11, "next": "more", "results": [{"id": 4}, {"id": 3}]}')] * 6,
        {3},
    ),
    "half of it comes": ([answer('{"count": 11, "results": [{"id": 5')], set()),
    "no row comes": ([answer('{"count": 11, "results": []}')], set()),
    "a row is deleted, so that the page skips one": ([delete_a_row], set()),
}
"""What happens to the third page of issue 3, or to those after it; and which issues are not read
because of it."""


@pytest.mark.parametrize("case", CASES)
def test_the_rows_of_an_issue_are_loaded_if_all_came(tmp_path: Path, case: str) -> None:
    """Each once, whatever happens between its pages; otherwise none, and nothing is left of it."""
    account = account_of(SIZES)
    rows = {
        issue: {(issue, row["id"], row["target"]) for row in rows}
        for issue, rows in account.occurrences.items()
    }
    steps, unread = list(CASES[case][0]), CASES[case][1]

    def fault(request: Request) -> Response | None:
        is_it = "/3/" in request.url.path and int(request.query_params["offset"]) >= 4
        return steps.pop(0)(account) if is_it and steps else None

    lines, progress = extracted(tmp_path, account, fault)
    read = progress.reading.read
    assert steps == []
    assert not unread & read.keys()
    if progress.reading.stopped:
        assert (progress.reading.stopped, unread) == ("quota", {3})
    else:
        assert read.keys() == rows.keys() - unread
    loaded = [(line["issue_id"], line["id"], line["target"]) for line in lines]
    assert len(loaded) == len(set(loaded)) == progress.rows_read["occurrences_issues"]
    assert set(loaded) == set[Any]().union(*(rows[issue] for issue in read))
    assert read == {issue: len(rows[issue]) for issue in read}
    assert [path.name for path in tmp_path.glob("occ*")] == ["occurrences_issues.jsonl.gz"]


def test_each_page_is_written_before_the_next_is_requested(tmp_path: Path) -> None:
    """To a file of its issue, so that neither dlt nor this program holds it."""
    written: list[tuple[int, int]] = []

    def fault(request: Request) -> None:
        if "/6/" in request.url.path and (offset := int(request.query_params["offset"])):
            with gzip.open(tmp_path / "occurrences_issues.jsonl.gz.6") as pages:
                written.append((offset, len(pages.readlines())))

    extracted(tmp_path, account_of(SIZES), fault)
    # A page begins with the last row of the one before.
    assert written == [(offset, offset + 1) for offset in range(2, 20, 2)]


def test_memory_does_not_grow_with_the_pages_of_an_issue(tmp_path: Path) -> None:
    """Of 5 MB of rows, at most 0.5 MB more are held at the last page than at the second."""
    account = account_of({1: 1000})
    for row in account.occurrences[1]:
        row["extra_info"] = {"evidence": "x" * 5000}
    held: list[int] = []

    def fault(request: Request) -> None:
        if request.query_params["offset"] != "0":
            held.append(tracemalloc.get_traced_memory()[0])

    extracted(tmp_path / "first", account_of(SIZES))  # imports what it takes
    tracemalloc.start()
    try:
        lines, _ = extracted(tmp_path / "second", account, fault, page_size=100)
    finally:
        tracemalloc.stop()
    assert len(lines) == 1000
    assert len(held) == 10
    assert max(held) - held[0] < 500_000
