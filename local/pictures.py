"""The pictures of the README: `make pictures`.

Both show the invented account of `make demo`; the report is of the day on which it is drawn.
"""

import io
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import requests
from rich.console import Console

from local import demo
from local.processes import ROOT
from scanner_sync.report import write_report
from scanner_sync.warehouse import Warehouse

PICTURES: Final = ROOT / "docs/pictures"
WIDTH: Final = 88
"""Columns of the terminal."""


def main() -> None:
    """Draw both pictures."""
    chromium = find_chromium()
    PICTURES.mkdir(exist_ok=True)
    draw_demo(PICTURES / "demo.svg")
    draw_report(PICTURES / "report.png", chromium)


def find_chromium() -> str:
    """Return where Chromium is. Ends the program without it, before anything is started."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise SystemExit("The picture of the report needs Chromium. Install it and try again.")
    return found


def draw_report(out: Path, chromium: str) -> None:
    """Sync the account of `make demo` once, and take a picture of the top of the report on it."""
    with demo.cloud() as here, tempfile.TemporaryDirectory() as directory:
        requests.post(here.function, json={}, timeout=120).raise_for_status()
        page = Path(directory) / "report.html"
        write_report(Warehouse(here.client, demo.DATASET), page)
        screenshot(page, out, chromium)


def screenshot(page: Path, out: Path, chromium: str) -> None:
    """Take a picture of the top of a page, as a desktop shows it."""
    subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--window-size=1040,780", f"--screenshot={out}", page.as_uri()),
        ],
        stderr=subprocess.DEVNULL,
        check=True,
    )


def draw_demo(out: Path) -> None:
    """Record the second sync of `make demo`."""
    demo.console = Console(file=io.StringIO(), width=WIDTH, force_terminal=True, highlight=False)
    with demo.cloud() as here:
        demo.sync(here)
        changes = here.next_day()
        demo.sync(here)
        demo.console = console = Console(
            file=io.StringIO(), width=WIDTH, record=True, force_terminal=True, highlight=False
        )
        console.print("[bold]$[/bold] make demo\n[dim]...[/dim]")
        console.rule(demo.SECOND)
        demo.show_tables(here.query)
        demo.show_changes(here.query, changes)
    svg = console.export_svg(title="make demo", unique_id="demo")
    # A reader's browser would ask another host for the font.
    out.write_text(re.sub(r"(?s) *@font-face \{.*?\}\n", "", svg))


if __name__ == "__main__":
    main()
