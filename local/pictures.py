"""The pictures of the README: `make pictures`.

Both show invented accounts at fixed times, so they change only when the program does.
"""

import io
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import requests
from google.cloud import bigquery
from rich.console import Console

from local import demo
from local.bigquery import bigquery as local_bigquery
from local.processes import ROOT, function
from sample_api import Account, create_app, generate, serve
from scanner_sync.report import write_report
from scanner_sync.warehouse import Warehouse
from scanner_sync.warehouse.history import HISTORIES

PICTURES: Final = ROOT / "docs/pictures"
SYNCS: Final = 27
"""Syncs that the report looks back on: one a week, for half a year."""
BETWEEN: Final = timedelta(weeks=1)
WIDTH: Final = 88
"""Columns of the terminal."""
DAYS_OPEN: Final = {"critical": 14.0, "high": 35.0, "medium": 70.0, "low": 120.0}
"""Mean days until an issue of the account is fixed."""


def main() -> None:
    """Draw both pictures."""
    PICTURES.mkdir(exist_ok=True)
    draw_demo(PICTURES / "demo.svg")
    draw_report(PICTURES / "report.png")


def draw_report(out: Path, syncs: int = SYNCS) -> None:
    """Sync an account so many times, write the report on it, and take a picture of its top."""
    account = generate(seed=7, issues=220)
    shown = months_of(account, syncs)
    last_sync = account.now + timedelta(hours=6)  # on a Monday
    with local_bigquery() as url, serve(create_app(account, token=demo.TOKEN)) as api:
        client = demo.client_of(url)
        settings = demo.settings_of(api, url)
        with function(settings) as sync:
            for visible in shown:
                account.issues = visible
                requests.post(sync, json={}, timeout=120).raise_for_status()
        spread_out(client, last_sync)
        with tempfile.TemporaryDirectory() as directory:
            page = Path(directory) / "report.html"
            write_report(Warehouse(client, demo.DATASET), page, last_sync + timedelta(minutes=42))
            screenshot(page, out)


def months_of(account: Account, syncs: int) -> Iterator[list[dict[str, Any]]]:
    """Give the issues that the account shows to each sync: some are fixed, and some come back."""
    rng = random.Random(account.seed)  # noqa: S311 - it keeps no secret
    spans: list[tuple[dict[str, Any], int, int]] = []
    for issue in account.issues:
        start = max(0, rng.randint(-syncs // 2, syncs - 1))
        while start < syncs:
            days = rng.expovariate(1 / DAYS_OPEN[issue["severity"]])
            end = start + max(1, round(days / BETWEEN.days))
            spans.append((issue, start, end))
            start = end + 4 if rng.random() < 0.05 else syncs
    for sync in range(syncs):
        yield [issue for issue, start, end in spans if start <= sync < end]


def spread_out(client: bigquery.Client, last: datetime) -> None:
    """Move the instants of the histories to `BETWEEN` of each other, the last one to `last`."""
    histories = [f"{demo.DATASET}.{name}" for name in HISTORIES]
    moments = " UNION DISTINCT ".join(
        f"SELECT valid_from AS instant FROM {name} UNION DISTINCT SELECT valid_to FROM {name}"
        for name in histories
    )
    rows = client.query_and_wait(
        f"SELECT instant FROM ({moments}) WHERE instant IS NOT NULL ORDER BY instant DESC"
    )
    cases = " ".join(
        f"WHEN TIMESTAMP '{row['instant'].isoformat()}'"
        f" THEN TIMESTAMP '{(last - number * BETWEEN).isoformat()}'"
        for number, row in enumerate(rows)
    )
    for name in histories:
        moved = ", ".join(f"{c} = CASE {c} {cases} END" for c in ("valid_from", "valid_to"))
        client.query_and_wait(f"UPDATE {name} SET {moved} WHERE TRUE")
    client.query_and_wait(
        f"UPDATE {demo.DATASET}._dlt_loads SET inserted_at = TIMESTAMP '{last.isoformat()}'"
        " WHERE TRUE"
    )


def screenshot(page: Path, out: Path) -> None:
    """Take a picture of the top of a page, as a desktop shows it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("The picture of the report needs Chromium. Install it and try again.")
    subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--window-size=1200,1000", f"--screenshot={out}", page.as_uri()),
        ],
        stderr=subprocess.DEVNULL,
        check=True,
    )


def draw_demo(out: Path) -> None:
    """Record the second day of `make demo`."""
    demo.console = Console(file=io.StringIO(), width=WIDTH, force_terminal=True, highlight=False)
    with demo.cloud() as here:
        demo.sync(here)
        changes = here.next_day()
        demo.sync(here)
        demo.console = console = Console(
            file=io.StringIO(), width=WIDTH, record=True, force_terminal=True, highlight=False
        )
        console.print("[bold]$[/bold] make demo\n[dim]...[/dim]")
        console.rule(demo.DAY_2)
        demo.show_tables(here.query)
        demo.show_changes(here.query, changes)
    svg = console.export_svg(title="make demo", unique_id="demo")
    # A reader's browser would ask another host for the font.
    out.write_text(re.sub(r"(?s) *@font-face \{.*?\}\n", "", svg))


if __name__ == "__main__":
    main()
