"""The report: one HTML page that shows what is open and what was fixed, from the dataset alone.

Vega-Lite draws the charts when the page is written, so the page runs no script and loads nothing.
The extra `report` installs the packages for it, which the function does without.
"""

from datetime import datetime, timedelta
from pathlib import Path

from scanner_sync.errors import SettingsError
from scanner_sync.report import charts
from scanner_sync.report.definitions import DEFINITIONS
from scanner_sync.report.figures import Figures, read_figures
from scanner_sync.warehouse.connection import Connection


def write_report(warehouse: Connection, out: Path, now: datetime) -> None:
    """Write the report on a dataset, as of `now` (aware), to the file `out`.

    The file is written only when the page is complete. Raises `SettingsError` if the extra `report`
    is not installed or `out` cannot be written, and the errors of `read_figures`.
    """
    try:
        import jinja2  # noqa: F401 - fail before any query is paid for
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            f"The report needs {error.name}, which is not installed. Install the extra `report`:"
            " pip install '.[report]'"
        ) from None
    page = render(read_figures(warehouse, now))
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"The report cannot be written to {out}: {error.strerror}.") from None


def render(figures: Figures) -> str:
    """Return the page that shows the figures. Raises ImportError without the extra `report`."""
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
        "share": _share,
        "days": charts.days,
        "day": "{:%Y-%m-%d}".format,
        "minute": "{:%Y-%m-%d %H:%M}".format,
        "span": _span,
    }
    template = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        charts=charts.draw(figures),
        definitions=DEFINITIONS,
        total=figures.total,
        **figures._asdict(),
    )


def _share(share: float | None) -> str:
    """Write a share in percent, or a dash if there is none."""
    return "\N{EN DASH}" if share is None else f"{share:.0%}"


def _span(span: timedelta) -> str:
    """Write a length of time in the largest unit that fits."""
    minutes = span / timedelta(minutes=1)
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"
