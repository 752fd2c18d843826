"""What a person at a terminal sees: bars while a run goes on, and tables.

Both are drawn by rich, which the function does without; where it is missing, tables are plain text
and the log says how far a run is.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from scanner_sync.progress import Progress, every

try:
    import rich
except ImportError:
    rich = None  # type: ignore[assignment] # the extra `cli` is not installed

REFRESH_SECONDS = 0.1


class Bars:
    """A bar for each table while inside, and one for the step that the run is at."""

    def __init__(self, progress: Progress) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Live

        self._progress = progress
        self._live = Live(
            # As wide as the longest step, so that the bars stand still.
            TextColumn("{task.description:<30}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        names = [*progress.resources, "step"]
        self._tasks = {name: self._live.add_task(name, total=None, said="") for name in names}
        self._ticking: AbstractContextManager[None] = nullcontext()

    def __enter__(self) -> Self:
        self._live.start()
        self._ticking = every(REFRESH_SECONDS, self._show)
        self._ticking.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ticking.__exit__(kind, error, trace)
        self.stop()

    def stop(self) -> None:
        """Give the terminal back; from any thread, and more than once."""
        self._live.stop()

    def _show(self) -> None:
        progress, so_far = self._progress, self._progress.so_far()
        issues = so_far["rows_expected"].get("issues")
        for name, rows in so_far["rows_read"].items():
            done, total = rows, so_far["rows_expected"].get(name)
            if name == "occurrences_issues":
                done, total = so_far["issues_read"], issues
                said = f"{rows:,} rows read, of {done:,}{_of(total)} issues"
            else:
                said = f"{rows:,}{_of(total)} rows read"
            if name in so_far["rows_loaded"]:
                said += f", {so_far['rows_loaded'][name]:,} loaded"
            self._live.update(self._tasks[name], completed=done, total=total, said=said)
        self._live.update(
            self._tasks["step"],
            description=so_far["step"],
            completed=progress.jobs["done"],
            total=progress.jobs["all"] or None,
            said=f"{so_far['requests']:,} requests, {so_far['seconds']:.0f} s",
        )


def _of(total: int | None) -> str:
    return "" if total is None else f" of {total:,}"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table on standard output, its numbers to the right."""
    cells = [["" if cell is None else _text(cell) for cell in row] for row in rows]
    right = [
        all(isinstance(row[n], int | float | None) for row in rows) for n in range(len(columns))
    ]
    if rich and sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(box=rich.box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name, is_number in zip(columns, right, strict=True):
            table.add_column(name, justify="right" if is_number else "left")
        for row in cells:
            table.add_row(*row)
        Console(highlight=False, markup=False).print(table)
        return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in [list(columns), *cells]:
        aligned = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, right, strict=True)
        )
        print("  ".join(aligned).rstrip())


def _text(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int | float) else str(cell)


def ago(moment: datetime, now: datetime) -> str:
    """How long before `now` it was, in the largest unit of which there are two."""
    seconds = max(0, int((now - moment) / timedelta(seconds=1)))
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def can_draw() -> bool:
    """Whether there is a terminal to draw bars on, and rich to draw them."""
    return bool(rich) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
