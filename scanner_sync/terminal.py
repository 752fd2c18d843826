"""What a person at a terminal sees: progress bars while a sync runs, and tables.

rich draws the bars. Without it, as in the function, the log reports progress.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from scanner_sync import log
from scanner_sync.progress import STEPS, Progress, every

try:
    import rich
except ImportError:
    rich = None  # type: ignore[assignment] # the extra `cli` is not installed

REFRESH_SECONDS = 0.1


class Bars:
    """A bar for each table while inside, and one for the present step."""

    def __init__(self, progress: Progress) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Live

        self._progress = progress
        self._live = Live(
            # As wide as the longest step, so that the bars do not move.
            TextColumn(f"{{task.description:<{max(map(len, STEPS.values()))}}}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(),
            console=log.console(),
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
        """Restore the terminal. Any thread may call it, more than once."""
        self._live.stop()

    def _show(self) -> None:
        progress, snapshot = self._progress, self._progress.snapshot()
        issues = snapshot["rows_expected"].get("issues")
        for name, rows in snapshot["rows_read"].items():
            done, total = rows, snapshot["rows_expected"].get(name)
            if name == "occurrences_issues":
                done = snapshot["issues_read"]
                said = f"{rows:,} rows read, of {done:,}{_of(issues)} issues"
                # What is left to the next syncs does not keep the bar from filling.
                total = done if progress.traffic.stopped else progress.issues_due or issues
            else:
                said = f"{rows:,}{_of(total)} rows read"
            if name in snapshot["rows_loaded"]:
                said += f", {snapshot['rows_loaded'][name]:,} loaded"
            self._live.update(self._tasks[name], completed=done, total=total, said=said)
        self._live.update(
            self._tasks["step"],
            description=progress.activity,
            completed=progress.jobs["done"],
            total=progress.jobs["all"] or None,
            said=f"{snapshot['requests']:,} requests, {snapshot['seconds']:.0f} s",
        )


def _of(total: int | None) -> str:
    return "" if total is None else f" of {total:,}"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table on standard output, with numbers aligned to the right."""
    cells = [["" if cell is None else _text(cell) for cell in row] for row in rows]
    right = [
        all(isinstance(row[n], int | float | None) for row in rows) for n in range(len(columns))
    ]
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
    """Return how long before `now` a moment was, in the largest unit that fits twice."""
    seconds = max(0, int((now - moment) / timedelta(seconds=1)))
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def can_draw() -> bool:
    """Tell whether there is a terminal to draw bars on, and rich to draw them."""
    return bool(rich) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
