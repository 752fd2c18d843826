"""The charts of the report: Vega-Lite specifications, drawn to SVG that needs no script.

Each chart is drawn twice, for a desktop and for a phone, because text in a scaled-down chart is too
small to read. Colors are the page's CSS variables, so one drawing serves light and dark. No color
says anything that position or words do not.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from scanner_sync.report.figures import WEEK, Figures, Trend

Spec = dict[str, Any]
"""A Vega-Lite specification, or a part of one."""
Shown = TypeVar("Shown", Figures, Trend)

_INK, _MUTED, _LINE = "var(--ink)", "var(--muted)", "var(--line)"
_ACCENT, _CRITICAL, _FIXED = "var(--accent)", "var(--critical)", "var(--fixed)"

_CONFIG: Final[Spec] = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _MUTED,
        "labelFontSize": 11,
        "labelPadding": 6,
        "title": None,
        "domain": False,
        "ticks": False,
        "gridColor": _LINE,
    },
    "text": {"fill": _INK, "fontSize": 12, "align": "left"},
}

_NOT_DRAWN: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that SVG, which is XML, cannot have."""
_LONGEST: Final = 200
"""Characters of a text that are drawn at most: more than there is room for."""

_COUNTS: Final[Spec] = {
    "tickMinStep": 1,
    "labelExpr": "format(abs(datum.value), abs(datum.value) < 10000 ? ',d' : '~s')",
    # Labels take the same room in every chart, so that the charts line up.
    "minExtent": 36,
    "maxExtent": 36,
}
"""An axis that counts."""


def draw(figures: Figures) -> dict[str, dict[str, str]]:
    """Draw all charts of an account as SVG, each `wide` and `narrow`.

    Raises ImportError without the extra `report`.
    """
    return draw_trend(figures.trend) | {
        name: _draw(chart, figures)
        for name, chart in (("days", days_to_fix), ("targets", worst_targets))
    }


def draw_trend(trend: Trend) -> dict[str, dict[str, str]]:
    """Draw the charts of weeks in the same way."""
    return {
        name: _draw(chart, trend)
        for name, chart in (("open", open_by_severity), ("flow", opened_and_closed))
    }


def _draw(chart: Callable[[Shown, bool], Spec], shown: Shown) -> dict[str, str]:
    import vl_convert

    def svg(spec: Spec) -> str:
        spec = {"padding": 0, "config": _CONFIG, **spec}
        drawn: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
        return drawn

    return {"wide": svg(chart(shown, False)), "narrow": svg(chart(shown, True))}


def open_by_severity(trend: Trend, narrow: bool) -> Spec:
    """Show a panel for each severity, each with its own scale, under the current number."""
    size = (112, 84) if narrow else (164, 110)
    return {
        "columns": 2 if narrow else 4,
        "spacing": {"row": 26, "column": 14},
        "concat": [_panel(trend, severity, size) for severity in trend.severities],
    }


def _panel(trend: Trend, severity: str, size: tuple[int, int]) -> Spec:
    weeks = trend.weeks
    values = [
        {"at": _ms(week.until), "open": week.open[severity]} for week in weeks if week.is_known
    ]
    first, last = _ms(weeks[0].until), _ms(trend.period.now)
    dates = {"values": [first, last], "format": "%b %-d", "labelFlush": True, "grid": False}
    x = _field("at", "temporal", scale={"type": "utc", "domain": [first, last]}, axis=dates)
    scale = {"domain": [0, max([4, *(value["open"] for value in values)])], "nice": 3}
    y = _field("open", "quantitative", scale=scale, axis={"tickCount": 3, **_COUNTS})
    color = _CRITICAL if severity == "critical" else _ACCENT
    name = _text(severity[:1].upper() + severity[1:])
    width = size[0]
    share = (_ms(trend.period.first) - first) / max(1, last - first)
    return _layered(
        values,
        size,
        {"x": x, "y": y},
        *_shade(share, size),
        _layer("area", fill=color, fillOpacity=0.14, line={"stroke": color}),
        _layer("point", where=f"datum.at === {last}", filled=True, fill=color, size=45, opacity=1),
        _words(name, x=0, y=-14, fontWeight=600, fontSize=13, limit=width - 50),
        _words(
            f"{values[-1]['open']:,}" if values else "0",
            x=width,
            y=-14,
            fontWeight=700,
            align="right",
        ),
    )


def opened_and_closed(trend: Trend, narrow: bool) -> Spec:
    """Show the findings of each week: bars up for opened ones, bars down for closed ones."""
    size, step = ((274, 190), 6) if narrow else ((820, 220), 2)
    values: list[Spec] = [
        {
            "week": _iso(week.monday),
            "so_far": week.so_far,
            "kind": kind,
            "signed": sign * number,
            "words": f"{number:,}" if number < 10_000 else f"{number / 1000:.0f}k",
        }
        for week in trend.weeks[1:]
        if week.is_known
        for kind, sign, number in (("opened", 1, week.opened), ("closed", -1, week.closed))
    ]
    weeks = [_iso(week) for week in trend.period.weeks]
    dates = {
        "values": weeks[::-step],
        "labelExpr": "utcFormat(toDate(datum.value), '%b %-d')",
        "labelAngle": 0,
        "offset": 24,
    }
    across = {"domain": weeks, "paddingOuter": 0.1}
    x = _field("week", "ordinal", sort=None, scale=across, axis=dates)
    numbers = [value["signed"] for value in values]
    upright = {"domain": [min([-2, *numbers]), max([2, *numbers])], "nice": 4}
    y = _field(
        "signed", "quantitative", stack=None, scale=upright, axis={"tickCount": 5, **_COUNTS}
    )
    color = _if("datum.kind === 'opened'", _ACCENT, _FIXED)
    before = sum(monday + WEEK <= trend.period.first for monday in trend.period.weeks)
    return _layered(
        values,
        size,
        {"x": x, "y": y},
        *_shade(before / len(weeks), size),
        _layer(
            "bar",
            {
                "fill": color,
                "stroke": color,
                "fillOpacity": _if("datum.so_far", 0.3, 1),
                "strokeDash": _if("datum.so_far", [3, 2], [1, 0]),
            },
            where="datum.signed !== 0",
            cornerRadiusEnd=2,
            width={"band": 0.72},
        ),
        *([] if narrow else [_numbers("datum.signed > 0", -8), _numbers("datum.signed < 0", 9)]),
        _layer("rule", {"x": None, "y": {"datum": 0}}, stroke=_MUTED),
        _words("▲ opened", x=2, y=-20, fontWeight=600, fill=_ACCENT),
        _words("▼ closed", x=2, y=size[1] + 12, fontWeight=600, fill=_FIXED),
    )


def _shade(share: float, size: tuple[int, int]) -> list[Spec]:
    """Shade a share of a chart from its left, which is the time before the first sync."""
    if share <= 0:
        return []
    width, height = size
    anywhere = {"x": None, "y": None}
    place: Spec = {"x": 0, "x2": min(share, 1) * width, "y": 0, "y2": height}
    layer = _layer("rect", anywhere, **place, fill=_MUTED, fillOpacity=0.1, aria=False)
    return [{"data": {"values": [{}]}, **layer}]


def _numbers(where: str, dy: int) -> Spec:
    """Write the number of each bar `dy` pixels below its end."""
    words = {"text": {"field": "words"}}
    return _layer("text", words, where=where, dy=dy, align="center", fontSize=10.5, fill=_MUTED)


def days_to_fix(figures: Figures, narrow: bool) -> Spec:
    """Show each severity's middle half as a bar, and its median as a tick and in words."""
    width, ticks = (170, 4) if narrow else (690, 8)
    rows = [row._replace(severity=_text(row.severity)) for row in figures.fixes.by_severity]
    values = [
        {**row._asdict(), "words": f"{days(row.median)} days" if row.fixed else "no fix"}
        for row in rows
    ]
    most = max([1.0, *(row.three_quarters or 0 for row in rows)])
    x = {
        "type": "quantitative",
        "scale": {"domain": [0, most], "nice": True},
        "axis": {"tickCount": ticks, "format": ",~f"},
    }
    names = {
        "labelExpr": "upper(slice(datum.label, 0, 1)) + slice(datum.label, 1)",
        "labelFontSize": 12,
        "labelColor": _INK,
        "labelLimit": 64,
        "minExtent": 70,
        "maxExtent": 70,
    }
    half = {"x": {**x, "field": "quarter"}, "x2": {"field": "three_quarters"}}
    look: Spec = {"fill": _ACCENT, "fillOpacity": 0.25, "stroke": _ACCENT}
    median = {"x": {**x, "field": "median"}}
    order = {"domain": [row.severity for row in rows]}
    is_fixed = "datum.fixed > 0"
    return _layered(
        values,
        (width, {"step": 34}),
        {"y": _field("severity", "ordinal", sort=None, scale=order, axis=names)},
        _layer("bar", half, where=is_fixed, height=12, cornerRadius=6, **look),
        _layer("tick", median, where=is_fixed, thickness=4, size=20, fill=_INK, opacity=1),
        _layer("text", {"text": {"field": "words"}}, x=width + 12, fontWeight=600),
    )


def worst_targets(figures: Figures, narrow: bool) -> Spec:
    """Show a bar for each target under its address, critical findings first, with both in words."""
    room = 330 if narrow else 870
    values: list[Spec] = [
        {
            "rank": rank,
            "target": _text(target.target),
            "to_do": target.to_do,
            "critical": target.critical,
            "words": f"{target.to_do:,}"
            + (f", {target.critical:,} critical" if target.critical else "")
            + (f", {target.exploited:,} exploited" if target.exploited else ""),
        }
        for rank, target in enumerate(figures.targets)
    ]
    # The words beside the longest bar fit, too: at this size, few letters are wider than 6 pixels.
    width = room - 6 * max((len(value["words"]) for value in values), default=0) - 6
    scale = {"domain": [0, max([1, *(target.to_do for target in figures.targets)])]}
    end = _field("to_do", "quantitative", scale=scale, axis=None)
    words = {"x": end, "text": {"field": "words"}}
    return _layered(
        values,
        (width, {"step": 40}),
        {"y": _field("rank", "ordinal", axis=None)},
        _layer("text", {"text": {"field": "target"}}, x=0, yOffset=-7, limit=room),
        _bar(end, fill=_ACCENT, fillOpacity=0.7, cornerRadiusEnd=2),
        _bar({**end, "field": "critical"}, fill=_CRITICAL),
        _layer("text", words, dx=6, yOffset=9, fill=_MUTED, fontSize=11),
    )


def _bar(x: Spec, **mark: Any) -> Spec:
    return _layer("bar", {"x": x}, height=10, yOffset=9, **mark)


def days(number: float | None) -> str:
    """Write a number of days, with a decimal if it is small; a dash if there is none."""
    if number is None:
        return "\N{EN DASH}"
    return f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def _layered(
    values: Sequence[Spec], size: tuple[int, int | Spec], encoding: Spec, *layers: Spec
) -> Spec:
    """Put layers on top of each other; `size` is the width and the height, in pixels."""
    width, height = size
    return {
        "width": width,
        "height": height,
        "data": {"values": values},
        "encoding": encoding,
        "layer": layers,
    }


def _layer(kind: str, encoding: Spec | None = None, where: str = "true", **mark: Any) -> Spec:
    """Draw a mark for each value `where` an expression holds."""
    return {
        "transform": [{"filter": where}],
        "mark": {"type": kind, **mark},
        "encoding": encoding or {},
    }


def _words(text: str, **mark: Any) -> Spec:
    """Write words at a fixed place, `x` and `y` in pixels."""
    anywhere = {"x": None, "y": None}
    layer = _layer("text", anywhere, text=text, baseline="middle", **mark)
    return {"data": {"values": [{}]}, **layer}


def _text(text: str) -> str:
    """Return a text of the scanner as it can be drawn."""
    return _NOT_DRAWN.sub("\N{REPLACEMENT CHARACTER}", text[:_LONGEST])


def _field(name: str, kind: str, **channel: Any) -> Spec:
    return {"field": name, "type": kind, **channel}


def _if(test: str, then: Any, otherwise: Any) -> Spec:
    return {"condition": {"test": test, "value": then}, "value": otherwise}


def _iso(day: datetime) -> str:
    return f"{day:%Y-%m-%d}"


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
