"""Which targets were scanned lately: from the API to the page."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync.report import write_report
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import TOKEN, Dataset, asked
from tests.report.conftest import ReadPage
from tests.support.commands import run

DASH = "\N{EN DASH}"


def an_account() -> Account:
    """Two targets with findings, and three without, of which one was never scanned."""
    scanned = {1: 2, 2: 20}
    now = datetime.now(UTC)
    return Account(
        first_day=now.date(),
        issues=[{"id": n, "severity": "high"} for n in scanned],
        occurrences={
            n: [
                {
                    "id": 1,
                    "target": f"host-{n}",
                    "target_last_scanned_at": f"{now - timedelta(days=ago):%Y-%m-%dT%H:%MZ}",
                }
            ]
            for n, ago in scanned.items()
        },
        targets=[
            {"id": n, "address": f"host-{n}", "target_status": status}
            for n, status in enumerate(["live", "live", "live", "unresponsive", "unscanned"], 1)
        ],
    )


def synced(*tables: str) -> None:
    done = run(
        "sync", "--resources", ",".join(tables or ("issues", "occurrences_issues", "targets"))
    )
    assert done.status == 0, done.err


def coverage(dataset: Dataset, out: Path) -> tuple[str, list[list[str]]]:
    """Return what the page says of it, and the rows of its table."""
    write_report(dataset.warehouse, out)
    page = ReadPage(out)
    _, said = page.text.split(" Coverage ", 1)
    return said, page.tables["coverage-table"][1:]


def listings(dataset: Dataset) -> list[tuple[Any, Any]]:
    """Return what the syncs noted, in their order."""
    rows = dataset.query("SELECT scanned_since, scanned_targets FROM {d}.syncs ORDER BY synced_at")
    return [(row["scanned_since"], sorted(row["scanned_targets"])) for row in rows]


def change_day(dataset: Dataset, day: int) -> None:
    """Change the day on which the API was last asked."""
    lease = dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}")
    lease.labels |= {"scans_asked": f"{day}"}
    dataset.client.update_table(lease, ["labels"])


@pytest.mark.parametrize("effect", ["known", "ignored", "rejected"])
def test_coverage_is_from_the_api_or_from_dates(
    effect: Any, dataset: Dataset, today: date, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The API is asked once a day. What it does not say, the dates of occurrences say."""
    account, out = an_account(), tmp_path / "report.html"
    api = create_app(account, token=TOKEN, last_scanned_after=effect)
    with serve_api(api) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        monkeypatch.setenv("ACCESS_TOKEN", TOKEN)

        def asked_for_targets(*tables: str) -> int:
            api.state.requests.clear()
            synced(*tables)
            return asked(api).get("targets/", 0)

        since = today - timedelta(days=14)
        listed = (since, [1, 3]) if effect == "known" else (None, [])
        assert asked_for_targets("issues") == 0
        assert asked_for_targets() == (3 if effect == "known" else 2)
        assert asked_for_targets() == 1
        assert listings(dataset) == [(None, []), listed, (None, [])]
        second = ["host-2", "live", f"{today - timedelta(days=20)}", "20"]
        fifth = ["host-5", "unscanned", "never", DASH]
        said, rows = coverage(dataset, out)
        if effect != "known":
            assert said.startswith(
                "1 of 5 targets were scanned in the last 14 days, and 2 were not; of 2 it is not"
                " known. Source: the dates of the occurrences, because the scanner gave no list."
            )
            assert rows == [fifth, second]
            return
        assert said.startswith(
            "2 of 5 targets were scanned in the last 14 days, and 3 were not. Source: the scanner's"
            f" list of the targets that were scanned, asked for on {today} ."
        )
        assert rows == [["host-4", "unresponsive", DASH, DASH], fifth, second]

        # What is newer than the list is not known, and what was scanned since then is.
        account.targets.append({"id": 6, "address": "host-6", "target_status": "live"})
        account.occurrences[2][0]["target_last_scanned_at"] = f"{today}T00:00Z"
        assert asked_for_targets() == 1
        said, rows = coverage(dataset, out)
        assert said.startswith(
            "3 of 6 targets were scanned in the last 14 days, and 2 were not; of 1 it is not known."
        )
        assert rows == [["host-4", "unresponsive", DASH, DASH], fifth]

        # The next day it is asked again.
        change_day(dataset, (today - timedelta(days=1) - date(1970, 1, 1)).days)
        assert asked_for_targets() == 3
        assert listings(dataset)[-1] == (since, [1, 2, 3, 6])
