"""The page in a real Chromium: on a desktop, on a phone, in the dark and on paper."""

import re
from pathlib import Path

import pytest

from . import chromium
from .account import IMAGE
from .conftest import ReadPage

# One worker writes the page that all of these tests read.
pytestmark = pytest.mark.xdist_group("report")

COMPLAINTS = {
    "Log.entryAdded",
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
    "Page.javascriptDialogOpening",
}


def test_text_from_the_api_is_escaped(page: ReadPage, written: Path) -> None:
    """Titles, tags, addresses and severities are text in tables and charts, never markup."""
    assert not page.tags & {"script", "img", "b", "link", "iframe"}
    assert not {name for name in page.attributes if name.startswith("on")}
    assert page.attributes & {"src", "xlink:href"} == set()
    assert all(link.startswith("#") for link in page.links)
    listed = [text for items in page.lists.values() for item in items for text in item]
    in_charts = 2  # the chart of the targets, wide and narrow
    assert page.text.count(f"a{IMAGE}") == in_charts + sum(f"a{IMAGE}" in of for of in listed)
    assert "49 &" not in written.read_text()
    assert {"<script>alert(1)</script>", "(no title)"} <= {*listed}
    assert any("<b>or later</b>" in text for text in listed)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_screen(browser: chromium.Page, written: Path, width: int, dark: bool) -> None:
    """Nothing runs, loads or overflows, and all text is legible."""
    browser.open(written, width, dark)
    assert [e for e in browser.events if e["method"] in COMPLAINTS] == []
    requests = [e for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert [e["params"]["request"]["url"] for e in requests] == [written.as_uri()]
    assert browser.ask("document.querySelectorAll('script, img, b').length") == 0
    assert browser.ask("document.documentElement.scrollWidth") == width
    # Only the charts for this width are shown. They fit, and have a text for screen readers.
    assert (
        browser.ask(
            "[...document.querySelectorAll('.chart')].filter(c => c.offsetWidth).map(c =>"
            " [c.classList[1], c.role, c.getAttribute('aria-label').length > 20,"
            "  c.querySelector('svg').getBoundingClientRect().right <= innerWidth])"
        )
        == [["narrow" if width == 390 else "wide", "img", True, True]] * 4
    )
    # So does all text in them: none of it leaves the frame around its chart.
    assert (
        browser.ask(
            "[...document.querySelectorAll('.chart text')].filter(e =>"
            " e.getBoundingClientRect().right > e.closest('section').getBoundingClientRect().right"
            ").map(e => e.textContent)"
        )
        == []
    )
    # What is wider than the window scrolls, under a shadow that says so.
    assert (
        browser.ask(
            "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, svg') &&"
            " e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)"
        )
        == []
    )
    assert browser.ask(
        "[...document.querySelectorAll('.scroll')].every(e => { const style = getComputedStyle(e);"
        " return style.overflowX === 'auto' && style.backgroundAttachment.includes('local')"
        " && style.backgroundImage.split('linear-gradient').length === 5 })"
    )
    # The big numbers of a row of tiles stand on one line, each as high as one line.
    assert browser.ask(
        "[...Map.groupBy(document.querySelectorAll('.figure'), e =>"
        " e.parentElement.offsetTop).values()].map(row => [row.length,"
        " new Set(row.map(e => `${e.offsetTop} ${e.offsetHeight}`)).size])"
    ) == ([[6, 1]] if width == 1280 else [[2, 1]] * 3)
    # WCAG AA asks for a contrast of 4.5 to 1.
    for text in ("ink", "muted", "accent", "critical", "fixed"):
        for ground in ("face", "page"):
            assert contrast(color(browser, text), color(browser, ground)) >= 4.5, (text, ground)
    assert contrast(color(browser, "warn-ink"), color(browser, "warn")) >= 4.5
    assert (luminance(color(browser, "page")) < 0.1) == dark
    # The table of each chart opens without a script.
    assert browser.ask(
        "[...document.querySelectorAll('details')].every(d => { d.open = true;"
        " return d.querySelector('table').offsetHeight > 0 })"
    )
    assert browser.ask("document.documentElement.scrollWidth") == width


def color(browser: chromium.Page, name: str) -> str:
    value = browser.ask(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}')")
    return str(value).strip()


def luminance(color: str) -> float:
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_injected_script_does_not_run(browser: chromium.Page, written: Path) -> None:
    """The page's Content-Security-Policy stops scripts even if escaping failed."""
    browser.open(written)
    assert browser.ask(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.head.append(s); return window.ran === undefined })()"
    )


def test_print(browser: chromium.Page, written: Path, page: ReadPage) -> None:
    """On paper the page is light and wide, whatever the screen, and all of it is there."""
    browser.open(written, 390, dark=True)
    assert len(re.findall(rb"/Type /Page\b(?!s)", browser.pdf())) in range(8, 12)
    # As wide as A4 within its margins.
    browser.open(written, 688)
    browser.do("Emulation.setEmulatedMedia", media="print")
    assert color(browser, "page") == color(browser, "face") == "#ffffff"
    assert browser.ask(
        "['.wide', '.narrow', '.what'].map(s => document.querySelector(s).offsetHeight > 0)"
    ) == [True, False, False]
    shown = browser.ask(
        "[...document.querySelectorAll('table')].filter(e => e.checkVisibility("
        "{contentVisibilityAuto: true}) && e.offsetHeight > 0 && e.parentElement.scrollWidth"
        " <= e.parentElement.clientWidth).map(e => e.id)"
    )
    assert shown == list(page.tables)
