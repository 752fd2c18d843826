"""The report: one HTML page that shows what is open and what was fixed, from the dataset alone.

Vega-Lite draws the charts when the page is written, so the page runs no script and loads nothing.
The extra `report` installs the packages for it, which the function does without.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from scanner_sync.errors import SettingsError, SyncError
from scanner_sync.report import charts
from scanner_sync.report.definitions import DEFINITIONS
from scanner_sync.report.figures import Account, Figures, read_accounts, read_figures, total_trend
from scanner_sync.warehouse import LATE_AFTER, Connection, accounts_of


def write_report(
    warehouse: Connection, out: Path, on_read: Callable[[int, int], None] = lambda read, all: None
) -> dict[str, SyncError]:
    """Write the report on a dataset, as of now by BigQuery's clock, to the file `out`.

    If the dataset combines several accounts, the page has a section for each. Returns why some of
    them could not be read, by account. `on_read` is called with how many of them were read so far,
    and how many there are.

    The file is written only when the page is complete. Raises `SettingsError` as `check_target`
    does, before any query is paid for, and the errors of `read_figures`.
    """
    check_target(out)
    now = warehouse.now()
    accounts: list[Account] = []
    if datasets := accounts_of(warehouse):
        count = len(datasets)
        on_read(0, count)
        accounts = read_accounts(warehouse, datasets, now, lambda read: on_read(read, count))
        page = render_accounts(warehouse.name, accounts, now)
    else:
        page = render(read_figures(warehouse, now))
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise _unwritable(out, error) from None
    return {account.name: account.error for account in accounts if account.error}


def check_target(out: Path) -> None:
    """Check that a report can be written to the file `out`, which stays as it is.

    Raises `SettingsError` if it cannot, or if the extra `report` is not installed.
    """
    try:
        import jinja2  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            f"The report needs {error.name}, which is not installed. Install the extra `report`:"
            " pip install '.[report]'"
        ) from None
    existed = os.path.lexists(out)
    try:
        out.open("ab").close()
        if not existed:
            out.unlink()
    except OSError as error:
        raise _unwritable(out, error) from None


def _unwritable(out: Path, error: OSError) -> SettingsError:
    return SettingsError(f"The report cannot be written to {out}: {error.strerror}.")


def render(figures: Figures) -> str:
    """Return the page that shows the figures. Raises ImportError without the extra `report`."""
    return _page([_part(figures)], figures.dataset, figures.trend.period.now)


def render_accounts(dataset: str, accounts: Sequence[Account], now: datetime) -> str:
    """Return the page of a dataset that combines accounts: a table of all, and then each.

    Raises ImportError without the extra `report`.
    """
    parts = [_part(account.figures, account.name) for account in accounts if account.figures]
    return _page(parts, dataset, now, accounts)


def _part(figures: Figures, account: str | None = None) -> str:
    """Return the part of the page that shows the figures, of an account if there are several."""
    return _fill(
        "figures.html",
        account=account,
        charts=charts.draw(figures),
        definitions=DEFINITIONS,
        total=figures.total,
        grade=figures.grade,
        **figures._asdict(),
        **figures.trend._asdict(),
    )


def _page(
    parts: Sequence[str], dataset: str, now: datetime, accounts: Sequence[Account] = ()
) -> str:
    trend = total_trend(accounts)
    return _fill(
        "page.html",
        parts=parts,
        trend=trend,
        charts=charts.draw_trend(trend) if trend else {},
        dataset=dataset,
        now=now,
        accounts=accounts,
        definitions=DEFINITIONS,
        late_after=LATE_AFTER,
    )


def _fill(name: str, **values: Any) -> str:
    """Return a template with its values."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": "{:,}".format,
        "of": "{:,} ({:,})".format,
        "share": _share,
        "days": charts.days,
        "day": "{:%Y-%m-%d}".format,
        "minute": "{:%Y-%m-%d %H:%M}".format,
        "span": _span,
    }
    template = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return environment.from_string(template).render(values)


def _share(share: float | None) -> str:
    """Write a share in percent, or a dash if there is none."""
    return "\N{EN DASH}" if share is None else f"{share:.0%}"


def _span(span: timedelta) -> str:
    """Write a length of time in the largest unit that fits."""
    minutes = span / timedelta(minutes=1)
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"
