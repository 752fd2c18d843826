"""The report's charts: Vega-Lite specifications, drawn to SVG that needs no script.

Each is drawn twice, for a desk and for a phone, because text that shrinks with its chart cannot be
read. Colours are the page's CSS variables, so one drawing serves light and dark; none of them says
what position or words do not say too.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

Spec = dict[str, Any]
Figures = dict[str, Any]

_INK, _MUTED, _LINE = "var(--ink)", "var(--muted)", "var(--line)"
_ACCENT, _CRITICAL, _FIXED = "var(--accent)", "var(--critical)", "var(--fixed)"

_CONFIG: Final = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        **{"labelColor": _MUTED, "labelFontSize": 11, "labelPadding": 6, "title": None},
        **{"domain": False, "ticks": False, "gridColor": _LINE},
    },
    "text": {"fill": _INK, "fontSize": 12, "align": "left"},
}

# Every chart leaves the same room for the labels of such an axis.
_COUNTS: Final = {
    **{"tickMinStep": 1, "minExtent": 36, "maxExtent": 36},
    "labelExpr": "format(abs(datum.value), abs(datum.value) < 10000 ? ',d' : '~s')",
}


def draw(make: Callable[[Figures, bool], Spec], figures: Figures) -> dict[str, str]:
    """A chart as SVG, `wide` and `narrow`. Raises ImportError without the extra `report`."""
    import vl_convert

    return {
        name: vl_convert.vegalite_to_svg(
            {"padding": 0, "config": _CONFIG, **make(figures, narrow)}, allowed_base_urls=[]
        )
        for name, narrow in (("wide", False), ("narrow", True))
    }


def open_by_severity(figures: Figures, narrow: bool) -> Spec:
    """A panel for each severity, each on a scale of its own, under the present number."""
    columns, width, height = (2, 112, 84) if narrow else (4, 164, 110)
    return {
        "columns": columns,
        "spacing": {"row": 26, "column": 14},
        "concat": [
            _panel(figures["series"], severity, (figures["begin"], figures["now"]), width, height)
            for severity in figures["severities"]
        ],
    }


def _panel(
    series: list[Figures], severity: str, span: tuple[datetime, datetime], width: int, height: int
) -> Spec:
    colour = _CRITICAL if severity == "critical" else _ACCENT
    values = [{"at": _ms(at["instant"]), "open": at["open"][severity]} for at in series]
    most = max([4, *(value["open"] for value in values)])
    title = severity[:1].upper() + severity[1:]
    ends = [_ms(at) for at in span]
    return {
        **{"width": width, "height": height, "data": {"values": values}},
        "encoding": {
            "x": {
                **{"field": "at", "type": "temporal", "scale": {"type": "utc", "domain": ends}},
                "axis": {
                    **{"values": ends, "format": "%-d %b", "labelFlush": True, "grid": False},
                },
            },
            "y": {
                **{"field": "open", "type": "quantitative", "axis": {"tickCount": 3, **_COUNTS}},
                "scale": {"domain": [0, most], "nice": 3},
            },
        },
        "layer": [
            _layer("area", fill=colour, fillOpacity=0.14, line={"stroke": colour}),
            {
                "transform": [{"filter": f"datum.at === {values[-1]['at']}"}],
                **_layer("point", filled=True, fill=colour, size=45, opacity=1),
            },
            _words(title, x=0, y=-14, fontWeight=600, fontSize=13, limit=width - 50),
            _words(f"{values[-1]['open']:,}", x=width, y=-14, fontWeight=700, align="right"),
        ],
    }


def opened_and_fixed(figures: Figures, narrow: bool) -> Spec:
    """Bars up for what was opened in a week, and down for what was fixed."""
    values = [
        {
            **{"week": _iso(week["week"]), "so_far": week["so_far"], "kind": kind},
            **{"n": week[kind], "signed": sign * week[kind]},
            "words": f"{week[kind]:,}" if week[kind] < 10_000 else f"{week[kind] / 1000:.0f}k",
        }
        for week in figures["flow"]
        for kind, sign in (("opened", 1), ("fixed", -1))
    ]
    weeks = [_iso(week) for week in figures["weeks"]]
    most = max([4, *(value["n"] for value in values)])
    step, width, height = (6, 274, 190) if narrow else (2, 820, 220)
    colour = {"condition": {"test": "datum.kind === 'opened'", "value": _ACCENT}, "value": _FIXED}
    bars = {
        "transform": [{"filter": "datum.n > 0"}],
        **_layer("bar", cornerRadiusEnd=2, width={"band": 0.72}),
        "encoding": {
            **{"fill": colour, "stroke": colour},
            "fillOpacity": {"condition": {"test": "datum.so_far", "value": 0.3}, "value": 1},
            "strokeDash": {"condition": {"test": "datum.so_far", "value": [3, 2]}, "value": [1, 0]},
        },
    }
    numbers = [
        {
            "transform": [{"filter": f"datum.kind === '{kind}' && datum.n > 0"}],
            **_layer("text", dy=dy, align="center", fontSize=10.5, fill=_MUTED),
            "encoding": {"text": {"field": "words"}},
        }
        for kind, dy in (("opened", -8), ("fixed", 9))
    ]
    return {
        **{"width": width, "height": height, "data": {"values": values}},
        "encoding": {
            "x": {
                **{"field": "week", "type": "ordinal", "sort": None},
                "scale": {"domain": weeks, "paddingOuter": 0.1},
                "axis": {
                    **{"values": weeks[::-step], "labelAngle": 0, "offset": 24},
                    "labelExpr": "utcFormat(toDate(datum.value), '%-d %b')",
                },
            },
            "y": {
                **{"field": "signed", "type": "quantitative", "stack": None},
                "scale": {"domain": [-most, most], "nice": 4},
                "axis": {"tickCount": 5, **_COUNTS},
            },
        },
        "layer": [
            bars,
            *([] if narrow else numbers),
            _layer("rule", {"x": None, "y": {"datum": 0}}, stroke=_MUTED),
            _words("▲ opened", x=2, y=-12, fontWeight=600, fill=_ACCENT),
            _words("▼ fixed", x=2, y=height + 12, fontWeight=600, fill=_FIXED),
        ],
    }


def days_to_fix(figures: Figures, narrow: bool) -> Spec:
    """For each severity the middle half as a bar, the median as a tick and in words."""
    values = [{**row, "words": f"{days(row['median'])} days"} for row in figures["days_to_fix"]]
    x = {
        "type": "quantitative",
        "scale": {
            "domain": [0, max([1, *(row["three_quarters"] for row in values)])],
            "nice": True,
        },
        "axis": {"tickCount": 4 if narrow else 8, "format": ",~f"},
    }
    capitals = "upper(slice(datum.label, 0, 1)) + slice(datum.label, 1)"
    width = 170 if narrow else 690
    return {
        **{"width": width, "height": {"step": 34}, "data": {"values": values}},
        "encoding": {
            "y": {
                **{"field": "severity", "type": "ordinal", "sort": None},
                "axis": {
                    **{"labelFontSize": 12, "labelColor": _INK, "labelExpr": capitals},
                    **{"labelLimit": 64, "minExtent": 70, "maxExtent": 70},
                },
            }
        },
        "layer": [
            _layer(
                "bar",
                {"x": {**x, "field": "quarter"}, "x2": {"field": "three_quarters"}},
                **{"height": 12, "cornerRadius": 6},
                **{"fill": _ACCENT, "fillOpacity": 0.25, "stroke": _ACCENT},
            ),
            _layer(
                "tick", {"x": {**x, "field": "median"}}, thickness=4, size=20, fill=_INK, opacity=1
            ),
            _layer("text", {"text": {"field": "words"}}, x=width + 12, fontWeight=600),
        ],
    }


def worst_targets(figures: Figures, narrow: bool) -> Spec:
    """A bar for each target under its address, the criticals in it first, and both in words."""
    values = [
        {
            **{"rank": rank, "target": target["target"]},
            **{"open": target["open"], "critical": target["critical"]},
            "words": f"{target['open']:,}"
            + (f", {target['critical']:,} critical" if target["critical"] else ""),
        }
        for rank, target in enumerate(figures["targets"])
    ]
    width, room = (215, 300) if narrow else (740, 820)
    x = {
        **{"type": "quantitative", "axis": None},
        "scale": {"domain": [0, max([1, *(value["open"] for value in values)])]},
    }
    end = {**x, "field": "open"}
    bar = {"height": 10, "yOffset": 9}
    return {
        **{"width": width, "height": {"step": 40}, "data": {"values": values}},
        "encoding": {"y": {"field": "rank", "type": "ordinal", "axis": None}},
        "layer": [
            _layer("text", {"text": {"field": "target"}}, x=0, yOffset=-7, limit=room),
            _layer("bar", {"x": end}, **bar, fill=_ACCENT, fillOpacity=0.7, cornerRadiusEnd=2),
            _layer("bar", {"x": {**x, "field": "critical"}}, **bar, fill=_CRITICAL),
            _layer(
                "text",
                {"x": end, "text": {"field": "words"}},
                **{"dx": 6, "yOffset": 9, "fill": _MUTED, "fontSize": 11},
            ),
        ],
    }


def days(number: float) -> str:
    """A number of days, as exact as it is worth being."""
    return f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def _layer(kind: str, encoding: Spec | None = None, **mark: Any) -> Spec:
    return {"mark": {"type": kind, **mark}, "encoding": encoding or {}}


def _words(text: str, **mark: Any) -> Spec:
    """Words at a place of their own, in pixels."""
    nowhere = {"x": None, "y": None}
    return {
        "data": {"values": [{}]},
        **_layer("text", nowhere, text=text, baseline="middle", **mark),
    }


def _iso(day: datetime) -> str:
    return f"{day:%Y-%m-%d}"


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
