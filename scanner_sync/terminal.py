"""What a person at a terminal sees: progress bars while a sync runs, and tables.

rich draws the bars. Without it, as in the function, the log reports progress.
"""

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, Self

from scanner_sync import log
from scanner_sync.errors import printable
from scanner_sync.progress import STEPS, Progress, every

try:
    import rich
except ImportError:
    rich = None  # type: ignore[assignment] # the extra `cli` is not installed

REFRESH_SECONDS = 0.1
LEAST_WIDTH = 10
"""Characters of a terminal for each column of a query, with the space between two."""


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

    def __exit__(self, *_: object) -> None:
        self._ticking.__exit__(None, None, None)
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
                total = done if progress.reading.stopped else progress.issues_due or issues
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


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[bool] | None = None
) -> None:
    """Print a table on standard output. Numbers go to the right, unless `right` says what does."""
    cells = [["" if cell is None else _text(cell) for cell in row] for row in rows]
    right = right or [
        all(isinstance(row[n], int | float | None) for row in rows) for n in range(len(columns))
    ]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in [list(columns), *cells]:
        aligned = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        )
        print("  ".join(aligned).rstrip())


def _text(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int | float) else str(cell)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print the rows of any query on standard output, so that they fit a terminal.

    The widest columns are cut, and where there are too many, each cell is on a line of its own.
    Nothing is cut without rich, or if the output is no terminal.
    """
    cells = [[printable("NULL" if cell is None else _plain(cell)) for cell in row] for row in rows]
    right = [any(_is_number(row[n]) for row in rows) for n in range(len(columns))]
    room = shutil.get_terminal_size().columns if rich and sys.stdout.isatty() else None
    if room is None:
        print_table(columns, cells, right)
    elif len(columns) * LEAST_WIDTH > room:
        longest = max(map(len, columns))
        for number, row in enumerate(cells, start=1):
            print(f"row {number}")
            for column, cell in zip(columns, row, strict=True):
                print(f"  {column:<{longest}}  {cell}")
    else:
        _print_fitting(columns, cells, right, room)


def _print_fitting(
    columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], room: int
) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    most = room
    while sum(min(width, most) for width in widths) + 2 * len(widths) > room:
        most -= 1
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column, width, is_right in zip(columns, widths, right, strict=True):
        table.add_column(
            Text(column),
            justify="right" if is_right else "left",
            width=min(width, most),
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in cells:
        table.add_row(*map(Text, row))
    Console(highlight=False, width=room).print(table)


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows on standard output as CSV, with nothing for a null, as BigQuery exports them."""
    line = io.StringIO()
    writer = csv.writer(line)  # it quotes the characters of its own end of a line
    for row in chain([columns], rows):
        writer.writerow([None if cell is None else _plain(cell) for cell in row])
        sys.stdout.write(f"{line.getvalue()[:-2]}\n")
        line.seek(0)
        line.truncate()


def _plain(cell: Any) -> str:
    """Return a value of BigQuery as text: arrays, structs and booleans as JSON."""
    if isinstance(cell, datetime):
        return str(cell).replace("+00:00", " UTC")
    if isinstance(cell, bool | list | dict):
        return json.dumps(cell, ensure_ascii=False, default=_plain)
    return str(cell)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float | Decimal) and not isinstance(cell, bool)


def ago(moment: datetime, now: datetime) -> str:
    """Return how long before `now` a moment was, in the largest unit that fits twice."""
    seconds = max(0, int((now - moment) / timedelta(seconds=1)))
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


@contextmanager
def spinning(text: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what goes on while inside, and that something does.

    Yields a function that replaces the text.
    """
    if not can_draw():
        yield lambda text: None
        return
    with log.console().status(text) as status:
        yield status.update


def can_draw() -> bool:
    """Tell whether there is a terminal to draw bars on, and rich to draw them."""
    return bool(rich) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
